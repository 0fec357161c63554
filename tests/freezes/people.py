"""The thousand units with two more who trust nobody, and the staff who freeze and release."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg

from accounts.models import Jurisdiction
from accounts.rules.access import Actor, Role
from registry.models import Transaction, UnitBlock
from registry.operations.freeze import freeze_account, freeze_serials, freeze_transaction
from registry.operations.outcome import Outcome
from registry.operations.propose import propose
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.rules.freezes import FreezeRecord
from registry.rules.proposal import Proposal
from registry.rules.serials import SerialBlock
from tests.accounts import samples
from tests.build import NOW, Beijing, official
from tests.ledger.conftest import thousand_units

REVIEW = date(2026, 9, 1)
HOUR = timedelta(hours=1)


@dataclass
class Staffed:
    """Serials 601-800 are ann's, 801-1000 bob's, 501-600 eve's. What eve sends to dan, another holder, waits."""

    registry: Beijing
    junior: Actor
    senior: Actor
    second: Actor
    authority: Actor
    stranger: Actor

    def freeze(self, first: int, following: int, **more: Any) -> FreezeRecord:
        """Freeze serials `[first, following)`, as the junior administrator where nobody else is named."""
        block = SerialBlock("CNBJ", "BEA", 2026, first, following)
        return freeze_serials(block, **(self.usual() | more))

    def freeze_account(self, name: str, **more: Any) -> FreezeRecord:
        return freeze_account(self.registry[name], **(self.usual() | more))

    def hold(self, waiting: Outcome, **more: Any) -> FreezeRecord:
        return freeze_transaction(waiting.transaction_id, **(self.usual() | more))

    def usual(self) -> dict[str, Any]:
        return {"reason": "suspected theft", "review_on": REVIEW, "actor": self.junior, "now": NOW}

    def lift(self, frozen: FreezeRecord, now: Any = NOW) -> FreezeRecord:
        """Release a freeze by two."""
        request_release(frozen.id, actor=self.junior, now=now)
        return release(frozen.id, actor=self.senior, now=now)

    def waiting(self, *ranges: tuple[int, int], quantity: int = 20) -> Outcome:
        """Propose what waits for approval."""
        line = self.registry.line("eve", "dan", quantity, *ranges)
        return propose(Proposal("10-50", (line,)), actor=self.registry.representative, now=NOW)

    def delayed(self, *ranges: tuple[int, int], quantity: int = 20) -> Outcome:
        """Propose and approve what then waits for its delay."""
        return self.registry.move("eve", "dan", quantity, *ranges)


def staffed() -> Staffed:
    registry = thousand_units()
    registry.open("eve", holder="Eve")
    registry.open("dan", holder="Dan")
    registry.move("ISS", "eve", 100, (501, 601))
    return Staffed(
        registry,
        appointed(registry.home, Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior"),
        appointed(registry.home, Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior"),
        appointed(registry.home, Role.SENIOR_REGISTRY_ADMINISTRATOR, "second-senior"),
        appointed(registry.home, Role.COMPLIANCE_AUTHORITY, "authority"),
        appointed(samples.jurisdiction("JP-13"), Role.SENIOR_REGISTRY_ADMINISTRATOR, "stranger"),
    )


def appointed(where: Jurisdiction, role: Role, name: str) -> Actor:
    """Make an official whose role is recorded too, since PostgreSQL looks there."""
    return official(role, name, where.code)


def frozen_serials() -> list[int]:
    """Every serial that is marked."""
    rows = UnitBlock.objects.filter(frozen_by__isnull=False).order_by("start_no").values_list("start_no", "end_no")
    return [serial for first, following in rows for serial in range(first, following or first)]


def state_of(waiting: Outcome) -> str:
    return Transaction.objects.get(pk=waiting.transaction_id).state


def runs(connection: psycopg.Connection[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Maximal runs of neighbours alike in holder, reservation, freeze and recognition, however blocks are cut."""
    found: list[tuple[Any, ...]] = []
    for start, end, *rest in connection.execute(
        "SELECT start_no, end_no, account_id, held_for, frozen_by, recognition_id FROM registry_unitblock"
        " ORDER BY origin_id, start_no"
    ):
        if found and found[-1][1] == start and found[-1][2:] == tuple(rest):
            start = found.pop()[0]
        found.append((start, end, *rest))
    return found
