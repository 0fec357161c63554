"""A registry whose offsets may be converted, and the shortest way to convert some."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from accounts.models import DatedRule
from accounts.rules.access import Actor, Role
from registry.models import IssuanceCap, UnitType
from registry.operations.approve import approve
from registry.operations.issue import issue
from registry.operations.outcome import Outcome
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal, SerialRange
from tests.build import NOW, REGISTRY, Beijing, beijing, official


@dataclass
class Office:
    """Offsets of PHR that may become BEC: 1-500 of 2025, 501-800 of 2023 and a project's 801-900, all with the plant."""

    made: Beijing
    junior: Actor
    senior: Actor
    types: dict[str, UnitType] = field(default_factory=dict)
    caps: dict[tuple[str, int], IssuanceCap] = field(default_factory=dict)

    def cap(self, code: str, vintage: int, limit: int = 10**6, since: date = date(2020, 1, 1)) -> IssuanceCap:
        made = IssuanceCap.objects.create(
            unit_type=self.types[code], vintage=vintage, limit=limit, valid_from=since, source="test"
        )
        self.caps[code, vintage] = made
        return made

    def stock(self, quantity: int, vintage: int, name: str = "plant", project: str = "") -> None:
        cap = self.caps.get(("PHR", vintage)) or self.cap("PHR", vintage)
        done = issue(
            cap_id=cap.pk, acquiring=self.made["ISS"], quantity=quantity, actor=REGISTRY, now=NOW, project=project
        )
        moved = tuple(SerialRange("CNBJ", r.first, r.next) for r in done.ranges)
        line = Line(self.made["ISS"], self.made[name], quantity, "CNBJ", "PHR", serials=moved)
        propose(Proposal("10-50", (line,)), actor=REGISTRY, now=NOW)


def make_office() -> Office:
    """Make the registry, in commits of its own."""
    made = beijing("ann", operators=("plant", "mill"))
    found = Office(
        made,
        official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior"),
        official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior"),
    )
    for code in ("PHR", "BEC"):
        found.types[code] = UnitType.objects.create(jurisdiction=made.home, code=code, kind="offset")
    found.stock(500, 2025)
    found.stock(300, 2023)
    found.stock(100, 2025, project="forest")
    for vintage in (2023, 2025):
        found.cap("BEC", vintage)
    return found


def rule(office: Office, since: date = date(2026, 1, 1), until: date | None = None, **changes: object) -> None:
    DatedRule.objects.create(
        jurisdiction=office.made.home, key="conversion.PHR", valid_from=since, valid_to=until,
        value={"to": "BEC", "years": 5} | changes, confidence="D", source="test",
    )  # fmt: skip


def line(office: Office, quantity: int = 50, *ranges: tuple[int, int], name: str = "plant", **more: Any) -> Line:
    serials = tuple(SerialRange("CNBJ", *one) for one in ranges)
    given = {"registry": "CNBJ", "unit_type": "PHR", "serials": serials} | more
    return Line(office.made[name], office.made["CAN"], quantity, **given)


def convert(office: Office, quantity: int = 50, *ranges: tuple[int, int], now: datetime = NOW, **more: Any) -> Outcome:
    proposal = Proposal("2-0", (line(office, quantity, *ranges, **more),))
    return propose(proposal, actor=office.made.representative, now=now)


def converted(
    office: Office, quantity: int = 50, *ranges: tuple[int, int], now: datetime = NOW, **more: Any
) -> Outcome:
    waiting = convert(office, quantity, *ranges, now=now, **more)
    return approve(waiting.transaction_id, actor=office.made.approver, now=now)
