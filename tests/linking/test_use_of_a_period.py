"""Tokyo's use quota may be a share of the required reduction of its five-year period."""

from datetime import UTC, date, datetime

import pytest

from accounts.models import DatedRule
from linking.models import Quota
from linking.rules.degrees import Degree
from registry.models import Obligation, RecordedBase, UnitBlock
from registry.operations.outcome import Refused
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal, SerialRange
from tests.linking.cities import NOW, Pilot, pilot


def covering_the_excess() -> Pilot:
    """Let Tokyo cover the excess of 2025-29, and Beijing's units at 4/5 a tenth of the required reduction."""
    made = pilot()
    home = made["JP-13"].home
    for key, value in (
        ("compliance.rule", "cover-the-excess"),
        ("compliance.period", {"first_year": 2025, "last_year": 2029, "begins": "04-01"}),
        ("compliance.excess-unit-type", "TER"),
    ):
        DatedRule.objects.create(
            jurisdiction=home, key=key, valid_from=date(2020, 1, 1), value=value, confidence="V", source="test"
        )
    node = {
        "name": "linked",
        "within": None,
        "origins": ["CN-BJ"],
        "unit_types": [],
        "base": "required-reduction",
        "numerator": 1,
        "denominator": 10,
        "window": "period",
    }
    made.agree("CN-BJ", "JP-13", rate=(4, 5), use_quota=[node])
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000)
    made.raise_to(Degree.RESTRICTED, "CN-BJ", "JP-13")
    made.send(("CN-BJ", "ann"), ("JP-13", "plant"), 900)
    return made


@pytest.fixture
def world():
    return covering_the_excess


def test_a_share_of_the_periods_required_reduction_bounds_what_foreign_units_cover(linked: Pilot):
    city = linked["JP-13"]
    plant = city.accounts["plant"].installation
    for year in range(2025, 2030):
        RecordedBase.objects.create(
            installation=plant,
            year=year,
            base=1_001,
            factor_numerator=17,
            factor_denominator=100,
            source="test",
            recorded_at=NOW,
        )
    duty = Obligation.objects.create(
        jurisdiction=city.home,
        installation=plant,
        year=2029,
        due_at=datetime(2031, 9, 30, 15, tzinfo=UTC),
        eligible_until_vintage=2029,
    )
    first = UnitBlock.objects.get(account=city.accounts["plant"]).start_no

    def surrender(start: int, following: int) -> None:
        line = Line(
            city["plant"],
            city["SUR"],
            following - start,
            "CNBJ",
            "BEA",
            serials=(SerialRange("CNBJ", start, following),),
        )
        propose(Proposal("10-2", (line,), obligation=duty.pk), actor=city.people[0], now=NOW)

    # Five years of 170.17 t are 850.85 t, 850 rounded down once; a tenth is 85 t, which 107 units at 4/5 make.
    surrender(first, first + 107)
    quota = Quota.objects.get(kind="use", obligation=duty)
    assert (quota.limit, quota.used) == (85, 85)
    with pytest.raises(Refused) as refusal:
        surrender(first + 107, first + 109)
    assert [row.code for row in refusal.value.failures] == [6006]
