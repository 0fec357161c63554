"""Reads of compliance: what installations are judged by and how they stand, as of an instant."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.calendars import calendar_of
from accounts.models import Installation, Jurisdiction
from accounts.queries import rule_in_force
from registry.models import Obligation, RecordedEmissions, StatusSnapshot, Transaction, TransactionStep
from registry.rules.compliance import ComplianceFacts, Status, YearRecord, surrender_all_status
from registry.rules.deadlines import KEY, Counts, deadline_of, deadline_rule_of, is_in_time
from registry.rules.states import State, Step

SURRENDER = "10-2"


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

    All in t CO2e. `emissions` of its year: None where none are recorded or it was excluded. `surrendered`: for this obligation,
    of which `surrendered_in_time`.
    `cumulative_emissions`: up to its year; `cumulative_surrendered`: for all obligations. `status_at_deadline`: None until then.
    """

    obligation: Obligation
    emissions: int | None
    excluded: bool
    surrendered: int
    surrendered_in_time: int
    cumulative_emissions: int
    cumulative_surrendered: int
    status: Status
    status_at_deadline: str | None


def obligations_of(installation: Installation, *, at: datetime) -> list[ObligationStanding]:
    """Return an installation's obligations by year, as they stand at `at`, in four statements."""
    obligations = list(Obligation.objects.filter(installation=installation).order_by("year"))
    recorded = RecordedEmissions.objects.filter(installation=installation, recorded_at__lte=at).order_by("id")
    years = {row.year: YearRecord(row.quantity or 0, row.excluded) for row in recorded}
    surrenders: dict[int, list[Transaction]] = defaultdict(list)
    for each in _with_approval(_standing_surrenders([row.pk for row in obligations], at)).order_by("id"):
        surrenders[each.obligation_id or 0].append(each)
    surrendered = {obligation: sum(each.quantity for each in those) for obligation, those in surrenders.items()}
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
            surrendered_in_time=sum(each.quantity for each in surrenders[obligation.pk] if _in_time(each, obligation)),
            cumulative_emissions=facts.emissions_until(obligation.year),
            cumulative_surrendered=facts.surrendered,
            status=surrender_all_status(facts, obligation.year),
            status_at_deadline=determined.get(obligation.year),
        )

    return [standing(row) for row in obligations]


def standings(
    jurisdiction: Jurisdiction,
    year: int,
    *,
    at: datetime,
    known_at: datetime | None = None,
    counts: Counts = Counts.COMPLETED,
) -> list[Standing]:
    """Return how every installation of a jurisdiction stood for a year at `at`, in four statements.

    Judged by the emissions as they were known at `known_at` (None: at `at` itself), so a later correction can be asked for or
    left out. A surrender whose instant that counts is exactly `at` is in time. Source: domain.md section 7, two times.
    """
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


def _standing_surrenders(
    obligation_ids: Iterable[int], at: datetime, counts: Counts = Counts.COMPLETED
) -> QuerySet[Transaction]:
    """The completed surrenders for some obligations whose instant that counts is not after `at`, not reversed by then."""
    reversals = Transaction.objects.filter(reverses=OuterRef("pk"), completed_at__lte=at)
    found = Transaction.objects.filter(
        ~Exists(reversals), obligation_id__in=list(obligation_ids), type_id=SURRENDER, completed_at__isnull=False
    )
    if counts is Counts.COMPLETED:
        return found.filter(completed_at__lte=at)
    if counts is Counts.PROPOSED:
        return found.filter(proposed_at__lte=at)
    return _with_approval(found).filter(approved_at__lte=at)


def _with_approval(surrenders: QuerySet[Transaction]) -> QuerySet[Any]:
    # Where nobody has to approve, it is approved when it is proposed.
    approvals = TransactionStep.objects.filter(transaction=OuterRef("pk"), event=Step.APPROVED).values("at")
    return surrenders.annotate(approved_at=Coalesce(Subquery(approvals), "proposed_at"))


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
    """Return the cumulative surrenders of each installation in time at `at` by what counts, t CO2e, by installation id."""
    installation_of = dict(Obligation.objects.filter(jurisdiction=jurisdiction).values_list("id", "installation_id"))
    totals: dict[int, int] = defaultdict(int)
    sums = (
        _standing_surrenders(installation_of, at, counts)
        .values("obligation_id")
        .annotate(total=Sum("quantity"))
        .order_by("obligation_id")
    )
    for row in sums:
        totals[installation_of[row["obligation_id"] or 0]] += row["total"]
    return totals
