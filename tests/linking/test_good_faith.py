"""What becomes of stolen units abroad: the clause of the terms they came by, two persons, and PostgreSQL."""

from collections.abc import Callable

import pytest

from accounts.refusals import NotPermitted, Refusal
from audit.models import Entry
from linking.books import issuer_books
from linking.models import Quota, TheftCase
from linking.operations.decide_theft_case import decide_theft_case
from linking.operations.suspend_corridor import suspend_corridor
from linking.operations.withdraw_theft_case import withdraw_theft_case
from linking.rules.good_faith import CaseOutcome, outcome_of
from linking.rules.terms import GoodFaith
from registry.models import Freeze, Transaction
from registry.operations.freeze import freeze_account
from registry.operations.outcome import Refused
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.states import State
from registry.verification import Verified, verify
from tests.linking.thefts import LATER, REVIEW_ON, Chase, chase

ORDER = "court order 12"


def buyer_keeps() -> Chase:
    return chase("buyer-keeps")


@pytest.fixture
def world() -> Callable[[], Chase]:
    return chase


@pytest.fixture
def theft(begun: Chase):
    """Units 1 to 100 of Beijing's ann, with Tokyo's bob, frozen by both cities."""
    begun.sent(1, 101)
    begun.freeze(1, 101)
    begun.confirm(begun.holds()[0])
    yield begun
    assert isinstance(verify(), Verified), verify()


def used(kind: str) -> int:
    return Quota.objects.get(kind=kind, corridor__destination__code="JP-13").used


@pytest.mark.parametrize(
    ("clause", "for_value", "outcome"),
    [
        (GoodFaith.BUYER_KEEPS, True, CaseOutcome.KEEP),
        (GoodFaith.BUYER_KEEPS, False, CaseOutcome.RETURN),
        (GoodFaith.UNITS_GO_BACK, True, CaseOutcome.RETURN),
        (GoodFaith.UNITS_GO_BACK, False, CaseOutcome.RETURN),
    ],
)
def test_the_clause_and_one_fact_say_who_has_the_units_in_the_end(clause, for_value, outcome):
    assert outcome_of(clause, acquired_for_value=for_value) is outcome


def test_units_go_home_to_whom_they_were_taken_from_by_order_and_quota_is_given_back(theft: Chase):
    assert (used("entry"), used("leave"), used("net-flow")) == (100, 100, 100)
    case = theft.case(theft.holds()[0], for_value=True, victim="ann", reference=ORDER)
    assert case.outcome == CaseOutcome.RETURN
    outcome = theft.decide(case)
    assert outcome is not None
    assert (outcome.type, outcome.state, outcome.quantity, outcome.reference) == ("3-55", State.COMPLETED, 100, ORDER)
    assert theft.holder(1) == theft.holder(100) == ("CN-BJ", "ann")
    assert (used("entry"), used("leave"), used("net-flow")) == (0, 0, 0)
    case.refresh_from_db()
    assert case.transaction_id == outcome.transaction_id
    assert issuer_books("CN-BJ").held_abroad == 0


def test_the_victim_gets_units_that_its_own_registry_still_has_frozen_and_two_release_there(theft: Chase):
    theft.decide(theft.case(theft.holds()[0], for_value=True, victim="ann", reference=ORDER))
    assert theft.frozen("CN-BJ") == list(range(1, 101))
    theft.lift(Freeze.objects.get(notice_of=None, jurisdiction__code="CN-BJ").pk, "CN-BJ")
    assert theft.frozen("CN-BJ") == []
    assert theft.sent(1, 51, now=LATER).state == State.COMPLETED


def test_a_suspended_corridor_keeps_nobody_from_giving_back_what_was_stolen(theft: Chase):
    case = theft.case(theft.holds()[0], for_value=True, victim="ann", reference=ORDER)
    corridor = theft.pilot.corridor("CN-BJ", "JP-13")
    suspend_corridor(corridor.pk, reason="thefts", actor=theft.pilot["CN-BJ"].officers[0], now=LATER)
    assert theft.decide(case) is not None
    assert theft.holder(1) == ("CN-BJ", "ann")


def test_what_another_freeze_of_the_city_stops_as_well_does_not_go_home_by_a_case(theft: Chase):
    case = theft.case(theft.holds()[0], for_value=True, victim="ann", reference=ORDER)
    other = theft.freeze(91, 101, by="JP-13")
    with pytest.raises(Refused) as refused:
        theft.decide(case)
    assert {failure.code for failure in refused.value.failures} == {4009}
    theft.lift(other.id, "JP-13")
    assert theft.decide(case) is not None


def test_both_registries_logs_tell_of_the_case_and_of_the_restitution(theft: Chase):
    case = theft.case(theft.holds()[0], for_value=True, victim="ann", reference=ORDER)
    outcome = theft.decide(case)
    assert outcome is not None
    for event in ("theft.case-proposed", "theft.case-decided"):
        told = Entry.objects.filter(event=event).order_by("id")
        assert [(row.registry, row.subject) for row in told] == [
            ("JP-13", f"case:{case.pk}"),
            ("CN-BJ", f"case:{case.pk}"),
        ]
    moved = Entry.objects.filter(subject=str(outcome.transaction_id)).order_by("id")
    assert [row.registry for row in moved] == ["JP-13", "CN-BJ"]


@pytest.mark.parametrize("world", [buyer_keeps])
def test_a_buyer_for_value_keeps_the_units_where_the_clause_says_so(theft: Chase):
    case = theft.case(theft.holds()[0], for_value=True)
    assert case.outcome == CaseOutcome.KEEP
    assert theft.decide(case) is None
    assert theft.holder(1) == ("JP-13", "bob")
    assert theft.frozen("JP-13") == []
    own = Freeze.objects.get(pk=case.freeze_id)
    assert (own.release_requested_by_id, own.released_by_id) == tuple(
        o.user_id for o in theft.pilot["JP-13"].officers[:2]
    )
    assert used("entry") == 100


@pytest.mark.parametrize("world", [buyer_keeps])
def test_who_did_not_acquire_them_for_value_keeps_nothing_whatever_the_clause(theft: Chase):
    with pytest.raises(Refusal) as refused:
        theft.case(theft.holds()[0], for_value=False)
    assert (refused.value.code, refused.value.field) == ("victim-is-not-at-home", "victim")
    theft.decide(theft.case(theft.holds()[0], for_value=False, victim="ann", reference=ORDER))
    assert theft.holder(1) == ("CN-BJ", "ann")


@pytest.mark.parametrize("world", [buyer_keeps])
def test_where_the_buyer_keeps_the_units_nobody_gets_them_back(theft: Chase):
    with pytest.raises(Refusal, match="buyer-keeps-the-units"):
        theft.case(theft.holds()[0], for_value=True, victim="ann", reference=ORDER)


def test_a_return_needs_the_reference_of_an_order(theft: Chase):
    with pytest.raises(Refusal, match="order-reference-missing"):
        theft.case(theft.holds()[0], for_value=True, victim="ann")


def test_a_case_needs_evidence_and_a_confirmed_hold_and_there_is_one_at_a_time(begun: Chase):
    begun.sent(1, 101)
    begun.freeze(1, 101)
    (hold,) = begun.holds()
    with pytest.raises(Refusal, match="hold-is-not-confirmed"):
        begun.case(hold, for_value=True, victim="ann", reference=ORDER)
    begun.confirm(hold)
    first = begun.case(hold, for_value=True, victim="ann", reference=ORDER)
    with pytest.raises(Refusal, match="case-is-open"):
        begun.case(hold, for_value=True, victim="ann", reference=ORDER)
    withdraw_theft_case(first.pk, actor=begun.pilot["JP-13"].officers[0], now=LATER)
    with pytest.raises(Refusal, match="case-is-not-open"):
        begun.decide(first)
    assert begun.frozen("JP-13") == list(range(1, 101))
    assert begun.decide(begun.case(hold, for_value=True, victim="ann", reference=ORDER)) is not None


def test_who_proposed_decides_nothing_nor_does_a_junior_nor_the_other_side(theft: Chase):
    case = theft.case(theft.holds()[0], for_value=True, victim="ann", reference=ORDER)
    with pytest.raises(NotPermitted):
        theft.decide(case, officer=0)
    with pytest.raises(NotPermitted):
        decide_theft_case(case.pk, actor=theft.pilot["CN-BJ"].officers[1], now=LATER)
    assert theft.holder(1) == ("JP-13", "bob")


def test_a_restitution_that_fails_leaves_the_case_open_and_the_units_frozen(theft: Chase):
    case = theft.case(theft.holds()[0], for_value=True, victim="ann", reference=ORDER)
    victim = theft.pilot["CN-BJ"]["ann"]
    freeze_account(victim, reason="test", review_on=REVIEW_ON, actor=theft.pilot["CN-BJ"].officers[0], now=LATER)
    with pytest.raises(Refused) as refused:
        theft.decide(case)
    assert {failure.code for failure in refused.value.failures} == {4004}
    case.refresh_from_db()
    assert case.decided_at is None
    assert theft.frozen("JP-13") == list(range(1, 101))
    assert not Transaction.objects.filter(type="3-55").exists()


def test_a_restitution_without_a_case_is_refused_with_its_code(theft: Chase):
    tokyo, beijing = theft.pilot["JP-13"], theft.pilot["CN-BJ"]
    theft.sent(201, 211, "ann")
    line = Line(tokyo["ann"], beijing["ann"], 10, "CNBJ", "BEA", None, None, (SerialRange("CNBJ", 201, 211),))
    order = Proposal("3-55", (line,), reason="stolen", reference=ORDER)
    with pytest.raises(Refused) as refused:
        propose(order, actor=tokyo.officers[1], now=LATER)
    assert {failure.code for failure in refused.value.failures} == {2011}
    assert TheftCase.objects.count() == 0
