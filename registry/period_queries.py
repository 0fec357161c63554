"""Reads of cover-the-excess: which rule of compliance holds where, and how facilities stand in a period."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db.models import BigIntegerField, Case, Exists, F, OuterRef, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from accounts.models import DatedRule, Installation, InstallationOperator, Jurisdiction
from registry.models import Allocation, Obligation, RecordedBase, RecordedEmissions, Transaction
from registry.rules.compliance import Status
from registry.rules.cover_the_excess import (
    PERIOD_KEY,
    RULE_KEY,
    UNIT_KEY,
    FacilityYear,
    Period,
    Position,
    cover_the_excess_status,
    period_by_rules,
)
from registry.rules.deadlines import Counts
from registry.surrendered import values_by_obligation

ALLOCATION, RETURN = "10-40", "10-42"


@dataclass(frozen=True, slots=True)
class Regimes:
    """The dated rules of compliance of one jurisdiction, of every time."""

    rules: tuple[DatedRule, ...]

    def period_of(self, year: int) -> Period | None:
        """Return the period that a year lies in where the rule is cover-the-excess; None where it is surrender-all.

        By the rules in force on the last day of the calendar year, as of deadlines. Raises: RuleNotUnderstood.
        """
        day = date(year, 12, 31)
        said = {
            rule.key: rule.value
            for rule in self.rules
            if rule.valid_from <= day and (rule.valid_to is None or day < rule.valid_to)
        }
        return period_by_rules(said.get(RULE_KEY), said.get(PERIOD_KEY), said.get(UNIT_KEY))

    def periods_of(self, installation: Installation, *, until: int) -> list[Period]:
        """Return the periods of an installation's years up to a calendar year, in order. Raises: RuleNotUnderstood."""
        last = until if installation.last_year is None else min(until, installation.last_year)
        found = (self.period_of(year) for year in range(installation.first_year, last + 1))
        return list(dict.fromkeys(period for period in found if period is not None))


@dataclass(frozen=True, slots=True)
class OperatedYear:
    """A year of a facility, and who operated it on the year's last day; None: nobody is recorded."""

    of: FacilityYear
    operator: str | None


@dataclass(frozen=True, slots=True)
class PeriodStanding:
    """How a facility stands in a period, by year and in all; `status`: for the whole period."""

    position: Position
    status: Status
    years: Sequence[OperatedYear]


def regimes_of(jurisdiction: Jurisdiction | int) -> Regimes:
    """Return the rules of compliance of a jurisdiction, in one statement."""
    keys = (RULE_KEY, PERIOD_KEY, UNIT_KEY)
    return Regimes(tuple(DatedRule.objects.filter(jurisdiction=jurisdiction, key__in=keys).order_by("id")))


def positions(
    installations: Iterable[Installation],
    period: Period,
    *,
    at: datetime,
    known_at: datetime | None = None,
    counts: Counts = Counts.COMPLETED,
) -> Mapping[Installation, Position]:
    """Return how facilities stood in a period at `at`, by emissions and bases as known at `known_at` (None: at `at`).

    In six statements. What was granted is as of now; all else is as of then.
    """
    places = list(installations)
    ids = [place.pk for place in places]
    known = facility_years(ids, period, known_at=known_at or at)
    granted = _granted(ids, period, at)
    surrendered = _surrendered(ids, period, at, counts)
    return {
        place: Position(
            period,
            tuple(
                known[place.pk].get(year, FacilityYear(year))
                for year in period.of_facility(place.first_year, place.last_year)
            ),
            *granted.get(place.pk, (0, 0)),
            surrendered.get(place.pk, 0),
        )
        for place in places
    }


def periods_of(installation: Installation, *, at: datetime) -> list[PeriodStanding]:
    """Return how a facility stands at `at` in each of its periods up to the present one; none where it is surrender-all.

    In two statements, and six for each period. Raises: RuleNotUnderstood.
    """
    periods = regimes_of(installation.jurisdiction_id).periods_of(installation, until=at.year)
    operated = list(
        InstallationOperator.objects.filter(installation=installation).select_related("holder").order_by("id")
    )
    found = []
    for period in periods:
        position = positions([installation], period, at=at)[installation]
        status = cover_the_excess_status(position, installation.first_year, installation.last_year)
        years = [OperatedYear(each, _operator_on(operated, period.last_day_of(each.year))) for each in position.years]
        found.append(PeriodStanding(position, status, years))
    return found


def _operator_on(operated: Sequence[InstallationOperator], day: date) -> str | None:
    names = (
        row.holder.name for row in operated if row.valid_from <= day and (row.valid_to is None or day < row.valid_to)
    )
    return next(names, None)


def facility_years(
    ids: Iterable[int], period: Period, *, known_at: datetime
) -> Mapping[int, Mapping[int, FacilityYear]]:
    """Return what was recorded by an instant of the years of a period, by installation and year."""
    years = (period.first_year, period.last_year)
    # A correction comes after what it corrects and takes its place.
    bases = {
        (row.installation_id, row.year): row
        for row in RecordedBase.objects.filter(
            installation_id__in=ids, year__range=years, recorded_at__lte=known_at
        ).order_by("id")
    }
    emissions = {
        (row.installation_id, row.year): row
        for row in RecordedEmissions.objects.filter(
            installation_id__in=ids, year__range=years, recorded_at__lte=known_at
        ).order_by("id")
    }
    found: dict[int, dict[int, FacilityYear]] = defaultdict(dict)
    for place, year in {*bases, *emissions}:
        base, emitted = bases.get((place, year)), emissions.get((place, year))
        found[place][year] = FacilityYear(
            year,
            base=None if base is None else base.base,
            factor=None if base is None else Fraction(base.factor_numerator, base.factor_denominator),
            emissions=None if emitted is None else emitted.quantity,
            excluded=emitted is not None and emitted.excluded,
        )
    return found


def _granted(ids: Iterable[int], period: Period, at: datetime) -> Mapping[int, tuple[int, int]]:
    """By installation, the units granted and not taken back, and of those the units delivered by `at`."""
    completed = Transaction.objects.filter(completed_at__lte=at)
    deliveries = completed.filter(type_id=ALLOCATION, allocation_id=OuterRef("pk"))
    reversed_ones = deliveries.filter(Exists(completed.filter(reverses=OuterRef("pk"))))
    returns = completed.filter(type_id=RETURN, returns_id=OuterRef("pk")).order_by().values("returns_id")
    rows = (
        Allocation.objects.filter(
            installation_id__in=ids,
            state=Allocation.State.READY,
            unit_type__code=period.unit_type,
            unit_type__jurisdiction=F("installation__jurisdiction"),
            vintage__range=(period.first_year, period.last_year),
        )
        .annotate(
            delivered=Exists(deliveries),
            back=Case(
                When(Exists(reversed_ones), then=F("quantity")),
                default=Coalesce(Subquery(returns.annotate(total=Sum("quantity")).values("total")), Value(0)),
                output_field=BigIntegerField(),
            ),
        )
        .order_by("id")
    )
    found: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for place, quantity, delivered, back in rows.values_list("installation_id", "quantity", "delivered", "back"):
        granted, issued = found[place]
        found[place] = granted + quantity - back, issued + (quantity - back if delivered else 0)
    return found


def _surrendered(ids: Iterable[int], period: Period, at: datetime, counts: Counts) -> Mapping[int, int]:
    """By installation, what was surrendered for the period, t CO2e."""
    installation_of = dict(
        Obligation.objects.filter(
            installation_id__in=ids, year__range=(period.first_year, period.last_year)
        ).values_list("id", "installation_id")
    )
    totals: dict[int, int] = defaultdict(int)
    for obligation, value in values_by_obligation(installation_of, at=at, counts=counts).items():
        totals[installation_of[obligation]] += value
    return totals
