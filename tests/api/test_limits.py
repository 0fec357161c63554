"""What limits an account, over HTTP: told to who may know of it, and kept."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts import clock
from accounts.models import DatedRule
from registry.operations.set_holding_limits import set_holding_limits
from registry.operations.set_limit import set_limit
from tests.api.conftest import REGISTRY, Market


@pytest.fixture
def limited(market: Market) -> Market:
    """The seller may send 20 a transaction, anybody 90 a day; holders may hold 700."""
    now = clock.now()
    today = now.astimezone(ZoneInfo(market.home.time_zone)).date()
    set_limit(jurisdiction=market.home, per_transaction=None, per_day=90, **_by_order(today, now))
    set_limit(account=market.accounts["seller"], per_transaction=20, per_day=None, **_by_order(today, now))
    DatedRule.objects.create(
        jurisdiction=market.home,
        key="holding.limit",
        valid_from=today - timedelta(days=1),
        value={"others": 700, "operators_above_allocation": 0},
        confidence="RM",
        source="test",
    )
    set_holding_limits(jurisdiction=market.home, actor=REGISTRY, now=now)
    return market


def _by_order(today, now):
    return {"valid_from": today, "source": "test", "actor": REGISTRY, "now": now}


def read(ask, market, reader="seller"):
    answer = ask(reader).get(f"/api/v1/accounts/{market['seller']}/limits")
    assert answer.status_code == 200
    return answer.json()


def test_where_nothing_limits_an_account_nothing_is_told(market, ask):
    told = read(ask, market)
    assert (told["account"], told["used"], told["limits"], told["holding_limit"]) == (market["seller"], 0, [], None)


def test_an_account_reads_what_limits_it_and_what_is_left(limited, ask):
    assert ask().order(limited.order(quantity=15)).status_code == 201
    for reader in ("seller", "administrator"):
        told = read(ask, limited, reader)
        assert told["used"] == 15
        assert told["limits"] == [
            {"level": "account", "per_transaction": 20, "per_day": None, "left": None},
            {"level": "jurisdiction", "per_transaction": None, "per_day": 90, "left": 75},
        ]
        assert told["holding_limit"] == {"limit": 700, "held": 600, "pending": 0, "left": 100}


def test_an_order_beyond_a_limit_is_refused_with_what_is_left(limited, ask):
    answer = ask().order(limited.order(quantity=21))
    assert answer.status_code == 422
    assert [error["code"] for error in answer.json()["errors"]] == [4014]
    assert "20 are left" in answer.content.decode()


def test_nobody_else_reads_what_limits_an_account(limited, ask):
    assert ask("stranger").get(f"/api/v1/accounts/{limited['seller']}/limits").status_code == 404
