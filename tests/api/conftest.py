"""A small market for the API's tests: two registries, units in one account, and a key for everyone who asks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import clock
from accounts.models import Account, Installation, Jurisdiction, User, UserRole
from accounts.operations.change_representative_state import change_representative_state
from accounts.operations.create_api_key import create_api_key
from accounts.operations.nominate_representative import nominate_representative
from accounts.operations.open_account import open_account
from accounts.rules.access import Role, registry_itself
from accounts.rules.account_types import ACCOUNT_TYPES, HolderKind
from accounts.rules.keys import Scope
from accounts.rules.representatives import RepresentativeState, Rights
from registry import ledger
from registry.models import IssuanceCap, UnitType
from registry.operations.issue import issue
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal
from tests.accounts import samples
from tests.conftest import Own, begun_in, shared_by_module

REGISTRY = registry_itself("test")


@dataclass
class Market:
    """Accounts by a short name, and keys by whose they are."""

    home: Jurisdiction
    elsewhere: Jurisdiction
    strangers: bool = False
    accounts: dict[str, Account] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.accounts[name].identifier

    def order(self, **members: Any) -> dict[str, Any]:
        """Return an order that would be carried out, with other members as named (None: left out)."""
        order = {
            "type": "10-50",
            "transferring_account": self["seller"],
            "acquiring_account": self["buyer"],
            "unit_type": "BEA",
            "quantity": 10,
        } | members
        return {name: value for name, value in order.items() if value is not None}


def open_for(market: Market, name: str, type_code: str, home: Jurisdiction | None = None) -> Account:
    """Open an account and remember it; of one holder, unless the market's accounts are strangers to one another."""
    home = home or market.home
    row = ACCOUNT_TYPES[type_code]
    kind = HolderKind.ORGANISATION if HolderKind.ORGANISATION in row.holders else HolderKind.AUTHORITY
    place = None
    if row.for_installation:
        place = Installation.objects.create(jurisdiction=home, number=f"I-{name}", name=name, first_year=2021)
    account = open_account(
        jurisdiction=home,
        type_code=type_code,
        # One holder of all accounts of a registry: they trust one another, so that orders complete at once.
        holder=samples.holder(kind, name=f"{name if market.strangers else home.code} {kind}"),
        name=name,
        installation=place,
        actor=REGISTRY,
        now=clock.now(),
    )
    if not row.administrative and not market.strangers:
        options = {"one_person_surrender": True, "one_person_trusted_transfer": True}
        Account.objects.filter(pk=account.pk).update(**options)
    market.accounts[name] = account
    return account


def key_for(user: User, *scopes: Scope) -> str:
    """Return a new key of a user."""
    return create_api_key(
        user=user,
        name="test",
        scopes=scopes or (Scope.READ, Scope.TRANSACT),
        lifetime=timedelta(days=30),
        actor=REGISTRY,
        now=clock.now(),
        real_now=clock.real_now(),
    ).printed


def represent(account: Account, user: User, rights: Rights = Rights.INITIATE_AND_APPROVE) -> None:
    """Make a user an active representative of an account."""
    nomination = nominate_representative(account=account, user=user, rights=rights, actor=REGISTRY, now=clock.now())
    change_representative_state(
        representative=nomination, state=RepresentativeState.ACTIVE, actor=REGISTRY, now=clock.now()
    )


def make_market(*, strangers: bool = False) -> Market:
    """Make two registries; issue 1,000 BEA of 2026 and give 600 of them to the seller.

    Accounts of `strangers` trust nobody and need two persons.
    """
    market = Market(samples.jurisdiction("CN-BJ"), samples.jurisdiction("JP-13"), strangers)
    for name, type_code in (
        ("issuance", "ISS"),
        ("surrendered", "SUR"),
        ("cancelled", "CAN"),
        ("seller", "TRA"),
        ("buyer", "TRA"),
    ):
        open_for(market, name, type_code)
    open_for(market, "stranger", "TRA", market.elsewhere)
    for home in (market.home, market.elsewhere):
        ledger.open_serial_space(home.id)
    UnitType.objects.create(jurisdiction=market.home, code="BEA", kind="allowance")
    issue_vintage(market, 2026, 1_000)
    give(market, "issuance", "seller", 600)
    for name in ("seller", "buyer", "stranger"):
        user = samples.user(name)
        represent(market.accounts[name], user)
        if name != "stranger":
            represent(market.accounts[name], samples.user(f"{name}-second"))
        market.keys[name] = key_for(user)
    administrator = samples.user("administrator")
    UserRole.objects.create(user=administrator, role=Role.SENIOR_REGISTRY_ADMINISTRATOR, jurisdiction=market.home)
    market.keys["administrator"] = key_for(administrator)
    market.keys["nobody"] = key_for(samples.user("nobody"))
    return market


def issue_vintage(market: Market, vintage: int, quantity: int) -> None:
    """Issue BEA of a vintage under a cap of its own."""
    today = clock.now().date()
    bea = UnitType.objects.get(jurisdiction=market.home, code="BEA")
    cap = IssuanceCap.objects.create(
        unit_type=bea, vintage=vintage, limit=1_000_000, valid_from=today - timedelta(days=1), source="test"
    )
    issue(cap_id=cap.id, acquiring=market["issuance"], quantity=quantity, actor=REGISTRY, now=clock.now())


def give(market: Market, sender: str, acquirer: str, quantity: int, vintage: int | None = None) -> None:
    """Move units as the registry itself."""
    line = Line(market[sender], market[acquirer], quantity, registry="CNBJ", unit_type="BEA", vintage=vintage)
    propose(Proposal("10-50", (line,)), actor=REGISTRY, now=clock.now())


market_database = shared_by_module(make_market)


@pytest.fixture
def market(market_database: Own[Market], db: None) -> Market:
    """The market, rolled back after the test."""
    return begun_in(market_database)


@dataclass
class Asked:
    """Asks the API as somebody."""

    key: str | None
    client: Client

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=self._headers(headers))

    def post(
        self, path: str, body: Any, *, key: str | None = "k-1", content_type: str = "application/json", **headers: str
    ) -> Any:
        named = {"Idempotency-Key": key} if key is not None else {}
        return self.client.post(path, body, content_type=content_type, headers=self._headers(named | headers))

    def order(self, body: Any, key: str | None = "k-1") -> Any:
        return self.post("/api/v1/transactions", body, key=key)

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        own = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return own | {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def ask(market: Market) -> Callable[[str], Asked]:
    """Return a function that makes a client of the API for one of the market's keys ("" for none)."""

    def asks(name: str = "seller") -> Asked:
        return Asked(market.keys.get(name), Client(raise_request_exception=False))

    return asks
