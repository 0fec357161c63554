"""An account holder reads how the facility stands in its period: the worked example, year by year."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.models import DatedRule, InstallationOperator
from accounts.operations.set_rule import set_rule
from accounts.refusals import Refusal
from registry.models import Obligation, RecordedBase, RecordedEmissions
from tests.accounts import samples
from tests.api.conftest import REGISTRY, Market, key_for, open_for, represent
from tests.api.test_statements import statements
from tests.compliance.tokyo import RULES


@pytest.fixture
def standing(market: Market) -> Market:
    """A facility whose first two years are verified, operated by another until the end of the first."""
    account = open_for(market, "operator", "OHA")
    user = samples.user("operator")
    represent(account, user)
    market.keys["operator"] = key_for(user)
    place, now = account.installation, clock.now()
    # Fiscal years up to the present one.
    first = now.year - 1
    period = {"first_year": first, "last_year": first + 4, "begins": "04-01"}
    for key, value in (RULES | {"compliance.period": period, "compliance.excess-unit-type": "BEA"}).items():
        DatedRule.objects.create(
            jurisdiction=market.home, key=key, value=value, valid_from=date(first, 4, 1), confidence="V", source="test"
        )
    for year in range(first, first + 5):
        RecordedBase.objects.create(
            installation=place, year=year, base=10_000, factor_numerator=17, factor_denominator=100, source="test",
            recorded_at=now - timedelta(days=9),
        )  # fmt: skip
    for year, quantity in ((first, 8_500), (first + 1, 7_500)):
        RecordedEmissions.objects.create(
            installation=place, year=year, quantity=quantity, source="test", recorded_at=now - timedelta(days=9)
        )
    before = samples.holder(name="Earlier Offices")
    for holder, since, until in ((before, first, first + 1), (account.holder, first + 1, None)):
        InstallationOperator.objects.create(
            installation=place, holder=holder, valid_from=date(since, 4, 1), valid_to=until and date(until, 4, 1)
        )
    return market


def read(ask, market: Market, name: str = "operator") -> dict[str, Any]:
    answer = ask(name).get(f"/api/v1/accounts/{market[name]}/periods")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def test_the_worked_example_is_told_year_by_year_and_in_all(standing, ask):
    told = read(ask, standing)
    assert told["installation"] == "I-operator"
    [period] = told["results"]
    years = period.pop("years")
    first = clock.now().year - 1
    assert years[0] == {
        "year": first, "operator": "Earlier Offices", "base": 10_000, "factor": {"numerator": 17, "denominator": 100},
        "emissions": 8_500, "excluded": False, "required_reduction": "1700", "reduction": 1_500, "reduction_counted": "1500",
    }  # fmt: skip
    assert years[1]["operator"] == standing.accounts["operator"].holder.name
    assert [row["emissions"] for row in years] == [8_500, 7_500, None, None, None]
    assert (years[4]["reduction"], years[4]["reduction_counted"], years[4]["required_reduction"]) == (
        None,
        None,
        "1700",
    )
    assert period == {
        "first_year": first, "last_year": first + 4, "unit_type": "BEA", "verified_through": first + 1,
        "emissions": 16_000, "cap": 16_600, "entitled": 600, "granted": 0, "issuable": 600, "issued": 0, "surrendered": 0,
        "shortfall": 0, "status": "C", "status_text": period["status_text"],
    }  # fmt: skip


def test_what_is_no_whole_tonne_is_told_as_an_exact_fraction(standing, ask):
    place = standing.accounts["operator"].installation
    first = RecordedBase.objects.filter(installation=place).order_by("year")[0]
    RecordedBase.objects.create(
        installation=place, year=first.year, base=9_999, factor_numerator=1, factor_denominator=3, corrects=first,
        source="test", recorded_at=clock.now() - timedelta(hours=1),
    )  # fmt: skip
    years = read(ask, standing)["results"][0]["years"]
    assert (years[0]["required_reduction"], years[0]["reduction_counted"]) == ("3333", "1499")
    RecordedBase.objects.create(
        installation=place, year=first.year, base=9_998, factor_numerator=1, factor_denominator=3,
        corrects=RecordedBase.objects.order_by("-id")[0], source="test", recorded_at=clock.now() - timedelta(minutes=1),
    )  # fmt: skip
    assert read(ask, standing)["results"][0]["years"][0]["required_reduction"] == "9998/3"


def test_where_another_rule_holds_or_there_is_no_facility_there_are_no_periods(market, ask):
    told = read(ask, market, "seller")
    assert (told["installation"], told["results"]) == (None, [])


def test_a_stranger_is_told_only_that_there_is_no_such_account(standing, ask):
    assert ask("seller").get(f"/api/v1/accounts/{standing['operator']}/periods").status_code == 404


def test_a_period_costs_as_many_statements_however_many_years_it_has(standing, ask):
    read(ask, standing)  # notes that the key is used
    # The key, the account with its installation, the clock; rules, operators, and four of the period, which has no obligation.
    assert len(statements(lambda: read(ask, standing))) == 9


MALFORMED = {
    "compliance.rule": "cover-nothing",
    "compliance.period": {"first_year": "2025", "last_year": 2029, "begins": "04-01"},
    "compliance.excess-unit-type": 7,
}


@pytest.mark.parametrize("key", MALFORMED)
@pytest.mark.parametrize("name", ["periods", "obligations"])
def test_a_rule_that_nobody_understands_is_told_as_such_with_what_to_do(standing, ask, key, name, caplog):
    Obligation.objects.create(
        jurisdiction=standing.home,
        installation=InstallationOperator.objects.latest("id").installation,
        year=clock.now().year + 3,
        due_at=clock.now() + timedelta(days=900),
        eligible_until_vintage=2026,
    )
    # As rules could once be set: by nobody who was asked whether they are understood.
    since = date(clock.now().year, 12, 31)
    DatedRule.objects.filter(jurisdiction=standing.home, key=key).update(valid_to=since)
    DatedRule.objects.create(
        jurisdiction=standing.home, key=key, value=MALFORMED[key], valid_from=since, confidence="V", source="test"
    )
    answer = ask("operator").get(f"/api/v1/accounts/{standing['operator']}/{name}")
    told = answer.json()
    assert (answer.status_code, told["type"]) == (409, "/api/problems/rules-not-understood")
    assert told["code"] == "compliance-rule-not-understood"
    assert "compliance.rule, compliance.period and compliance.excess-unit-type" in told["detail"]
    # Which value it is, the log tells.
    assert "RuleNotUnderstood" in caplog.text


@pytest.mark.parametrize("key", MALFORMED)
def test_a_rule_that_nobody_would_understand_is_not_set(market, key):
    told = {"valid_from": date(2030, 1, 1), "confidence": "V", "source": "test", "actor": REGISTRY, "now": clock.now()}
    before = DatedRule.objects.count()
    with pytest.raises(Refusal) as refused:
        set_rule(jurisdiction=market.home, key=key, value=MALFORMED[key], **told)
    assert (refused.value.code, refused.value.field, DatedRule.objects.count()) == (
        "rule-not-understood",
        "value",
        before,
    )
    good = RULES[key]
    assert set_rule(jurisdiction=market.home, key=key, value=good, **told).value == good
