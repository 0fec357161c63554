"""Surrender and cancellation of Beijing's units in Tokyo, and what undoes them, for tests."""

from datetime import datetime

from registry.models import Obligation
from registry.operations.approve import approve
from registry.operations.outcome import Outcome
from registry.operations.propose import propose
from registry.operations.reverse import reverse
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.states import State
from tests.linking.cities import NOW, Pilot


def surrender(
    pilot: Pilot, name: str, quantity: int, serials: tuple[int, int], obligation: Obligation | None = None
) -> Outcome:
    """Surrender serials of Beijing from an operator's account in Tokyo."""
    tokyo = pilot["JP-13"]
    found = obligation or tokyo.obligation(name, 1_000)
    line = Line(tokyo[name], tokyo["SUR"], quantity, "CNBJ", "BEA", None, None, (SerialRange("CNBJ", *serials),))
    return propose(Proposal("10-2", (line,), obligation=found.pk), actor=tokyo.people[0], now=NOW)


def cancel(pilot: Pilot, name: str, quantity: int, serials: tuple[int, int]) -> Outcome:
    """Cancel serials of Beijing from an account in Tokyo."""
    tokyo = pilot["JP-13"]
    line = Line(tokyo[name], tokyo["CAN"], quantity, "CNBJ", "BEA", None, None, (SerialRange("CNBJ", *serials),))
    outcome = propose(Proposal("4-0", (line,), reason="for the climate"), actor=tokyo.people[0], now=NOW)
    if outcome.state == State.AWAITING_APPROVAL:
        outcome = approve(outcome.transaction_id, actor=tokyo.people[1], now=NOW)
    return outcome


def undo(pilot: Pilot, outcome: Outcome, now: datetime = NOW) -> Outcome:
    """Reverse a transaction of Tokyo, by two of its administrators."""
    officers = pilot["JP-13"].officers
    asked = reverse(outcome.transaction_id, reason="entered in error", actor=officers[0], now=now)
    return approve(asked.transaction_id, actor=officers[1], now=now)
