"""Statuses of accounts and nominations: the tables, the database's literal copies, and that each alone refuses."""

from itertools import product

import psycopg
import pytest
from psycopg import errors

from accounts.models import Account, Representative
from accounts.operations.change_account_status import change_account_status
from accounts.operations.change_representative_state import change_representative_state
from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.access import Actor, Role, role_name
from accounts.rules.representatives import (
    PERMITTED,
    STATE_TRANSITIONS,
    Action,
    RepresentativeState,
    Rights,
    right_permits,
)
from accounts.rules.statuses import ALLOWED, TRANSITIONS, AccountStatus, Movement, may_become, status_allows
from audit.models import Entry
from tests.accounts.samples import NOBODY, NOON, REGISTRY, account, user

PAIRS = [(before, after) for before, after in product(AccountStatus, AccountStatus) if before != after]
STATES = [(before, after) for before, after in product(RepresentativeState, RepresentativeState) if before != after]


def test_the_tables_name_every_status_right_and_state() -> None:
    assert set(ALLOWED) == set(TRANSITIONS) == set(AccountStatus)
    assert set(PERMITTED) == set(Rights)
    assert set(STATE_TRANSITIONS) == set(RepresentativeState)


@pytest.mark.parametrize("movement", Movement)
@pytest.mark.parametrize("status", [AccountStatus.REQUESTED, AccountStatus.CLOSED])
def test_an_account_that_is_not_open_moves_nothing(status: AccountStatus, movement: Movement) -> None:
    assert not status_allows(status, movement)


def test_a_wholly_restricted_account_moves_only_by_order() -> None:
    allowed = {movement for movement in Movement if status_allows(AccountStatus.ALL_RESTRICTED, movement)}
    assert allowed == {Movement.LAPSE, Movement.UNDO}


def test_some_restricted_may_surrender_and_return_but_not_transfer_out() -> None:
    allowed = {movement for movement in Movement if status_allows(AccountStatus.SOME_RESTRICTED, movement)}
    assert {Movement.SURRENDER, Movement.RETURN} <= allowed
    assert not allowed & {Movement.TRANSFER_OUT, Movement.CANCEL}


def test_a_closed_account_never_reopens() -> None:
    assert not any(may_become(AccountStatus.CLOSED, status) for status in AccountStatus)


def test_only_a_surrender_right_is_bound_to_surrender() -> None:
    assert right_permits(Rights.SURRENDER, Action.INITIATE_SURRENDER)
    assert not right_permits(Rights.SURRENDER, Action.INITIATE)
    assert not right_permits(Rights.READ_ONLY, Action.INITIATE_SURRENDER)
    assert not right_permits(Rights.INITIATE, Action.APPROVE)


def _force_status(owner: psycopg.Connection[tuple], identifier: str, status: str) -> None:
    """Put an account into a status without asking, for the sake of what follows it."""
    owner.execute("ALTER TABLE accounts_account DISABLE TRIGGER USER")
    owner.execute(
        "UPDATE accounts_account SET status = %s, opened_at = now(), closed_at = CASE WHEN %s = 'CLOSED' THEN now() END"
        " WHERE identifier = %s",
        [status, status, identifier],
    )
    owner.execute("ALTER TABLE accounts_account ENABLE TRIGGER USER")


def test_the_triggers_copy_of_the_statuses_is_the_table(owner: psycopg.Connection[tuple]) -> None:
    identifier = account().identifier
    found = set()
    for before, after in PAIRS:
        _force_status(owner, identifier, before)
        try:
            owner.execute(
                "UPDATE accounts_account SET status = %s, closed_at = CASE WHEN %s = 'CLOSED' THEN now() END"
                " WHERE identifier = %s",
                [after, after, identifier],
            )
            found.add((before, after))
        except errors.IntegrityError as refused:
            assert "does not go from" in str(refused)  # noqa: PT017 - the pairs that pass are collected too
    assert found == {(before, after) for before, after in PAIRS if may_become(before, after)}


def test_the_triggers_copy_of_the_nominations_states_is_the_table(owner: psycopg.Connection[tuple]) -> None:
    row = Representative.objects.create(account=account(), user=user(), rights="INITIATE", state="REQUESTED")
    found = set()
    for before, after in STATES:
        owner.execute("ALTER TABLE accounts_representative DISABLE TRIGGER USER")
        owner.execute("UPDATE accounts_representative SET state = %s WHERE id = %s", [before, row.id])
        owner.execute("ALTER TABLE accounts_representative ENABLE TRIGGER USER")
        try:
            owner.execute("UPDATE accounts_representative SET state = %s WHERE id = %s", [after, row.id])
            found.add((before, after))
        except errors.IntegrityError as refused:
            assert "does not go from" in str(refused)  # noqa: PT017 - the pairs that pass are collected too
    assert found == {(before, after) for before, after in STATES if after in STATE_TRANSITIONS[before]}


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "after"), [pair for pair in PAIRS if pair[0] in {"REQUESTED", "OPEN"}])
def test_the_operation_alone_refuses_what_does_not_follow(before: AccountStatus, after: AccountStatus) -> None:
    opened = account(status=before)
    if may_become(before, after):
        _change(opened, after)
        opened.refresh_from_db()
        assert opened.status == after
    else:
        with pytest.raises(Refusal, match="account-status-does-not-follow"):
            _change(opened, after)


def _change(opened: Account, status: AccountStatus, actor: Actor = REGISTRY) -> Account:
    return change_account_status(identifier=opened.identifier, status=status, reason="order 7", actor=actor, now=NOON)


@pytest.mark.django_db
def test_a_change_of_status_is_logged_with_both() -> None:
    opened = account()
    _change(opened, AccountStatus.SUSPENDED)
    entry = Entry.objects.order_by("id").last()
    assert entry is not None
    assert (entry.registry, entry.event, entry.subject) == ("CN-BJ", "account.status-changed", opened.identifier)
    assert b'"content":{"from":"OPEN","reason":"order 7","to":"SUSPENDED"}' in bytes(entry.body)


@pytest.mark.django_db
def test_closing_takes_two_steps_and_notes_the_time() -> None:
    opened = account()
    _change(opened, AccountStatus.CLOSURE_PENDING)
    _change(opened, AccountStatus.CLOSED)
    opened.refresh_from_db()
    assert opened.closed_at == NOON


@pytest.mark.django_db
def test_an_account_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        change_account_status(
            identifier="CNBJ-TRA-9-00", status=AccountStatus.OPEN, reason="", actor=REGISTRY, now=NOON
        )


@pytest.mark.django_db
def test_nobody_without_a_role_changes_a_status() -> None:
    with pytest.raises(NotPermitted):
        _change(account(), AccountStatus.SUSPENDED, NOBODY)


@pytest.mark.django_db
def test_nobody_decides_about_themself() -> None:
    me = user()
    row = Representative.objects.create(account=account(), user=me, rights="INITIATE", state="REQUESTED")
    senior = frozenset({role_name(Role.SENIOR_REGISTRY_ADMINISTRATOR)})
    with pytest.raises(NotPermitted):
        change_representative_state(
            representative=row, state=RepresentativeState.ACTIVE, actor=Actor(me.id, "me", senior), now=NOON
        )
    change_representative_state(
        representative=row, state=RepresentativeState.ACTIVE, actor=Actor(me.id + 1, "other", senior), now=NOON
    )
    with pytest.raises(Refusal, match="representative-state-does-not-follow"):
        change_representative_state(representative=row, state=RepresentativeState.REJECTED, actor=REGISTRY, now=NOON)
