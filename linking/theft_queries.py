"""Notices of freezes across links and cases of theft: whose they are to read, and which cases wait for a person.

It decides nothing: who may propose, decide or take back is for the operations to say, and for PostgreSQL.
"""

from enum import StrEnum

from django.db.models import Prefetch, QuerySet

from accounts.queries import is_readable, readable_jurisdictions
from accounts.rules.access import Actor
from linking.models import Agreement, Notice, TheftCase
from linking.operations.sides import acts_for, is_senior
from linking.rules.terms import GoodFaith
from registry.models import Freeze, UnitBlock


class HoldState(StrEnum):
    """What became of a hold."""

    STANDS = "stands"
    CONFIRMED = "confirmed"
    LAPSED = "lapsed"
    ENDED = "ended"


def state_of_hold(hold: Freeze) -> HoldState:
    """Return what became of a hold; ENDED: lifted here, or released with the freeze that it is for."""
    if hold.confirmed_by_id is not None:
        return HoldState.CONFIRMED
    if hold.released_at is None:
        return HoldState.STANDS
    has_lapsed = hold.expires_at is not None and hold.released_at >= hold.expires_at and hold.released_by_id is None
    return HoldState.LAPSED if has_lapsed else HoldState.ENDED


def state_of_case(case: TheftCase) -> str:
    """Return how far a case has come: open, decided or withdrawn."""
    if case.decided_at is not None:
        return "decided"
    return "open" if case.withdrawn_at is None else "withdrawn"


def notices_for(actor: Actor, *, everything: bool) -> QuerySet[Notice]:
    """Return the notices from or to the jurisdictions in which a reader reads everything, with their holds. In two statements."""
    holds = Freeze.objects.select_related("jurisdiction", "origin", "confirmed_by").order_by("first_no", "id")
    rows = Notice.objects.select_related("freeze", "from_side", "to_side", "given_by").prefetch_related(
        Prefetch("freeze__holds", holds)
    )
    return rows.filter(is_readable(actor, "from_side", "to_side", everything=everything))


def cases_for(actor: Actor, *, everything: bool) -> QuerySet[TheftCase]:
    """Return the cases of which either registry is one in which a reader reads everything. In one statement."""
    rows = TheftCase.objects.select_related(
        "hold__jurisdiction", "hold__origin", "hold__notice_of__jurisdiction", "freeze", "victim"
    ).select_related("proposed_by", "decided_by", "withdrawn_by")
    return rows.filter(is_readable(actor, "hold__jurisdiction", "hold__notice_of__jurisdiction", everything=everything))


def cases_awaiting(actor: Actor) -> QuerySet[TheftCase]:
    """Return the cases that a person could decide now, the oldest first: another's, in a registry of which one is senior."""
    rows = cases_for(actor, everything=True).filter(
        decided_at=None, withdrawn_at=None, freeze__released_at=None, freeze__release_requested_at=None
    )
    homes = {role.rpartition("@")[2] for role in actor.roles}
    mine = [code for code in homes if acts_for(actor, code) and is_senior(actor, code)]
    found = rows.filter(hold__jurisdiction__code__in=mine).exclude(proposed_by_id=actor.user_id)
    return found.order_by("proposed_at", "id")


def may_read(actor: Actor, side: str, *, everything: bool) -> bool:
    """Return whether a reader reads everything of a registry, such as evidence that may name a person."""
    codes = None if everything else readable_jurisdictions(actor)
    return codes is None or side in codes


def clause_of(hold: Freeze) -> GoodFaith:
    """Return the good-faith clause of the terms that held units came by. In one statement."""
    return GoodFaith(Agreement.objects.get(pk=hold.agreement_id or 0).terms["good_faith"])


def block_of(hold: Freeze) -> UnitBlock | None:
    """Return the block in which the first of the held units lie now, with its account. In one statement."""
    rows = UnitBlock.objects.select_related("account__jurisdiction", "series__unit_type")
    return rows.filter(origin=hold.origin, start_no__lte=hold.first_no, end_no__gt=hold.first_no).first()
