"""How many statements an answer costs, and that more rows cost no more of them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import clock
from accounts.models import DatedRule, User
from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
from accounts.rules.access import Actor
from registry.api.orders import proposal_of
from registry.models import UnitType
from registry.operations.propose import propose
from registry.rules.serials import format_block
from tests.api.conftest import REGISTRY, Market, give, issue_vintage, open_for, represent

BOUNDS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def statements(run) -> list[str]:
    """Return the SQL statements that a call costs, without the bounds of transactions."""
    with CaptureQueriesContext(connection) as captured:
        run()
    asked = [query["sql"].removeprefix("BEGIN; ") for query in captured]
    return [sql for sql in asked if not sql.startswith(BOUNDS)]


def test_an_order_costs_four_statements_through_the_api(market: Market, ask):
    ask("seller").order(market.order(), key="first-use-of-the-key")
    found = statements(lambda: ask("seller").order(market.order(), key="k-2"))
    assert [
        next(word for word in ("accounts_key", "deployment", "registry_facts", "registry_effect") if word in sql)
        for sql in found
    ] == [
        "accounts_key",
        "deployment",
        "registry_facts",
        "registry_effect",
    ]


def test_a_refusal_and_an_answer_given_again_cost_no_more(market: Market, ask):
    ask("seller").order(market.order(), key="k-1")
    assert len(statements(lambda: ask("seller").order(market.order(quantity=10_000), key="k-2"))) == 4
    assert len(statements(lambda: ask("seller").order(market.order(), key="k-1"))) == 3


def test_the_operation_costs_two_statements(market: Market):
    order = market.order(reason="", beneficiary="", client_reference="")
    seller, now = Actor(User.objects.get(username="seller").id, "seller"), clock.now()
    assert len(statements(lambda: propose(proposal_of(order), actor=seller, now=now))) == 2


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("jurisdictions", 1),
        ("jurisdictions/CN-BJ", 2),
        ("unit-types", 1),
        ("checks", 0),
        ("accounts", 2),
        ("accounts/{seller}", 2),
        ("accounts/{seller}/holdings", 3),
        ("accounts/{seller}/statement?from=2020-01-01T00:00:00Z&limit=100", 15),
        ("accounts/{seller}/blocks", 3),
        ("transactions", 3),
        ("units/CNBJ/{first}", 3),
    ],
)
def test_twenty_rows_cost_as_many_statements_as_one(market: Market, ask, path, most):
    first = ask("seller").get(f"/api/v1/accounts/{market['seller']}/blocks").json()["results"][0]["first"]
    address = "/api/v1/" + path.format(seller=market["seller"], first=first)
    before = len(statements(lambda: ask("seller").get(address)))
    _twenty_of_everything(market, ask, first)
    answer = []
    after = len(statements(lambda: answer.append(ask("seller").get(address))))
    assert answer[0].status_code == 200
    rows = answer[0].json().get("results")
    assert rows is None or len(rows) >= 3
    assert before == after == most


def test_one_transaction_costs_five_statements_however_many_blocks_it_moves(market: Market, ask):
    blocks = ask("seller").get(f"/api/v1/accounts/{market['seller']}/blocks").json()["results"]
    first = blocks[0]["first"]
    named = [format_block("CNBJ", "BEA", 2026, first + 2 * place, first + 2 * place + 1) for place in range(20)]
    location = ask("seller").order(market.order(unit_type=None, quantity=20, serial_blocks=named))["Location"]
    answers = []
    assert len(statements(lambda: answers.append(ask("seller").get(location)))) == 5
    assert len(answers[0].json()["serial_blocks"]) == 20


def _twenty_of_everything(market: Market, ask, first: int) -> None:
    """Make twenty accounts, blocks, transactions, unit types and rules that the seller sees, and a unit that moved often."""
    seller = User.objects.get(username="seller")
    for place in range(20):
        represent(open_for(market, f"more-{place}", "TRA"), seller)
        UnitType.objects.create(jurisdiction=market.home, code=f"T{place}", kind="credit")
        DatedRule.objects.create(
            jurisdiction=market.home,
            key=f"key-{place}",
            valid_from="2020-01-01",
            value=1,
            confidence="V",
            source="test",
        )
    set_up_jurisdictions(actor=REGISTRY, now=clock.now())
    for vintage in range(2027, 2047):
        issue_vintage(market, vintage, 10)
        give(market, "issuance", "seller", 10, vintage)
    # Every second unit goes, so that as many blocks stay.
    for place in range(20):
        named = format_block("CNBJ", "BEA", 2026, first + 2 * place, first + 2 * place + 1)
        ask("seller").order(market.order(unit_type=None, quantity=1, serial_blocks=[named]), key=f"out-{place}")
    unit = format_block("CNBJ", "BEA", 2026, first, first + 1)
    for place in range(10):
        there, back = ("buyer", "seller") if place % 2 == 0 else ("seller", "buyer")
        order = market.order(
            unit_type=None,
            quantity=1,
            serial_blocks=[unit],
            transferring_account=market[there],
            acquiring_account=market[back],
        )
        assert ask(there).order(order, key=f"round-{place}").status_code == 201
