"""Seed what a facility of the demo emitted and may emit: the worked example of docs/compliance.md, ready to be applied for."""

from collections.abc import Mapping
from datetime import datetime

from accounts.operations.seed_pilot import SeededJurisdiction
from accounts.rules.access import registry_itself
from registry.models import RecordedBase
from registry.operations.load_compliance import load_emissions
from registry.operations.record_base import record_base
from registry.period_queries import regimes_of
from registry.seed.pilot import DEMO_BASE, DEMO_EMISSIONS, DEMO_FACTOR

SOURCE = "invented for the demo"


def seed_periods(seeded: Mapping[str, SeededJurisdiction], *, now: datetime) -> None:
    """Seed the first facility's base and factor of each year of the present period, and emissions of its first two years.

    Only where cover-the-excess holds and nothing is recorded. A crash in between leaves emissions, which the next run
    finds recorded as it would record them, or some of the bases: the rest are then recorded by hand.
    """
    actor = registry_itself("seed")
    for made in seeded.values():
        home, place = made.jurisdiction, made.operators[0].installation
        period = regimes_of(home).period_of(now.year)
        if period is None or place is None or RecordedBase.objects.filter(installation=place).exists():
            continue
        years = range(period.first_year, period.last_year + 1)
        lines = [
            "installation,year,emissions",
            *(f"{place.number},{year},{tonnes}" for year, tonnes in zip(years, DEMO_EMISSIONS, strict=False)),
        ]
        load_emissions("\n".join(lines).encode(), jurisdiction=home, name="emissions of the demo", actor=actor, now=now)
        for year in years:
            record_base(
                installation=place,
                year=year,
                base=DEMO_BASE,
                factor_numerator=DEMO_FACTOR[0],
                factor_denominator=DEMO_FACTOR[1],
                source=SOURCE,
                actor=actor,
                now=now,
            )
