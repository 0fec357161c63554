"""The table of account types, the database's copy of it, and who may open what."""

import psycopg
import pytest

from accounts.models import AccountType
from accounts.operations.open_account import open_account
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.account_types import ACCOUNT_TYPES, Family, HolderKind, Standing
from accounts.rules.statuses import AccountStatus
from accounts.seed.people import ADMINISTRATIVE_TYPES
from audit.models import Entry
from tests.accounts.samples import NOBODY, NOON, REGISTRY, account, holder, installation, jurisdiction

pytestmark = pytest.mark.django_db


def test_the_databases_copy_is_the_table() -> None:
    found = set(AccountType.objects.values_list("code", "retires", "administrative", "standing"))
    assert found == {(row.code, row.retires, row.administrative, str(row.standing)) for row in ACCOUNT_TYPES.values()}


def test_units_retire_where_they_count_as_no_longer_held() -> None:
    assert {code for code, row in ACCOUNT_TYPES.items() if row.retires} == {"SUR", "CAN", "MCN", "LAP"}
    assert all(row.retires == (row.standing is not Standing.HELD) for row in ACCOUNT_TYPES.values())


def test_what_retired_leaves_only_by_a_reversal() -> None:
    assert all(row.may_send == {Family.REVERSAL} for row in ACCOUNT_TYPES.values() if row.retires)


def test_whatever_is_sent_can_arrive_somewhere() -> None:
    sent = frozenset().union(*(row.may_send for row in ACCOUNT_TYPES.values()))
    received = frozenset().union(*(row.may_receive for row in ACCOUNT_TYPES.values()))
    assert received - sent == {Family.ISSUANCE}
    assert sent <= received


def test_only_operators_surrender_and_receive_allocations() -> None:
    assert [code for code, row in ACCOUNT_TYPES.items() if Family.SURRENDER in row.may_send] == ["OHA"]
    assert [code for code, row in ACCOUNT_TYPES.items() if Family.ALLOCATION in row.may_receive] == ["OHA"]


def test_administrative_accounts_are_an_authoritys() -> None:
    assert all((row.holders == {HolderKind.AUTHORITY}) == row.administrative for row in ACCOUNT_TYPES.values())
    assert all(ACCOUNT_TYPES[code].administrative for code in ADMINISTRATIVE_TYPES)


@pytest.mark.parametrize("type_code", ACCOUNT_TYPES)
@pytest.mark.parametrize("kind", HolderKind)
def test_an_account_opens_for_the_holders_of_its_type(type_code: str, kind: HolderKind) -> None:
    home = jurisdiction()
    row = ACCOUNT_TYPES[type_code]

    def opened() -> object:
        return open_account(
            jurisdiction=home,
            type_code=type_code,
            holder=holder(kind),
            name="x",
            installation=installation(home) if row.for_installation else None,
            actor=REGISTRY,
            now=NOON,
        )

    if kind in row.holders:
        assert opened()
    else:
        with pytest.raises(Refusal, match="account-type-not-for-holder"):
            opened()


@pytest.mark.parametrize("type_code", ACCOUNT_TYPES)
def test_an_account_opens_with_the_next_number_and_a_log_entry(type_code: str) -> None:
    first, second = account(type_code), account(type_code, number="I-2")
    assert (first.number, second.number) == (1_000_001, 1_000_002)
    assert first.identifier.startswith(f"CNBJ-{type_code}-1000001-")
    assert (first.status, first.opened_at, first.retires) == ("OPEN", NOON, ACCOUNT_TYPES[type_code].retires)
    entry = Entry.objects.order_by("id").first()
    assert entry is not None
    assert (entry.event, entry.subject, entry.occurred_at) == ("account.opened", first.identifier, NOON)


def test_a_requested_account_is_not_open_yet() -> None:
    assert account(status=AccountStatus.REQUESTED).opened_at is None


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("account-type-unknown", {"type_code": "ZZZ"}),
        ("installation-does-not-fit-type", {"type_code": "OHA"}),
        ("account-begins-otherwise", {"status": AccountStatus.SUSPENDED}),
    ],
)
def test_each_rule_refuses_alone(code: str, change: dict) -> None:
    request = {
        "jurisdiction": jurisdiction(), "type_code": "TRA", "holder": holder(), "name": "x", "actor": REGISTRY, "now": NOON,
    }  # fmt: skip
    with pytest.raises(Refusal, match=code):
        open_account(**(request | change))
    assert not Entry.objects.exists()


def test_an_installation_has_one_account_of_its_own_jurisdiction() -> None:
    home, abroad = jurisdiction(), jurisdiction("JP-13")
    place = installation(home)

    def opened(where: object) -> object:
        return open_account(
            jurisdiction=where,
            type_code="OHA",
            holder=holder(),
            name="x",
            installation=place,
            actor=REGISTRY,
            now=NOON,
        )

    with pytest.raises(Refusal, match="installation-of-another-jurisdiction"):
        opened(abroad)
    opened(home)
    with pytest.raises(Refusal, match="installation-has-an-account"):
        opened(home)


def test_nobody_without_a_role_opens_an_account() -> None:
    with pytest.raises(NotPermitted):
        open_account(jurisdiction=jurisdiction(), type_code="TRA", holder=holder(), name="x", actor=NOBODY, now=NOON)


def test_the_application_cannot_change_the_types(as_application_role: psycopg.Connection[tuple]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_application_role.execute("UPDATE accounts_accounttype SET administrative = false")
