"""Reads of compliance: what installations are judged by and how they stand, as of an instant."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet, Sum

from accounts.models import Installation, Jurisdiction
from registry.models import Obligation, RecordedEmissions, StatusSnapshot, Transaction
from registry.rules.compliance import ComplianceFacts, Status, YearRecord, surrender_all_status

SURRENDER = "10-2"


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

    All in t CO2e. `emissions` of its year: None where none are recorded or it was excluded. `surrendered`: for this obligation.
    `cumulative_emissions`: up to its year; `cumulative_surrendered`: for all obligations. `status_at_deadline`: None until then.
    """

    obligation: Obligation
    emissions: int | None
    excluded: bool
    surrendered: int
    cumulative_emissions: int
    cumulative_surrendered: int
    status: Status
    status_at_deadline: str | None


def obligations_of(installation: Installation, *, at: datetime) -> list[ObligationStanding]:
    """Return an installation's obligations by year, as they stand at `at`, in four statements."""
    obligations = list(Obligation.objects.filter(installation=installation).order_by("year"))
    recorded = RecordedEmissions.objects.filter(installation=installation, recorded_at__lte=at).order_by("id")
    years = {row.year: YearRecord(row.quantity or 0, row.excluded) for row in recorded}
    surrenders = _standing_surrenders([row.pk for row in obligations], at)
    surrendered = dict(surrenders.values_list("obligation_id").annotate(total=Sum("quantity")).order_by())
    determined = dict(
        StatusSnapshot.objects.filter(installation=installation, determined_at__lte=at).values_list("year", "status")
    )
    facts = ComplianceFacts(installation.first_year, installation.last_year, years, sum(surrendered.values()))

    def standing(obligation: Obligation) -> ObligationStanding:
        record = years.get(obligation.year)
        return ObligationStanding(
            obligation=obligation,
            emissions=None if record is None or record.excluded else record.quantity,
            excluded=record is not None and record.excluded,
            surrendered=surrendered.get(obligation.pk, 0),
            cumulative_emissions=facts.emissions_until(obligation.year),
            cumulative_surrendered=facts.surrendered,
            status=surrender_all_status(facts, obligation.year),
            status_at_deadline=determined.get(obligation.year),
        )

    return [standing(row) for row in obligations]


def standings(
    jurisdiction: Jurisdiction, year: int, *, at: datetime, known_at: datetime | None = None
) -> list[Standing]:
    """Return how every installation of a jurisdiction stood for a year at `at`, in four statements.

    Judged by the emissions as they were known at `known_at` (None: at `at` itself), so a later correction can be asked for or
    left out. A surrender that completed exactly at `at` counts. Source: domain.md section 7, two times.
    """
    facts = compliance_facts(jurisdiction, at=at, known_at=known_at)
    return [
        Standing(place, surrender_all_status(found, year), found.emissions_until(year), found.surrendered)
        for place, found in facts.items()
    ]


def compliance_facts(
    jurisdiction: Jurisdiction, *, at: datetime, known_at: datetime | None = None
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
    surrendered = surrendered_by_installation(jurisdiction, at=at)
    return {
        place: ComplianceFacts(place.first_year, place.last_year, years[place.pk], surrendered.get(place.pk, 0))
        for place in Installation.objects.filter(jurisdiction=jurisdiction).order_by("number")
    }


def _standing_surrenders(obligation_ids: Iterable[int], at: datetime) -> QuerySet[Transaction]:
    """The surrenders for some obligations that were completed by `at` and not reversed by then."""
    reversals = Transaction.objects.filter(reverses=OuterRef("pk"), completed_at__lte=at)
    return Transaction.objects.filter(
        ~Exists(reversals), obligation_id__in=list(obligation_ids), type_id=SURRENDER, completed_at__lte=at
    )


def surrendered_by_installation(jurisdiction: Jurisdiction, *, at: datetime) -> Mapping[int, int]:
    """Return the cumulative surrenders of each installation completed until `at`, t CO2e, by installation id."""
    installation_of = dict(Obligation.objects.filter(jurisdiction=jurisdiction).values_list("id", "installation_id"))
    totals: dict[int, int] = defaultdict(int)
    sums = (
        _standing_surrenders(installation_of, at)
        .values("obligation_id")
        .annotate(total=Sum("quantity"))
        .order_by("obligation_id")
    )
    for row in sums:
        totals[installation_of[row["obligation_id"] or 0]] += row["total"]
    return totals
