"""What a holder chose for an account: set by a registry administrator with a reason, and nothing else of the account changes."""

import json

import psycopg
import pytest
from psycopg import errors

from accounts.models import Account
from accounts.operations.change_account_status import change_account_status
from accounts.operations.set_account_options import set_account_options
from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.statuses import AccountStatus
from audit.models import Entry
from tests.accounts.samples import REGISTRY
from tests.trusted.people import ABROAD, NOW, RIGHTS, Trust

OPTIONS = ("one_person_surrender", "one_person_trusted_transfer", "trusted_only")


def choose(listed: Trust, by: str = "junior", reason: str = "letter 7", **options: bool) -> Account:
    return set_account_options(
        identifier=listed.account.identifier, reason=reason, actor=listed.actors[by], now=NOW, **options
    )


def chosen(listed: Trust) -> list[bool]:
    listed.account.refresh_from_db()
    return [getattr(listed.account, name) for name in OPTIONS]


def test_the_safer_choice_stands_where_nothing_was_chosen(listed: Trust) -> None:
    assert chosen(listed) == [False, False, False]


@pytest.mark.parametrize("name", OPTIONS)
def test_one_option_is_set_and_logged_and_the_others_stay(listed: Trust, name: str) -> None:
    choose(listed, **{name: True})
    assert chosen(listed) == [option == name for option in OPTIONS]
    entry = Entry.objects.order_by("id").last()
    assert entry is not None
    assert (entry.event, entry.subject) == ("account.options-set", listed.account.identifier)
    assert json.loads(bytes(entry.body))["content"] == {name: True, "reason": "letter 7"}
    choose(listed, **{name: False})
    assert chosen(listed) == [False, False, False]


def test_what_is_so_already_is_not_logged_again(listed: Trust) -> None:
    choose(listed, trusted_only=True)
    entries = Entry.objects.count()
    choose(listed, trusted_only=True, one_person_surrender=False)
    choose(listed)
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("name", [*RIGHTS, "authority", "stranger", "senior-elsewhere"])
def test_only_a_registry_administrator_sets_them(listed: Trust, name: str) -> None:
    with pytest.raises(NotPermitted):
        choose(listed, name, trusted_only=True)


def test_without_a_reason_or_in_a_closed_account_nothing_is_set(listed: Trust) -> None:
    with pytest.raises(Refusal, match="reason-missing"):
        choose(listed, reason="", trusted_only=True)
    for status in (AccountStatus.CLOSURE_PENDING, AccountStatus.CLOSED):
        change_account_status(identifier=listed.account.identifier, status=status, reason="", actor=REGISTRY, now=NOW)
    with pytest.raises(Refusal, match="account-is-closed"):
        choose(listed, trusted_only=True)
    assert chosen(listed) == [False, False, False]


def test_an_account_that_does_not_exist_is_not_found(listed: Trust) -> None:
    with pytest.raises(NotFound):
        set_account_options(identifier=ABROAD, reason="letter 7", actor=REGISTRY, now=NOW, trusted_only=True)


def test_the_application_role_sets_them_and_not_what_the_account_is(
    committed: Trust, as_application_role: psycopg.Connection[tuple]
) -> None:
    for name in OPTIONS:
        changed = as_application_role.execute(f"UPDATE accounts_account SET {name} = true WHERE name = 'ann'")
        assert changed.rowcount == 1
        with pytest.raises(errors.NotNullViolation):
            as_application_role.execute(f"UPDATE accounts_account SET {name} = NULL WHERE name = 'ann'")
    with pytest.raises(errors.InsufficientPrivilege):
        as_application_role.execute("UPDATE accounts_account SET trusted_only = true, holder_id = holder_id")
