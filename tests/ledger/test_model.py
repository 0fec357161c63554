"""The ledger against a model of ten lines: a serial is with an account. Any history of acts, compared after every step."""

from collections import Counter
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from registry import ledger
from registry.models import Holding, UnitBlock
from registry.operations.outcome import Outcome, Refused
from registry.verification import Verified, verify
from tests import conftest as databases
from tests.build import Beijing, beijing

HOLDERS = ("ISS", "ann", "bob", "plant")
ACQUIRERS = ("ann", "bob", "plant")
QUANTITIES = st.integers(1, 40)


class Model:
    """Who has which serial, and what every act would do."""

    def __init__(self) -> None:
        self.holder: dict[int, str] = {}

    def issue(self, quantity: int) -> None:
        self.holder.update(dict.fromkeys(range(len(self.holder) + 1, len(self.holder) + quantity + 1), "ISS"))

    def has(self, holder: str, quantity: int) -> bool:
        return Counter(self.holder.values())[holder] >= quantity

    def holds(self, holder: str, serials: range) -> bool:
        return all(self.holder.get(serial) == holder for serial in serials)

    def move(self, serials: range, acquirer: str) -> None:
        self.holder.update(dict.fromkeys(serials, acquirer))


def without_units() -> tuple[Beijing, int]:
    """A registry with nothing issued, and the obligation of its plant."""
    made = beijing("ann", "bob", operators=("plant",))
    return made, made.obligation("plant").pk


class Ledger(RuleBasedStateMachine):
    """Issue, transfer, split by naming serials, surrender, cancel, merge, in any order."""

    registry: Beijing

    @initialize()
    def begin(self) -> None:
        """Begin with an empty registry in a database of its own, so that every commit is one."""
        self.opened = ExitStack()
        _, (self.registry, self.obligation) = self.opened.enter_context(databases.own_database(without_units))
        self.names = {account.pk: name for name, account in self.registry.accounts.items()}
        self.model = Model()

    def teardown(self) -> None:
        self.opened.close()

    @rule(quantity=QUANTITIES, vintage=st.sampled_from([2025, 2026]))
    def issue(self, quantity: int, vintage: int) -> None:
        self.registry.issue(quantity, vintage)
        self.model.issue(quantity)

    @rule(sender=st.sampled_from(HOLDERS), acquirer=st.sampled_from(ACQUIRERS), quantity=QUANTITIES)
    def transfer(self, sender: str, acquirer: str, quantity: int) -> None:
        self.act(sender, acquirer, quantity, allowed=sender != acquirer)

    @rule(
        sender=st.sampled_from(HOLDERS),
        acquirer=st.sampled_from(ACQUIRERS),
        first=st.integers(1, 120),
        size=st.integers(1, 15),
    )
    def split(self, sender: str, acquirer: str, first: int, size: int) -> None:
        """Name serials, wherever they may be."""
        serials = range(first, first + size)
        allowed = sender != acquirer and self.model.holds(sender, serials)
        outcome = self.attempt(allowed, sender, acquirer, size, (first, first + size))
        if outcome:
            assert sorted(s for moved in outcome.ranges for s in range(moved.first, moved.next)) == list(serials)
            self.model.move(serials, acquirer)

    @rule(quantity=QUANTITIES)
    def surrender(self, quantity: int) -> None:
        self.act("plant", "SUR", quantity, type_code="10-2", obligation=self.obligation)

    @rule(sender=st.sampled_from(ACQUIRERS), quantity=QUANTITIES)
    def cancel(self, sender: str, quantity: int) -> None:
        self.act(sender, "CAN", quantity, type_code="4-0", reason="for ever")

    @rule(holder=st.sampled_from(HOLDERS))
    def merge(self, holder: str) -> None:
        """Maintenance, which nobody may notice."""
        ledger.merge_neighbours(self.registry.accounts[holder].pk)

    def act(self, sender: str, acquirer: str, quantity: int, allowed: bool = True, **more: object) -> None:
        """Move units that the ledger selects: allowed just when the model has them, and only of what the sender has."""
        outcome = self.attempt(allowed and self.model.has(sender, quantity), sender, acquirer, quantity, **more)
        if outcome:
            assert sum(moved.next - moved.first for moved in outcome.ranges) == quantity
            for moved in outcome.ranges:
                serials = range(moved.first, moved.next)
                assert self.model.holds(sender, serials)
                self.model.move(serials, acquirer)

    def attempt(self, allowed: bool, *arguments: object, **more: object) -> Outcome | None:
        try:
            outcome = self.registry.move(*arguments, **more)
        except Refused:
            assert not allowed
            return None
        assert allowed
        return outcome

    @invariant()
    def serials_balances_and_equations_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        blocks = UnitBlock.objects.filter(account__isnull=False).values_list("start_no", "end_no", "account")
        found = {serial: self.names[holder] for start, end, holder in blocks for serial in range(start, end)}
        assert found == self.model.holder
        balances: Counter[str] = Counter()
        for holder, quantity in Holding.objects.values_list("account", "quantity"):
            balances[self.names[holder]] += quantity
        assert +balances == Counter(self.model.holder.values())
        assert isinstance(verify(), Verified)


def test_the_ledger_is_the_model(django_db_setup, django_db_blocker: pytest.FixtureRequest):
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        run_state_machine_as_test(
            Ledger,
            settings=settings(
                max_examples=20,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_one_unit_that_is_elsewhere_is_noticed(django_db_setup, django_db_blocker, monkeypatch):
    """The negative control: model and ledger part by one unit in each movement."""

    def forgetful(model: Model, serials: range, acquirer: str) -> None:
        model.holder.update(dict.fromkeys(serials[:-1], acquirer))

    monkeypatch.setattr(Model, "move", forgetful)
    with django_db_blocker.unblock(), pytest.raises(AssertionError):
        run_state_machine_as_test(
            Ledger,
            settings=settings(
                max_examples=20,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                phases=(Phase.explicit, Phase.generate),
                suppress_health_check=list(HealthCheck),
            ),
        )
