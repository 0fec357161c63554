"""Who may do what to a list of trusted accounts: every right, every state, every refusal, and what the log tells."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from accounts.models import Representative, TrustedAccount
from accounts.operations.change_account_status import change_account_status
from accounts.operations.request_trusted_account import request_trusted_account
from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.access import Role
from accounts.rules.account_types import HolderKind
from accounts.rules.identifiers import format_account_identifier
from accounts.rules.representatives import RepresentativeState
from accounts.rules.statuses import AccountStatus
from accounts.rules.trusted import LIVE_STATES, TRUSTED_TRANSITIONS, TrustedAccountState, trusted_state_may_become
from accounts.trusted_queries import is_trusted, trusted_list
from audit.models import Entry
from tests.accounts.samples import REGISTRY, holder, with_role
from tests.trusted.people import ABROAD, NOW, RIGHTS, ROLES, Trust, open_for

STATES = TrustedAccountState
PEOPLE = (*RIGHTS, *ROLES, "stranger", "senior-elsewhere")
INITIATORS = {"ini", "both", "both-two"}
APPROVERS = {"app", "both", "both-two"}
REMOVERS = INITIATORS | {"senior", "senior-two", "junior"}


def last_entry() -> tuple[str, str, str, dict]:
    entry = Entry.objects.order_by("id").last()
    assert entry is not None
    return entry.event, entry.actor, entry.subject, json.loads(bytes(entry.body))["content"]


def close(account: object) -> None:
    for status in (AccountStatus.CLOSURE_PENDING, AccountStatus.CLOSED):
        change_account_status(
            identifier=account.identifier,  # type: ignore[attr-defined]
            status=status,
            reason="",
            actor=REGISTRY,
            now=NOW,
        )


def test_the_table_names_every_state_and_no_way_back() -> None:
    assert set(TRUSTED_TRANSITIONS) == set(STATES)
    assert {STATES.REQUESTED, STATES.APPROVED} == LIVE_STATES
    assert not any(trusted_state_may_become(state, STATES.REQUESTED) for state in STATES)


def test_one_asks_another_approves_and_the_log_tells_both(listed: Trust) -> None:
    row = listed.request(note="our subsidiary")
    assert (row.state, row.requested_by_id, row.requested_at) == ("REQUESTED", listed.actors["ini"].user_id, NOW)
    told = {"identifier": listed.other.identifier, "trusted_account": row.pk}
    assert last_entry() == ("trusted-account.requested", listed.actors["ini"].name, listed.account.identifier, told)
    approved = listed.decide(row, now=NOW + timedelta(hours=1))
    assert (approved.state, approved.decided_by_id) == ("APPROVED", listed.actors["app"].user_id)
    assert approved.active_from is not None
    assert last_entry() == (
        "trusted-account.approved",
        listed.actors["app"].name,
        listed.account.identifier,
        told | {"active_from": approved.active_from.isoformat()},
    )


@pytest.mark.parametrize("name", PEOPLE)
def test_only_who_may_initiate_asks(listed: Trust, name: str) -> None:
    if name in INITIATORS:
        assert listed.request(name).state == "REQUESTED"
    else:
        with pytest.raises(NotPermitted):
            listed.request(name)


@pytest.mark.parametrize(("name", "approved"), list(product(PEOPLE, (True, False))))
def test_only_who_may_approve_decides(listed: Trust, name: str, approved: bool) -> None:
    row = listed.request()
    if name in APPROVERS:
        assert listed.decide(row, name, approved=approved).state == ("APPROVED" if approved else "REJECTED")
    else:
        with pytest.raises(NotPermitted):
            listed.decide(row, name, approved=approved)


@pytest.mark.parametrize("name", PEOPLE)
def test_only_who_may_initiate_withdraws(listed: Trust, name: str) -> None:
    row = listed.request()
    if name in INITIATORS:
        assert listed.withdraw(row, name).state == "WITHDRAWN"
        assert last_entry()[0] == "trusted-account.withdrawn"
    else:
        with pytest.raises(NotPermitted):
            listed.withdraw(row, name)


@pytest.mark.parametrize("name", PEOPLE)
def test_who_may_initiate_removes_and_an_administrator_does_by_order(listed: Trust, name: str) -> None:
    row = listed.decide(listed.request())
    if name in REMOVERS:
        assert listed.remove(row, name, reason="order 7").state == "REMOVED"
        event, _, _, content = last_entry()
        assert (event, content["reason"]) == ("trusted-account.removed", "order 7")
    else:
        with pytest.raises(NotPermitted):
            listed.remove(row, name, reason="order 7")


def test_an_order_names_its_reason_and_a_representative_needs_none(listed: Trust) -> None:
    row = listed.decide(listed.request())
    with pytest.raises(Refusal, match="reason-missing"):
        listed.remove(row, "senior")
    assert listed.remove(row, "ini").state == "REMOVED"


@pytest.mark.parametrize("approved", [True, False])
def test_nobody_decides_what_they_asked_for(listed: Trust, approved: bool) -> None:
    row = listed.request("both")
    with pytest.raises(Refusal, match="trusted-account-decided-by-its-requester"):
        listed.decide(row, "both", approved=approved)
    assert listed.decide(row, "both-two", approved=approved).requested_by_id == listed.actors["both"].user_id


@pytest.mark.parametrize("state", [RepresentativeState.SUSPENDED, RepresentativeState.REMOVED])
def test_a_right_that_ended_decides_nothing(listed: Trust, state: RepresentativeState) -> None:
    row = listed.request()
    Representative.objects.filter(user_id=listed.actors["app"].user_id).update(state=state)
    with pytest.raises(NotPermitted):
        listed.decide(row)


def bring(listed: Trust, state: TrustedAccountState) -> TrustedAccount:
    row = listed.request()
    match state:
        case STATES.APPROVED:
            return listed.decide(row)
        case STATES.REJECTED:
            return listed.decide(row, approved=False)
        case STATES.WITHDRAWN:
            return listed.withdraw(row)
        case STATES.REMOVED:
            return listed.remove(listed.decide(row))
    return row


@pytest.mark.parametrize(("before", "after"), [pair for pair in product(STATES, STATES) if pair[1] != STATES.REQUESTED])
def test_the_operations_alone_refuse_what_does_not_follow(
    listed: Trust, before: TrustedAccountState, after: TrustedAccountState
) -> None:
    row = bring(listed, before)
    entries = Entry.objects.count()
    # Others than those who brought it there, or it would be the same thing again.
    act = {
        STATES.APPROVED: lambda: listed.decide(row, "both"),
        STATES.REJECTED: lambda: listed.decide(row, "both", approved=False),
        STATES.WITHDRAWN: lambda: listed.withdraw(row, "both"),
        STATES.REMOVED: lambda: listed.remove(row, "both"),
    }[after]
    if trusted_state_may_become(before, after):
        assert act().state == after
    else:
        with pytest.raises(Refusal, match="trusted-account-state-does-not-follow"):
            act()
        assert Entry.objects.count() == entries


@pytest.mark.parametrize("state", STATES)
def test_the_same_again_by_the_same_person_does_it_once(listed: Trust, state: TrustedAccountState) -> None:
    row = bring(listed, state)
    entries = Entry.objects.count()
    again = {
        STATES.REQUESTED: lambda: listed.request(),
        STATES.APPROVED: lambda: listed.decide(row, now=NOW + timedelta(days=9)),
        STATES.REJECTED: lambda: listed.decide(row, approved=False),
        STATES.WITHDRAWN: lambda: listed.withdraw(row),
        STATES.REMOVED: lambda: listed.remove(row),
    }[state]()
    row.refresh_from_db()
    assert (again.pk, again.state, again.active_from, again.removed_at) == (
        row.pk,
        state,
        row.active_from,
        row.removed_at,
    )
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("state", [STATES.REJECTED, STATES.WITHDRAWN, STATES.REMOVED])
def test_what_ended_may_be_asked_for_anew(listed: Trust, state: TrustedAccountState) -> None:
    ended = bring(listed, state)
    again = listed.request()
    assert again.pk != ended.pk
    assert list(trusted_list(listed.account)) == [ended, again]


@pytest.mark.parametrize("state", [STATES.REQUESTED, STATES.APPROVED])
def test_an_account_is_listed_once(listed: Trust, state: TrustedAccountState) -> None:
    bring(listed, state)
    with pytest.raises(Refusal, match="trusted-account-listed-already"):
        listed.request("both")
    with pytest.raises(Refusal, match="trusted-account-listed-already"):
        listed.request("ini", note="with another note")


def test_an_account_abroad_is_trusted_by_its_identifier_alone(listed: Trust) -> None:
    row = listed.decide(listed.request(trusted=ABROAD))
    assert row.active_from is not None
    assert is_trusted(listed.account.pk, ABROAD, row.active_from)


@pytest.mark.parametrize(
    ("trusted", "code"),
    [
        ("", "trusted-account-is-no-identifier"),
        ("bob", "trusted-account-is-no-identifier"),
        (f"{ABROAD} ", "trusted-account-is-no-identifier"),
        (ABROAD.lower(), "trusted-account-is-no-identifier"),
        (ABROAD[:-2] + "00", "trusted-account-has-wrong-check-digits"),
        (format_account_identifier("CNBJ", "TRA", 9_999_999), "trusted-account-unknown"),
        (format_account_identifier("CNBJ", "OHA", 1_000_002), "trusted-account-unknown"),
    ],
)
def test_what_is_no_account_is_not_listed(listed: Trust, trusted: str, code: str) -> None:
    with pytest.raises(Refusal, match=code) as refused:
        request_trusted_account(
            identifier=listed.account.identifier, trusted=trusted, note="", actor=listed.actors["ini"], now=NOW
        )
    assert refused.value.field == "account"


def test_accounts_of_the_same_holder_are_always_trusted_and_never_listed(listed: Trust) -> None:
    sister = open_for(listed.home, listed.account.holder, "ann's other")
    assert is_trusted(listed.account.pk, sister.identifier, NOW)
    for own in (sister, listed.account):
        with pytest.raises(Refusal, match="trusted-account-of-the-same-holder"):
            listed.request(trusted=own.identifier)


def test_a_closed_account_is_not_listed_and_lists_nobody(listed: Trust) -> None:
    waiting = listed.request()
    active = listed.decide(listed.request(trusted=ABROAD))
    sold = open_for(listed.home, holder(name="Eastern Glass"), "sold")
    close(sold)
    with pytest.raises(Refusal, match="trusted-account-unknown"):
        listed.request(trusted=sold.identifier)
    close(listed.account)
    for act in (listed.request, lambda: listed.decide(waiting)):
        with pytest.raises(Refusal, match="account-is-closed"):
            act()
    assert listed.decide(waiting, approved=False).state == "REJECTED"
    assert listed.remove(active).state == "REMOVED"


def test_what_is_not_there_is_not_found(listed: Trust) -> None:
    row = listed.request()
    another = open_for(listed.home, holder(name="Eastern Glass"), "cid")
    for identifier, number in ((another.identifier, row.pk), (listed.account.identifier, row.pk + 1), (ABROAD, row.pk)):
        missing = TrustedAccount(pk=number, account=another)
        missing.account.identifier = identifier
        for act in (listed.decide, listed.withdraw, listed.remove):
            with pytest.raises(NotFound):
                act(missing)
    with pytest.raises(NotFound):
        request_trusted_account(
            identifier=ABROAD, trusted=listed.other.identifier, note="", actor=listed.actors["ini"], now=NOW
        )


@pytest.fixture
def administrative(listed: Trust) -> Trust:
    """The same people before the auction account, which nobody represents."""
    listed.account = open_for(listed.home, holder(HolderKind.AUTHORITY, "The city"), "auction", "AUC")
    return listed


def test_for_an_administrative_account_staff_ask_and_another_senior_approves(administrative: Trust) -> None:
    row = administrative.request("junior")
    for name in ("ini", "app", "both", "authority", "junior", "senior-elsewhere"):
        with pytest.raises(NotPermitted):
            administrative.decide(row, name)
    assert administrative.decide(row, "senior").state == "APPROVED"
    assert administrative.remove(row, "junior", reason="order 7").state == "REMOVED"
    own = administrative.request("senior")
    with pytest.raises(Refusal, match="trusted-account-decided-by-its-requester"):
        administrative.decide(own, "senior")
    assert administrative.withdraw(own, "senior-two").state == "WITHDRAWN"


@pytest.mark.parametrize("name", ["ini", "app", "both", "reader", "authority", "stranger", "senior-elsewhere"])
def test_nobody_else_asks_for_an_administrative_account(administrative: Trust, name: str) -> None:
    with pytest.raises(NotPermitted):
        administrative.request(name)


def test_the_registry_itself_is_no_person_and_lists_nobody(administrative: Trust) -> None:
    administrative.actors["registry"] = REGISTRY
    with pytest.raises(NotPermitted):
        administrative.request("registry")
    with pytest.raises(NotPermitted):
        administrative.decide(administrative.request("senior"), "registry")


def test_trust_begins_at_its_instant_and_ends_at_once(listed: Trust) -> None:
    row = listed.request()
    at = datetime(2030, 1, 1, tzinfo=UTC)
    assert not is_trusted(listed.account.pk, listed.other.identifier, at)
    row = listed.decide(row)
    assert row.active_from is not None
    second = timedelta(seconds=1)
    assert not is_trusted(listed.account.pk, listed.other.identifier, row.active_from - second)
    assert is_trusted(listed.account.pk, listed.other.identifier, row.active_from)
    assert not is_trusted(listed.other.pk, listed.account.identifier, at)
    listed.remove(row)
    assert not is_trusted(listed.account.pk, listed.other.identifier, at)


def test_a_request_written_by_a_clock_that_was_ahead_is_still_decided_after_it(listed: Trust) -> None:
    row = listed.request(now=NOW + timedelta(milliseconds=5))
    decided = listed.decide(row, now=NOW)
    assert decided.decided_at == NOW + timedelta(milliseconds=5)
    assert listed.remove(decided, now=NOW).removed_at == decided.decided_at


def test_a_role_alone_adds_nothing_to_a_represented_accounts_list(listed: Trust) -> None:
    listed.actors["everywhere"] = with_role(Role.SENIOR_REGISTRY_ADMINISTRATOR, "*")
    with pytest.raises(NotPermitted):
        listed.request("everywhere")
