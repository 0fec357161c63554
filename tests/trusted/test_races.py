"""Threads on real PostgreSQL: of two who decide at once, one does."""

from collections.abc import Callable

import pytest

from accounts.models import Representative, TrustedAccount
from accounts.operations.change_representative_state import change_representative_state
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.representatives import RepresentativeState
from audit.models import Entry
from tests.accounts.samples import REGISTRY
from tests.ledger.test_races import at_once, kinds
from tests.trusted.people import NOW, Trust

ROUNDS = 5


def events() -> list[str]:
    """What the log tells of lists, beside the requests."""
    told = Entry.objects.filter(event__startswith="trusted-account.").exclude(event="trusted-account.requested")
    return list(told.order_by("id").values_list("event", flat=True))


def codes(results: list[object]) -> set[str]:
    return {result.code for result in results if isinstance(result, Refusal)}


def settle(row: TrustedAccount, *acts: Callable[[], object]) -> list[object]:
    """Run acts upon a request at once: one succeeds and the others are refused by its state."""
    results = at_once(*acts)
    assert kinds(results) == {"TrustedAccount": 1, "Refusal": len(acts) - 1}, results
    assert codes(results) == {"trusted-account-state-does-not-follow"}
    row.refresh_from_db()
    winner = next(result for result in results if isinstance(result, TrustedAccount))
    assert (row.state, row.decided_by_id, row.removed_by_id) == (
        winner.state,
        winner.decided_by_id,
        winner.removed_by_id,
    )
    return results


def test_of_three_approvers_at_once_one_approves(committed: Trust) -> None:
    for _ in range(ROUNDS):
        row = committed.request()
        settle(row, *[lambda row=row, by=by: committed.decide(row, by) for by in ("app", "both", "both-two")])
        committed.remove(row)
    assert events() == ["trusted-account.approved", "trusted-account.removed"] * ROUNDS


def test_a_request_that_is_approved_and_withdrawn_at_once_becomes_one_of_both(committed: Trust) -> None:
    for _ in range(ROUNDS):
        row = committed.request()
        settle(row, lambda row=row: committed.decide(row), lambda row=row: committed.withdraw(row))
        if row.state == "APPROVED":
            committed.remove(row)
    assert len([event for event in events() if event != "trusted-account.removed"]) == ROUNDS


def test_a_request_that_is_approved_and_rejected_at_once_becomes_one_of_both(committed: Trust) -> None:
    row = committed.request()
    settle(row, lambda: committed.decide(row, "app"), lambda: committed.decide(row, "both", approved=False))
    assert len(events()) == 1


def test_one_approval_repeated_eight_times_at_once_is_one(committed: Trust) -> None:
    row = committed.request()
    results = at_once(*[lambda: committed.decide(row)] * 8)
    assert {(result.pk, result.active_from) for result in results if isinstance(result, TrustedAccount)} == {
        (row.pk, TrustedAccount.objects.get().active_from)
    }
    assert kinds(results) == {"TrustedAccount": 8}
    assert events() == ["trusted-account.approved"]


def test_one_request_repeated_eight_times_at_once_is_one(committed: Trust) -> None:
    results = at_once(*[committed.request] * 8)
    assert kinds(results) == {"TrustedAccount": 8}
    assert TrustedAccount.objects.count() == 1
    assert Entry.objects.filter(event="trusted-account.requested").count() == 1


def test_two_people_who_ask_for_the_same_at_once_ask_once(committed: Trust) -> None:
    results = at_once(lambda: committed.request("ini"), lambda: committed.request("both"))
    assert kinds(results) == {"TrustedAccount": 1, "Refusal": 1}
    assert codes(results) == {"trusted-account-listed-already"}


def test_who_is_removed_at_once_with_their_approval_approved_before_or_not_at_all(committed: Trust) -> None:
    approver = Representative.objects.get(user_id=committed.actors["app"].user_id)
    row = committed.request()

    def remove_the_approver() -> object:
        return change_representative_state(
            representative=approver, state=RepresentativeState.REMOVED, actor=REGISTRY, now=NOW
        )

    approval, removal = at_once(lambda: committed.decide(row), remove_the_approver)
    assert isinstance(removal, Representative)
    told = list(
        Entry.objects.filter(event__in=["trusted-account.approved", "representative.state-changed"])
        .order_by("id")
        .values_list("event", flat=True)
    )
    if isinstance(approval, NotPermitted):
        assert told == ["representative.state-changed"]
    else:
        assert told == ["trusted-account.approved", "representative.state-changed"]
    with pytest.raises(NotPermitted):
        committed.decide(row)
