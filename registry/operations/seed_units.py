"""Seed the demo's units: unit types, open serial spaces, a cap and a first issue each, and what demo accounts begin with."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from accounts.operations.seed_pilot import SeededJurisdiction
from accounts.queries import rule_in_force
from accounts.rules.access import Actor, registry_itself
from registry import ledger
from registry.compliance_queries import surrender_deadline
from registry.models import HoldingLimit, IssuanceCap, UnitType
from registry.operations.issue import issue
from registry.operations.load_compliance import load_obligations
from registry.operations.propose_batch import propose_batch
from registry.operations.set_cap import set_cap
from registry.operations.set_holding_limits import set_holding_limits
from registry.period_queries import regimes_of
from registry.rules.limits import KEY as HOLDING_LIMIT
from registry.rules.proposal import Line, Proposal
from registry.seed.pilot import DEMO_ISSUES, UNIT_TYPES, DemoIssue

SOURCE = "invented for the demo"


def seed_units(seeded: Mapping[str, SeededJurisdiction], *, now: datetime) -> None:
    """Seed what is missing: types and serial spaces everywhere, units only where none were ever issued.

    A crash in between leaves a registry with a cap and nothing issued; the next run goes on from there.
    """
    actor = registry_itself("seed")
    for code, made in seeded.items():
        ledger.open_serial_space(made.jurisdiction.pk)
        for unit_type, kind in UNIT_TYPES[code].items():
            UnitType.objects.get_or_create(jurisdiction=made.jurisdiction, code=unit_type, defaults={"kind": str(kind)})
        for demo in DEMO_ISSUES[code]:
            _stock(made, demo, actor, now)
        _oblige(made, actor, now)
        _limit(made, actor, now)


def _oblige(made: SeededJurisdiction, actor: Actor, now: datetime) -> None:
    """Give each demo operator an obligation for the current year or its period, due by the rule, or else on an invented day."""
    period = regimes_of(made.jurisdiction).period_of(now.year)
    year = now.year if period is None else period.last_year
    ruled = surrender_deadline(made.jurisdiction, year) is not None
    due = datetime(year + 1, 10, 31, 23, 59, 59, tzinfo=ZoneInfo(made.jurisdiction.time_zone))
    if period is not None:
        # Tokyo's true-up, in the second year after the period (seed facts /TK/periods).
        due = due.replace(year=year + 2, month=9, day=30)
    lines = ["installation,year,opens_at,due_at,closes_at,eligible_until_vintage"]
    lines += [
        f"{account.installation.number},{year},,{'' if ruled else due.isoformat()},,{year}"
        for account in made.operators
        if account.installation is not None
    ]
    load_obligations(
        "\n".join(lines).encode(), jurisdiction=made.jurisdiction, name="obligations of the demo", actor=actor, now=now
    )


def _limit(made: SeededJurisdiction, actor: Actor, now: datetime) -> None:
    """Set the holding limits where a rule asks for them and there are none yet."""
    day = now.astimezone(ZoneInfo(made.jurisdiction.time_zone)).date()
    is_limited = rule_in_force(made.jurisdiction, HOLDING_LIMIT, day) is not None
    if is_limited and not HoldingLimit.objects.filter(jurisdiction=made.jurisdiction).exists():
        set_holding_limits(jurisdiction=made.jurisdiction, actor=actor, now=now)


def _stock(made: SeededJurisdiction, demo: DemoIssue, actor: Actor, now: datetime) -> None:
    unit_type = UnitType.objects.select_related("jurisdiction").get(jurisdiction=made.jurisdiction, code=demo.unit_type)
    cap = IssuanceCap.objects.filter(unit_type=unit_type).order_by("id").first() or set_cap(
        unit_type=unit_type,
        vintage=now.year,
        limit=demo.limit,
        valid_from=date(now.year, 1, 1),
        source=SOURCE,
        actor=actor,
        now=now,
    )
    if cap.issued > 0 or not demo.issued:
        return
    issuance = made.administrative["ISS"].identifier
    issue(cap_id=cap.pk, acquiring=issuance, quantity=demo.issued, actor=actor, now=now)
    stock = [(account.identifier, demo.to_each_operator) for account in made.operators]
    stock.append((made.trader.identifier, demo.to_the_trader))
    propose_batch(
        [
            Proposal(
                "10-37",
                (
                    Line(
                        issuance,
                        identifier,
                        quantity,
                        registry=made.jurisdiction.registry_code,
                        unit_type=demo.unit_type,
                        vintage=cap.vintage,
                    ),
                ),
                # Of one account, a reference names one transaction.
                client_reference=f"first {demo.unit_type} of {identifier}",
            )
            for identifier, quantity in stock
        ],
        actor=actor,
        now=now,
        all_or_nothing=True,
    )
