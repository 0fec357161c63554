"""Reads of compliance: what installations are judged by and how they stand, as of an instant."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet

from accounts.calendars import calendar_of
from accounts.models import Installation, Jurisdiction
from accounts.queries import rule_in_force
from registry.models import Obligation, RecordedEmissions, StatusSnapshot, Transaction
from registry.period_queries import positions, regimes_of
from registry.rules.compliance import ComplianceFacts, Status, YearRecord, surrender_all_status
from registry.rules.cover_the_excess import Position, cover_the_excess_status
from registry.rules.deadlines import KEY, Counts, deadline_of, deadline_rule_of, is_in_time
from registry.rules.states import State
from registry.rules.worth import Recognised, differences
from registry.surrendered import recognised_in, standing_surrenders, values_by_obligation, with_approval

# A surrender in one of these has ended.
ENDED = (State.COMPLETED, State.REJECTED, State.CANCELLED, State.TERMINATED)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The instant of a deadline, UTC, and which instant of a surrender must not be later."""

    at: datetime
    counts: Counts


def surrender_deadline(jurisdiction: Jurisdiction, year: int) -> Deadline | None:
    """Return the deadline of surrenders for a year by the jurisdiction's dated rule and calendar; None where no rule says one.

    In two statements. Raises: DeadlineNotUnderstood. Source: domain.md section 5.
    """
    said = rule_in_force(jurisdiction, KEY, date(year, 12, 31))
    if said is None:
        return None
    rule = deadline_rule_of(said.value)
    due = year + rule.years_after
    return Deadline(deadline_of(due, rule, calendar_of(jurisdiction, years=range(due - 1, due + 2))), rule.counts)


def may_yet_be_in_time() -> QuerySet[Transaction]:
    """Return the surrenders of an outer obligation's installation that were proposed by its deadline and have not ended."""
    of_the_installation = Obligation.objects.filter(installation=OuterRef(OuterRef("installation"))).values("id")
    return Transaction.objects.filter(
        obligation_id__in=of_the_installation, completed_at__isnull=True, proposed_at__lte=OuterRef("due_at")
    ).exclude(state__in=ENDED)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an installation stands for a year: status, cumulative emissions and surrenders, t CO2e."""

    installation: Installation
    status: Status
    emissions: int
    surrendered: int


@dataclass(frozen=True, slots=True)
class ObligationStanding:
    """An obligation, what counts for it, and how its installation stands for its year.

    All in t CO2e. `emissions` of its year: None where none are recorded or it was excluded. `surrendered`: what was surrendered
    for this obligation, as it is recognised, of which `surrendered_in_time`; `units_surrendered`: the number of units.
    `cumulative_emissions`: up to its year; `cumulative_surrendered`: for all obligations. Where the rule is cover-the-excess,
    they are those of the period, and `position` is how the facility stands in it. `status_at_deadline`: None until then.
    """

    obligation: Obligation
    emissions: int | None
    excluded: bool
    surrendered: int
    surrendered_in_time: int
    units_surrendered: int
    cumulative_emissions: int
    cumulative_surrendered: int
    status: Status
    status_at_deadline: str | None
    position: Position | None


@dataclass(frozen=True, slots=True)
class _Surrenders:
    """The surrenders for one obligation, and what of each is recognised at a rate."""

    those: Sequence[Any]
    recognised: Mapping[UUID, Sequence[Recognised]]

    @property
    def units(self) -> int:
        return sum(each.quantity for each in self.those)

    @property
    def value(self) -> int:
        parts = [part for each in self.those for part in self.recognised.get(each.pk, ())]
        return self.units + sum(differences(parts).values())

    def in_time_for(self, obligation: Obligation) -> "_Surrenders":
        return _Surrenders([each for each in self.those if _in_time(each, obligation)], self.recognised)


def obligations_of(installation: Installation, *, at: datetime) -> list[ObligationStanding]:
    """Return an installation's obligations by year, as they stand at `at`.

    In six statements, and six more for each of a period. Raises: RuleNotUnderstood.
    """
    obligations = list(Obligation.objects.filter(installation=installation).order_by("year"))
    recorded = RecordedEmissions.objects.filter(installation=installation, recorded_at__lte=at).order_by("id")
    years = {row.year: YearRecord(row.quantity or 0, row.excluded) for row in recorded}
    surrendered = _surrenders_for(obligations, at)
    determined = dict(
        StatusSnapshot.objects.filter(installation=installation, determined_at__lte=at).values_list("year", "status")
    )
    regimes = regimes_of(installation.jurisdiction_id)
    total = sum(each.value for each in surrendered.values())
    facts = ComplianceFacts(installation.first_year, installation.last_year, years, total)

    def standing(obligation: Obligation) -> ObligationStanding:
        record, those = years.get(obligation.year), surrendered[obligation.pk]
        period = regimes.period_of(obligation.year)
        position = None if period is None else positions([installation], period, at=at)[installation]
        return ObligationStanding(
            obligation=obligation,
            emissions=None if record is None or record.excluded else record.quantity,
            excluded=record is not None and record.excluded,
            surrendered=those.value,
            surrendered_in_time=those.in_time_for(obligation).value,
            units_surrendered=those.units,
            cumulative_emissions=facts.emissions_until(obligation.year) if position is None else position.emissions,
            cumulative_surrendered=facts.surrendered if position is None else position.surrendered,
            status=surrender_all_status(facts, obligation.year)
            if position is None
            else cover_the_excess_status(position, installation.first_year, installation.last_year),
            status_at_deadline=determined.get(obligation.year),
            position=position,
        )

    return [standing(row) for row in obligations]


def _surrenders_for(obligations: Sequence[Obligation], at: datetime) -> Mapping[int, _Surrenders]:
    standing = standing_surrenders([row.pk for row in obligations], at)
    recognised = recognised_in(standing)
    found: dict[int, list[Any]] = {row.pk: [] for row in obligations}
    for each in with_approval(standing).order_by("id"):
        found[each.obligation_id or 0].append(each)
    return {obligation: _Surrenders(those, recognised) for obligation, those in found.items()}


def standings(
    jurisdiction: Jurisdiction,
    year: int,
    *,
    at: datetime,
    known_at: datetime | None = None,
    counts: Counts = Counts.COMPLETED,
) -> list[Standing]:
    """Return how every installation of a jurisdiction stood for a year at `at`, in six statements.

    Judged by the emissions as they were known at `known_at` (None: at `at` itself), so a later correction can be asked for or
    left out. A surrender whose instant that counts is exactly `at` is in time. Where the rule of the year is cover-the-excess,
    the year's period is judged, in eight statements. Source: domain.md section 7, two times. Raises: RuleNotUnderstood.
    """
    period = regimes_of(jurisdiction).period_of(year)
    if period is not None:
        places = Installation.objects.filter(jurisdiction=jurisdiction).order_by("number")
        stood = positions(places, period, at=at, known_at=known_at, counts=counts)
        return [
            Standing(
                place,
                cover_the_excess_status(position, place.first_year, place.last_year),
                position.emissions,
                position.surrendered,
            )
            for place, position in stood.items()
        ]
    facts = compliance_facts(jurisdiction, at=at, known_at=known_at, counts=counts)
    return [
        Standing(place, surrender_all_status(found, year), found.emissions_until(year), found.surrendered)
        for place, found in facts.items()
    ]


def compliance_facts(
    jurisdiction: Jurisdiction, *, at: datetime, known_at: datetime | None = None, counts: Counts = Counts.COMPLETED
) -> Mapping[Installation, ComplianceFacts]:
    """Return what each installation is judged by, ordered by number: surrenders until `at`, emissions known at `known_at`."""
    years: dict[int, dict[int, YearRecord]] = defaultdict(dict)
    recorded = RecordedEmissions.objects.filter(
        installation__jurisdiction=jurisdiction, recorded_at__lte=known_at or at
    )
    # A correction comes after what it corrects and takes its place.
    for place, year, quantity, excluded in recorded.order_by("id").values_list(
        "installation_id", "year", "quantity", "excluded"
    ):
        years[place][year] = YearRecord(quantity or 0, excluded)
    surrendered = surrendered_by_installation(jurisdiction, at=at, counts=counts)
    return {
        place: ComplianceFacts(place.first_year, place.last_year, years[place.pk], surrendered.get(place.pk, 0))
        for place in Installation.objects.filter(jurisdiction=jurisdiction).order_by("number")
    }


def _in_time(surrender: Any, obligation: Obligation) -> bool:
    return is_in_time(
        Counts(obligation.counts),
        obligation.due_at,
        proposed_at=surrender.proposed_at,
        approved_at=surrender.approved_at,
        completed_at=surrender.completed_at,
    )


def surrendered_by_installation(
    jurisdiction: Jurisdiction, *, at: datetime, counts: Counts = Counts.COMPLETED
) -> Mapping[int, int]:
    """Return what each installation's surrenders in time at `at` by what counts are recognised as, t CO2e, by installation id."""
    installation_of = dict(Obligation.objects.filter(jurisdiction=jurisdiction).values_list("id", "installation_id"))
    totals: dict[int, int] = defaultdict(int)
    for obligation, value in values_by_obligation(installation_of, at=at, counts=counts).items():
        totals[installation_of[obligation]] += value
    return totals
