"""What the first page and "What waits for me" say of links."""

from typing import Any

from django import template

from accounts.models import User
from accounts.queries import actor_for
from accounts.texts import text
from linking import admin_queries, instrument_queries, theft_queries
from linking.admin.base import page_of_instrument
from linking.admin.notices import serials_of
from linking.admin.theft_cases import page_of_case

register = template.Library()


@register.simple_tag
def instruments_awaiting(user: User) -> int:
    """Return how many instruments the user could sign now."""
    return instrument_queries.awaiting_signature(actor_for(user)).count()


@register.simple_tag
def instruments_to_sign(user: User) -> list[dict[str, Any]]:
    """Return the instruments that the user could sign now, the oldest first."""
    rows = instrument_queries.described(instrument_queries.awaiting_signature(actor_for(user)))[
        : admin_queries.MOST_SHOWN
    ]
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


@register.simple_tag
def cases_to_decide(user: User) -> list[dict[str, Any]]:
    """Return the cases of theft that the user could decide now, the oldest first."""
    return [
        {
            "row": row,
            "address": page_of_case(row.pk),
            "serials": serials_of(row.hold),
            "outcome": text(f"theft.outcome-{row.outcome}"),
        }
        for row in theft_queries.cases_awaiting(actor_for(user))[: admin_queries.MOST_SHOWN]
    ]
