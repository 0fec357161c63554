"""An account holder reads what the installation owes, what counts for it, and how it stands."""

from datetime import timedelta

import pytest

from accounts import clock
from registry.models import Obligation, RecordedEmissions
from registry.operations.run_due import run_due
from tests.accounts import samples
from tests.api.conftest import REGISTRY, Market, give, key_for, open_for, represent
from tests.api.test_statements import statements


@pytest.fixture
def owing(market: Market) -> Market:
    """An operator with 60 BEA, an obligation for 2021 whose deadline passed, and one for 2022 that is open."""
    account = open_for(market, "operator", "OHA")
    user = samples.user("operator")
    represent(account, user)
    market.keys["operator"] = key_for(user)
    give(market, "issuance", "operator", 60)
    now = clock.now()
    for year, due_at, emitted in ((2021, now - timedelta(days=1), 40), (2022, now + timedelta(days=300), 30)):
        Obligation.objects.create(
            jurisdiction=market.home,
            installation=account.installation,
            year=year,
            due_at=due_at,
            eligible_until_vintage=2026,
        )
        RecordedEmissions.objects.create(
            installation=account.installation,
            year=year,
            quantity=emitted,
            source="test",
            recorded_at=now - timedelta(days=9),
        )
    run_due(actor=REGISTRY, now=now)
    return market


def read(ask, market: Market) -> dict[int, dict[str, object]]:
    answer = ask("operator").get(f"/api/v1/accounts/{market['operator']}/obligations")
    assert answer.status_code == 200
    assert (answer.json()["account"], answer.json()["installation"]) == (market["operator"], "I-operator")
    return {row["year"]: row for row in answer.json()["results"]}


def test_a_surrender_counts_for_what_it_names_and_the_deadlines_status_stays(owing, ask):
    before = read(ask, owing)
    assert [(row["status"], row["status_at_deadline"]) for row in before.values()] == [("B", "B"), ("B", None)]
    order = {"type": "10-2", "transferring_account": owing["operator"], "acquiring_account": owing["surrendered"]}
    order |= {"unit_type": "BEA", "quantity": 45, "obligation": before[2021]["id"]}
    assert ask("operator").order(order).status_code == 201
    after = read(ask, owing)
    assert [(row["status"], row["status_at_deadline"]) for row in after.values()] == [("A", "B"), ("B", None)]
    assert [after[2022][name] for name in ("emissions", "surrendered", "cumulative_emissions")] == [30, 0, 70]
    assert [after[2021][name] for name in ("emissions", "surrendered", "cumulative_emissions")] == [40, 45, 40]
    assert after[2022]["cumulative_surrendered"] == 45
    assert after[2021]["status_text"] == "compliant: surrenders cover emissions"
    assert str(after[2021]["due_at"]).endswith("Z")


def test_a_missing_or_excluded_year_says_so(owing, ask):
    place = owing.accounts["operator"].installation
    RecordedEmissions.objects.create(
        installation=place,
        year=2022,
        excluded=True,
        corrects=RecordedEmissions.objects.get(year=2022),
        source="test",
        recorded_at=clock.now(),
    )
    found = read(ask, owing)[2022]
    assert (found["emissions"], found["excluded"], found["cumulative_emissions"]) == (None, True, 40)


def test_an_account_without_an_installation_has_no_obligations(market, ask):
    answer = ask("seller").get(f"/api/v1/accounts/{market['seller']}/obligations").json()
    assert (answer["installation"], answer["results"]) == (None, [])


def test_many_obligations_cost_as_many_statements_as_one(owing, ask):
    read(ask, owing)  # notes that the key is used
    few = len(statements(lambda: read(ask, owing)))
    for year in range(2023, 2040):
        Obligation.objects.create(
            jurisdiction=owing.home,
            installation=owing.accounts["operator"].installation,
            year=year,
            due_at=clock.now(),
            eligible_until_vintage=2026,
        )
    # The key, the account with its installation, the clock, and six of the obligations.
    assert len(statements(lambda: read(ask, owing))) == few == 9
