"""What the first page and "What waits for me" say of links."""

from typing import Any

from django import template

from accounts.models import User
from accounts.queries import actor_for
from accounts.texts import text
from linking import admin_queries, signing_queries
from linking.admin.base import page_of_instrument

register = template.Library()


@register.simple_tag
def instruments_awaiting(user: User) -> int:
    """Return how many instruments the user could sign now."""
    return signing_queries.awaiting_signature(actor_for(user)).count()


@register.simple_tag
def instruments_to_sign(user: User) -> list[dict[str, Any]]:
    """Return the instruments that the user could sign now, the oldest first."""
    rows = signing_queries.signed_by(signing_queries.awaiting_signature(actor_for(user)))[: admin_queries.MOST_SHOWN]
    return [
        {
            "row": row,
            "address": page_of_instrument(row),
            "kind": text(f"instrument.{row.kind}"),
            "about": str(row.corridor or row.link),
            "own": row.proposed_by_id == user.pk,
            "signed": [f"{one.user} ({one.jurisdiction})" for one in row.signatures.all()],
        }
        for row in rows
    ]
