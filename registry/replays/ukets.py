"""Replays four compliance years of the UK ETS in the test registry XX-UK: issue, allocate, buy what lacks, surrender, judge.

Real: operators (by number), their first and last years, allocations, verified emissions, cumulative surrenders. Invented, because
no register publishes it: serials, the caps, the market account that sells what an operator lacked, and the days on which things
happen. Only cumulative surrenders are published, so an operator surrenders at once, for its last obligation up to 2024.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Sum

from accounts.models import Installation
from accounts.rules.access import Actor, Role
from registry.compliance_queries import Standing, standings
from registry.models import Holding, Obligation, RecordedEmissions, Transaction, UnitType
from registry.operations.issue import issue
from registry.operations.load_allocation_table import approve_allocation_table, load_allocation_table
from registry.operations.load_compliance import load_emissions, load_obligations
from registry.operations.propose import propose
from registry.operations.propose_batch import propose_batch
from registry.operations.run_allocation import run_allocation
from registry.operations.run_due import determine_statuses
from registry.operations.set_cap import set_cap
from registry.replays.figures import Figure, Report
from registry.replays.ukets_files import ALLOCATION_YEARS, YEARS, Operator, read_allocations, read_report
from registry.replays.world import REGISTRY, World, make_world
from registry.rules.compliance import Status
from registry.rules.proposal import Line, Proposal

CODE, UNIT = "XX-UK", "UKA"
LONDON = ZoneInfo("Europe/London")
# Allowances of the scheme's first phase count for any of its years.
LATEST_VINTAGE = 2030
AT_ONCE = 200
Progress = Callable[[str, int], object]

EMISSIONS = (107_884_396, 110_619_562, 96_750_817, 85_634_344)
ALLOCATIONS = (37_803_093, 35_341_301, 32_527_927, 30_960_705, 25_640_721, 24_936_341)
OFFICIAL = {"A": 1_182, "B": 43, "EXCLUDED": 42, "NOT_APPLICABLE": 15, "C": 2, "": 57}


@dataclass(frozen=True, slots=True)
class Source:
    """Both files, read."""

    operators: Sequence[Operator]
    allocations: Mapping[int, Mapping[str, int]]

    def emissions_of(self, year: int) -> int:
        """Recorded emissions of a year, t CO2e."""
        return sum(found for op in self.operators if isinstance(found := op.emissions.get(year), int))


@dataclass(frozen=True, slots=True)
class Stage:
    """The test registry with everybody in it. `accounts` by operator number."""

    world: World
    accounts: Mapping[str, str]
    market: str
    loader: Actor
    approver: Actor
    authority: Actor


def read(folder: Path) -> Source:
    """Read both files of the folder."""
    return Source(read_report(folder), read_allocations(folder))


def replay(source: Source, progress: Progress) -> Report:
    """Run the four years and compare every status and total."""
    stage = _set_up(source, progress)
    for year in YEARS:
        _issue(stage, source, year)
        _allocate(stage, source, year, progress)
        _record_emissions(stage, source, year)
        _surrender(stage, source, year, progress)
    deadline = _deadline(YEARS[-1])
    with transaction.atomic():
        determine_statuses(
            jurisdiction=stage.world.jurisdiction, year=YEARS[-1], at=deadline, actor=REGISTRY, now=deadline
        )
    return _report(stage, source, standings(stage.world.jurisdiction, YEARS[-1], at=deadline))


def _noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def _deadline(year: int) -> datetime:
    """The surrender deadline of a scheme year, 30 April of the next, at the end of London's day."""
    return datetime(year + 1, 4, 30, 23, 59, 59, tzinfo=LONDON).astimezone(UTC)


def _set_up(source: Source, progress: Progress) -> Stage:
    beginning = _noon(2021, 1, 1)
    world = make_world(CODE, currency="GBP", time_zone="Europe/London", now=beginning)
    UnitType.objects.create(jurisdiction=world.jurisdiction, code=UNIT, kind="allowance")
    accounts: dict[str, str] = {}
    for place in range(0, len(source.operators), 100):
        with transaction.atomic():
            for operator in source.operators[place : place + 100]:
                installation = Installation.objects.create(
                    jurisdiction=world.jurisdiction,
                    number=operator.number,
                    name=f"operator {operator.number}",
                    first_year=operator.first_year,
                    last_year=operator.last_year,
                )
                name = f"operator {operator.number}"
                accounts[operator.number] = world.open("OHA", name, beginning, installation).identifier
                progress("accounts", 1)
    stage = Stage(
        world,
        accounts,
        world.open("TRA", "market", beginning).identifier,
        world.official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "loader"),
        world.official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "approver"),
        world.official(Role.COMPLIANCE_AUTHORITY, "authority"),
    )
    _record_obligations(stage, source, beginning)
    return stage


def _record_obligations(stage: Stage, source: Source, now: datetime) -> None:
    """One obligation for each operator whose first year is not ahead, for its last year up to 2024."""
    lines = ["installation,year,opens_at,due_at,closes_at,eligible_until_vintage"]
    lines += [
        f"{op.number},{op.obligation_year},,{_deadline(op.obligation_year).isoformat()},,{LATEST_VINTAGE}"
        for op in source.operators
        if op.first_year <= op.obligation_year
    ]
    load_obligations(
        "\n".join(lines).encode(),
        jurisdiction=stage.world.jurisdiction,
        name="obligations of the replay",
        actor=stage.authority,
        now=now,
    )


def _issue(stage: Stage, source: Source, year: int) -> None:
    """Issue a year's vintage under its cap: what is allocated free, and as much again as was emitted for the market."""
    now, issuance = _noon(year, 1, 15), stage.world.administrative["ISS"]
    free, sold = sum(source.allocations[year].values()), source.emissions_of(year)
    cap = set_cap(
        unit_type=UnitType.objects.select_related("jurisdiction").get(jurisdiction=stage.world.jurisdiction),
        vintage=year,
        limit=free + sold,
        valid_from=date(year, 1, 1),
        valid_to=date(year + 1, 1, 1),
        source="invented for the replay: the year's free allocation and emissions",
        actor=REGISTRY,
        now=now,
    )
    issue(cap_id=cap.pk, acquiring=issuance, quantity=free + sold, actor=REGISTRY, now=now)
    for type_code, acquiring, quantity in (
        ("10-50", stage.world.administrative["ALL"], free),
        ("10-37", stage.market, sold),
    ):
        propose(Proposal(type_code, (_line(stage, issuance, acquiring, quantity, year),)), actor=REGISTRY, now=now)


def _line(stage: Stage, sender: str, acquirer: str, quantity: int, vintage: int | None = None) -> Line:
    registry = stage.world.jurisdiction.registry_code
    return Line(sender, acquirer, quantity, registry=registry, unit_type=UNIT, vintage=vintage)


def _allocate(stage: Stage, source: Source, year: int, progress: Progress) -> None:
    now = _noon(year, 2, 28)
    lines = ["installation,unit_type,vintage,quantity"]
    lines += [f"{number},{UNIT},{year},{quantity}" for number, quantity in source.allocations[year].items()]
    table = load_allocation_table(
        "\n".join(lines).encode(),
        jurisdiction=stage.world.jurisdiction,
        name=f"allocations of {year}",
        actor=stage.loader,
        now=now,
    )
    approve_allocation_table(table=table, actor=stage.approver, now=now)
    run_allocation(
        table=table,
        transferring=stage.world.administrative["ALL"],
        actor=stage.loader,
        now=now,
        progress=lambda rows: progress(f"allocation {year}", rows),
    )


def _record_emissions(stage: Stage, source: Source, year: int) -> None:
    lines = ["installation,year,emissions"]
    lines += [f"{op.number},{year},{op.emissions[year]}" for op in source.operators if year in op.emissions]
    load_emissions(
        "\n".join(lines).encode(),
        jurisdiction=stage.world.jurisdiction,
        name=f"verified emissions of {year}",
        actor=stage.authority,
        now=_noon(year + 1, 3, 31),
    )


def _surrender(stage: Stage, source: Source, year: int, progress: Progress) -> None:
    """Operators whose obligation is of this year buy what they lack and surrender, ten days before the deadline."""
    now = _noon(year + 1, 4, 20)
    obligation_of = dict(Obligation.objects.filter(year=year).values_list("installation__number", "id"))
    due = [op for op in source.operators if op.number in obligation_of and op.cumulative_surrenders]
    held = dict(
        Holding.objects.filter(account__identifier__in=stage.accounts.values())
        .values_list("account__identifier")
        .annotate(total=Sum("quantity"))
    )
    bought, surrendered = [], []
    for op in due:
        account = stage.accounts[op.number]
        lacking = op.cumulative_surrenders - held.get(account, 0)
        if lacking > 0:
            bought.append(Proposal("10-50", (_line(stage, stage.market, account, lacking),)))
        line = _line(stage, account, stage.world.administrative["SUR"], op.cumulative_surrenders)
        surrendered.append(Proposal("10-2", (line,), obligation=obligation_of[op.number]))
    for what, proposals in (("purchases", bought), ("surrenders", surrendered)):
        for place in range(0, len(proposals), AT_ONCE):
            chunk = proposals[place : place + AT_ONCE]
            propose_batch(chunk, actor=stage.world.representative, now=now, all_or_nothing=True)
            progress(f"{what} {year}", len(chunk))


def _report(stage: Stage, source: Source, found: Sequence[Standing]) -> Report:
    totals = {
        year: RecordedEmissions.objects.filter(year=year, corrected_by__isnull=True).aggregate(t=Sum("quantity"))["t"]
        for year in YEARS
    }
    allocated = {
        year: Transaction.objects.filter(type_id="10-40", proposed_at__year=year).aggregate(t=Sum("quantity"))["t"]
        for year in YEARS
    }
    surrendered = Holding.objects.filter(account__type_id="SUR").aggregate(t=Sum("quantity"))["t"]
    status_of = {standing.installation.number: standing.status for standing in found}
    official = Counter(op.status for op in source.operators)
    differing = [op for op in source.operators if _shown(status_of[op.number]) != op.status]
    agreeing = Counter(op.status for op in source.operators if _shown(status_of[op.number]) == op.status)
    expected = Counter(OFFICIAL)
    for op in differing:
        expected[op.status] -= 1
    figures = [
        Figure("operators", 1_341, len(found)),
        *(Figure(f"official status 2024 {name or 'none'}", OFFICIAL[name], official[name]) for name in OFFICIAL),
        *(Figure(f"judged as officially: {name or 'none'}", expected[name], agreeing[name]) for name in OFFICIAL),
        Figure("judged otherwise (each below)", 6, len(differing)),
        *(Figure(f"recorded emissions {year}", EMISSIONS[place], totals[year]) for place, year in enumerate(YEARS)),
        *(
            Figure(
                f"allocated {year}" if year in YEARS else f"allocation table {year} (read only)",
                ALLOCATIONS[place],
                allocated[year] if year in YEARS else sum(source.allocations[year].values()),
            )
            for place, year in enumerate(ALLOCATION_YEARS)
        ),
        Figure("cumulative emissions", 400_889_119, sum(standing.emissions for standing in found)),
        Figure("cumulative surrenders", 400_800_614, surrendered),
        Figure("operators that surrendered less than they emitted", 44, _count(found, -1)),
        Figure("operators that surrendered more than they emitted", 54, _count(found, 1)),
    ]
    return Report(
        "UK ETS 2021-24, in the test registry XX-UK",
        tuple(figures),
        (
            "Invented: serials, caps, the market account, and the days between the published ones.",
            *(_explained(op, status_of[op.number]) for op in differing),
        ),
    )


def _shown(status: Status) -> str:
    """A status as the report writes it; it leaves blank what has ended."""
    return "" if status is Status.ENDED else str(status)


def _count(found: Sequence[Standing], sign: int) -> int:
    differences = (standing.surrendered - standing.emissions for standing in found)
    return sum((difference > 0) - (difference < 0) == sign for difference in differences)


def _explained(operator: Operator, status: Status) -> str:
    """Why an operator is judged otherwise than officially: the published fact that the rule goes by."""
    if status is Status.ENDED:
        reason = f"its last year of operation is {operator.last_year}, so by the rule nothing is determined for 2024"
    else:
        reason = f"its first year is {operator.first_year} and the report gives no emissions for a year since"
    return (
        f"operator {operator.number}: official {operator.status or 'none'}, here {_shown(status) or 'none'}: {reason}."
    )
