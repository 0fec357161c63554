"""Beijing with three holders who know one another by trade only; every test that commits ends with the ledger verified."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from accounts.models import DatedRule, Holder
from registry.models import HoldingLimit, Limit
from registry.operations.set_holding_limits import set_holding_limits
from registry.operations.set_limit import set_limit
from registry.verification import Verified, verify
from tests.build import NOW, REGISTRY, Beijing, beijing

# NOW in Beijing.
TODAY = date(2026, 6, 1)


def three_holders() -> Beijing:
    """Make Beijing with 1,000 units issued, 300 each with ann and bob; cid and the operator of the plant hold nothing."""
    made = beijing()
    for name in ("ann", "bob", "cid"):
        made.open(name, holder=f"holder of {name}")
    made.open("plant", type_code="OHA", holder="holder of plant")
    made.issue(1_000)
    made.move("ISS", "ann", 300)
    made.move("ISS", "bob", 300)
    return made


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return three_holders


@pytest.fixture
def registry(begun: Beijing) -> Iterator[Beijing]:
    """The three holders, in commits of their own; verified afterwards."""
    yield begun
    assert isinstance(verify(), Verified), verify()


def limit(made: Beijing, name: str | None = None, *, day: date = TODAY, **bounds: Any) -> Limit:
    """Limit an account, or with no name its jurisdiction, from a day on."""
    scope = {"jurisdiction": made.home} if name is None else {"account": made.accounts[name]}
    wanted = {"per_transaction": None, "per_day": None, "source": "test", "actor": REGISTRY, "now": NOW} | bounds
    return set_limit(**scope, valid_from=day, **wanted)


def holding_rule(made: Beijing, others: int, above_allocation: int = 0) -> int:
    """Let a holding limit hold in Beijing from 2026 on, and set the limits by it."""
    value = {"others": others, "operators_above_allocation": above_allocation}
    DatedRule.objects.create(
        jurisdiction=made.home, key="holding.limit", valid_from=TODAY, value=value, confidence="RM", source="test"
    )
    return set_holding_limits(jurisdiction=made.home, actor=REGISTRY, now=NOW)


def held_by(name: str) -> tuple[int, int]:
    """Return what is held by, and pending for, the holder of the account of this name."""
    found = HoldingLimit.objects.get(holder=Holder.objects.get(name=f"holder of {name}"))
    return found.held, found.pending
