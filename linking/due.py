"""What falls due on links: what waits under terms that have ended is ended, and a corridor that has ended is stated."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import connection

from accounts.rules.access import Actor
from linking.models import Delinking
from linking.operations.end_terms import end_terms
from linking.operations.state_end import state_end
from registry.due import Due


def found(actor: Actor, now: datetime) -> list[Due]:
    """Return everything on links that is due by `now`."""
    return [thing for source in SOURCES for thing in source(actor, now)]


def _ended(actor: Actor, now: datetime) -> list[Due]:
    """What waits and can settle no more. It is found by its row and judged again under locks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_id, since FROM linking_ended(%s) ORDER BY since, transaction_id", [now])
        rows: list[tuple[UUID, datetime]] = cursor.fetchall()

    def due(transaction_id: UUID, since: datetime) -> Due:
        return Due(
            since,
            f"transaction {transaction_id}, terms ended",
            lambda instant: end_terms(transaction_id, actor=actor, now=instant),
        )

    return [due(*row) for row in rows]


def _statements(actor: Actor, now: datetime) -> list[Due]:
    """The corridors whose notice is over and whose final statement is not made."""
    rows = Delinking.objects.filter(takes_effect_at__lte=now, statement=None).order_by("takes_effect_at", "id")

    def due(delinking: Delinking) -> Due:
        return Due(
            delinking.takes_effect_at,
            f"final statement of {delinking.corridor}",
            lambda instant: state_end(delinking.pk, actor=actor, now=instant),
        )

    return [due(row) for row in rows.select_related("corridor__origin", "corridor__destination")]


# Everything on links that can fall due; a new kind of thing is a new row here.
SOURCES: tuple[Callable[[Actor, datetime], list[Due]], ...] = (_ended, _statements)
