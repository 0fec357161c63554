"""State the end of a corridor: what came and went by it and by the opposite one, as at the end of the notice, once."""

import json
from datetime import datetime

from django.db import connection, transaction

from accounts.rules.access import Actor
from linking.models import Delinking
from linking.operations.sides import tell
from linking.rules.end_figures import Content
from linking.statement_queries import end_content


def state_end(delinking_id: int, *, actor: Actor, now: datetime) -> Content | None:
    """Make the final statement of an end, logged in both registries; None where it was made before.

    PostgreSQL takes the same figures from the ledger and refuses others. Commit point: before COMMIT nothing is stated; after it
    the statement stands with its log entries. A crash in between is one or the other, and the next look of `run_due` finds which.

    Raises: IntegrityError before the end, or where a transaction was completed meanwhile: the next look states it.
    Source: linking.md section 3, delinking.
    """
    found = Delinking.objects.select_related(
        "corridor__link__first", "corridor__link__second", "corridor__origin", "corridor__destination"
    )
    delinking = found.get(pk=delinking_id)
    corridor = delinking.corridor
    with transaction.atomic():
        content = end_content(delinking)
        with connection.cursor() as cursor:
            cursor.execute("SELECT linking_state_end(%s, %s::jsonb, %s)", [delinking.pk, json.dumps(content), now])
            (is_made,) = cursor.fetchone()
        if not is_made:
            return None
        told = {"corridor": str(corridor), "as_of": delinking.takes_effect_at.isoformat(), **content}
        tell(corridor.link, "corridor.end-stated", told, subject=f"corridor:{corridor.pk}", actor=actor, now=now)
    return content
