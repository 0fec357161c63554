"""What waits, against a model of a few lines: a serial is with an account, and perhaps promised. Any history of acts."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.rules.access import Role
from config.embedded import addresses
from registry.models import Holding, Transaction, UnitBlock
from registry.operations.approve import approve
from registry.operations.execute import execute, expire
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.refuse import refuse
from registry.operations.withdraw import withdraw
from registry.rules.proposal import Proposal
from registry.rules.states import State
from registry.verification import Verified, verify
from tests import conftest as databases
from tests.build import NOW, REGISTRY, Beijing, beijing, official

ACCOUNTS = {"ava": "Ava", "avas": "Ava", "ben": "Ben", "mill": "Mill"}
PLACES = st.integers(0, 10**6)


@dataclass
class Waiting:
    """A live transaction: what it has reserved, for whom, and until when."""

    serials: frozenset[int]
    acquirer: str
    at_once: bool
    state: State
    ends_at: datetime
    held_at: datetime | None = None
    resumes_to: State | None = None


class Model:
    """Who has which serial, which transaction has promised it to whom, and what is frozen."""

    def __init__(self) -> None:
        self.holder: dict[int, str] = {}
        self.live: dict[UUID, Waiting] = {}
        self.freezes: dict[int, frozenset[int]] = {}

    def frozen(self) -> frozenset[int]:
        return frozenset[int]().union(*self.freezes.values())

    def promised(self) -> dict[int, UUID]:
        return {serial: one for one, waiting in self.live.items() for serial in waiting.serials}

    def free(self, name: str) -> int:
        bound = self.frozen().union(self.promised())
        return sum(holder == name and serial not in bound for serial, holder in self.holder.items())

    def end(self, one: UUID, moves: bool) -> None:
        waiting = self.live.pop(one)
        if moves:
            self.holder.update(dict.fromkeys(waiting.serials, waiting.acquirer))


def thirty_each() -> tuple[Beijing, int, dict[str, int | None], dict[int, str]]:
    """A registry with thirty units in each account, the mill's obligation, its staff, and who has which serial."""
    made = beijing()
    for name, holder in ACCOUNTS.items():
        made.open(name, type_code="OHA" if name == "mill" else "TRA", holder=holder)
    obligation = made.obligation("mill").pk
    made.issue(30 * len(ACCOUNTS))
    staff = {
        "officer": official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "officer").user_id,
        "chief": official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "chief").user_id,
    }
    holder_of: dict[int, str] = {}
    for name in ACCOUNTS:
        for moved in made.move("ISS", name, 30).ranges:
            holder_of.update(dict.fromkeys(range(moved.first, moved.next), name))
    return made, obligation, staff, holder_of


class Lives(RuleBasedStateMachine):
    """Propose, approve, refuse, withdraw, hold, freeze, release, let time pass; sometimes nobody looks at what is due."""

    registry: Beijing

    @initialize()
    def begin(self) -> None:
        """Begin with thirty units in each account, in a database of its own, so that every commit is one."""
        self.opened = ExitStack()
        name, begun = self.opened.enter_context(databases.own_database(thirty_each))
        self.owner = self.opened.enter_context(databases._login(addresses.OWNER, name))
        self.model, self.now = Model(), NOW
        self.registry, self.obligation, self.staff, self.model.holder = begun
        self.names = {account.pk: name for name, account in self.registry.accounts.items()}

    def teardown(self) -> None:
        self.opened.close()

    @rule(
        sender=st.sampled_from(sorted(ACCOUNTS)),
        acquirer=st.sampled_from(sorted(ACCOUNTS)),
        quantity=st.integers(1, 25),
    )
    def transfer(self, sender: str, acquirer: str, quantity: int) -> None:
        of_one_holder = ACCOUNTS[sender] == ACCOUNTS[acquirer]
        self.propose(sender, acquirer, quantity, at_once=of_one_holder, allowed=sender != acquirer)

    @rule(quantity=st.integers(1, 25))
    def surrender(self, quantity: int) -> None:
        self.propose("mill", "SUR", quantity, at_once=True, type="10-2", obligation=self.obligation)

    def propose(
        self,
        sender: str,
        acquirer: str,
        quantity: int,
        *,
        at_once: bool,
        allowed: bool = True,
        type: str = "10-50",
        **more: Any,
    ) -> None:
        allowed = allowed and self.model.free(sender) >= quantity
        proposal = Proposal(type, (self.registry.line(sender, acquirer, quantity),), **more)
        outcome = self.attempt(propose, allowed, proposal, actor=self.registry.representative)
        if outcome is None:
            return
        serials = frozenset(serial for moved in outcome.ranges for serial in range(moved.first, moved.next))
        assert len(serials) == quantity
        assert all(self.model.holder[serial] == sender for serial in serials)
        assert serials.isdisjoint(self.model.frozen().union(self.model.promised()))
        assert outcome.expires_at is not None
        self.model.live[outcome.transaction_id] = Waiting(
            serials, acquirer, at_once, State.AWAITING_APPROVAL, outcome.expires_at
        )

    @rule(place=PLACES, by_another=st.booleans())
    def approve(self, place: int, by_another: bool) -> None:
        if not self.model.live:
            return
        one, waiting = self.pick(place)
        allowed = by_another and waiting.state is State.AWAITING_APPROVAL and self.now < waiting.ends_at
        allowed = allowed and waiting.serials.isdisjoint(self.model.frozen())
        actor = self.registry.approver if by_another else self.registry.representative
        outcome = self.attempt(approve, allowed, one, actor=actor)
        if outcome is None:
            return
        if waiting.at_once:
            assert outcome.state == State.COMPLETED
            self.model.end(one, moves=True)
        else:
            assert outcome.state == State.DELAYED
            assert outcome.due_at is not None
            assert outcome.due_at > self.now
            waiting.state, waiting.ends_at = State.DELAYED, outcome.due_at

    @rule(acquirer=st.sampled_from(["avas", "ben"]), quantity=st.integers(1, 5))
    def see_through(self, acquirer: str, quantity: int) -> None:
        """Propose, approve, and wait for it where it has to: so that among random acts some come to their end."""
        known = set(self.model.live)
        self.transfer("ava", acquirer, quantity)
        for one in set(self.model.live) - known:
            self.approve(sorted(self.model.live).index(one), by_another=True)
            if one in self.model.live and (left := self.model.live[one].ends_at - self.now) > timedelta():
                self.time_passes(left // timedelta(hours=1) + 1, attended=True)

    @rule(place=PLACES)
    def refuse(self, place: int) -> None:
        if self.model.live:
            one, waiting = self.pick(place)
            allowed = waiting.state is State.AWAITING_APPROVAL
            if self.attempt(refuse, allowed, one, actor=self.registry.approver):
                self.model.end(one, moves=False)

    @rule(place=PLACES)
    def withdraw(self, place: int) -> None:
        if self.model.live:
            one, waiting = self.pick(place)
            allowed = waiting.state is not State.ON_HOLD
            if self.attempt(withdraw, allowed, one, actor=self.registry.representative):
                self.model.end(one, moves=False)

    @rule(place=PLACES)
    def hold_or_release(self, place: int) -> None:
        """The clock of what is on hold stands; it goes on where it was stopped."""
        if not self.model.live:
            return
        one, waiting = self.pick(place)
        if waiting.held_at is None or waiting.resumes_to is None:
            self.freeze("transaction_id", one)
            waiting.resumes_to, waiting.held_at, waiting.state = waiting.state, self.now, State.ON_HOLD
        else:
            self.release("transaction_id = %s AND released_at IS NULL", one)
            waiting.ends_at += self.now - waiting.held_at
            waiting.state, waiting.held_at, waiting.resumes_to = waiting.resumes_to, None, None

    @rule(first=st.integers(1, 120), size=st.integers(1, 30))
    def freeze_serials(self, first: int, size: int) -> None:
        following = min(first + size, 121)
        home = self.registry.home.pk
        made = self.freeze("origin_id, first_no, next_no", home, first, following)
        self.model.freezes[made] = frozenset(range(first, following))

    @rule(place=PLACES)
    def release_serials(self, place: int) -> None:
        """What another freeze covers stays frozen."""
        if self.model.freezes:
            found = sorted(self.model.freezes)[place % len(self.model.freezes)]
            self.release("id = %s", found)
            del self.model.freezes[found]

    def freeze(self, columns: str, *values: object) -> int:
        places = ", ".join(["%s"] * len(values))
        row = self.owner.execute(
            f"INSERT INTO registry_freeze (jurisdiction_id, reason, review_on, frozen_by_id, frozen_at, {columns})"
            f" VALUES (%s, 'an order', '2026-12-31', %s, %s, {places}) RETURNING id",
            [self.registry.home.pk, self.staff["officer"], self.now, *values],
        ).fetchone()
        assert row
        return int(row[0])

    def release(self, which: str, value: object) -> None:
        for by, at, name in (
            ("release_requested_by_id", "release_requested_at", "officer"),
            ("released_by_id", "released_at", "chief"),
        ):
            self.owner.execute(
                f"UPDATE registry_freeze SET {by} = %s, {at} = %s WHERE {which}", [self.staff[name], self.now, value]
            )

    @rule(hours=st.integers(1, 200), attended=st.booleans())
    def time_passes(self, hours: int, attended: bool) -> None:
        """What is due is done at a tick, whenever that comes."""
        self.now += timedelta(hours=hours)
        for one, waiting in list(self.model.live.items()) if attended else ():
            is_over = waiting.ends_at <= self.now and waiting.state is not State.ON_HOLD
            moves = waiting.state is State.DELAYED and waiting.serials.isdisjoint(self.model.frozen())
            for act, ends in ((execute, State.DELAYED), (expire, State.AWAITING_APPROVAL)):
                done = act(one, actor=REGISTRY, now=self.now)
                assert (done is not None) == (is_over and waiting.state is ends)
                assert done is None or (done.state == State.COMPLETED) == moves
            if is_over:
                self.model.end(one, moves=moves)

    def pick(self, place: int) -> tuple[UUID, Waiting]:
        found = sorted(self.model.live)
        return found[place % len(found)], self.model.live[found[place % len(found)]]

    def attempt(self, act: Callable[..., Outcome], allowed: bool, *arguments: object, **more: object) -> Outcome | None:
        try:
            outcome = act(*arguments, now=self.now, **more)
        except Refused:
            assert not allowed
            return None
        assert allowed
        return outcome

    @invariant()
    def serials_promises_balances_and_equations_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        holder: dict[int, str] = {}
        promised: dict[int, UUID] = {}
        frozen: set[int] = set()
        rows = UnitBlock.objects.filter(account__isnull=False)
        for start, end, account, held_for, frozen_by in rows.values_list(
            "start_no", "end_no", "account", "held_for", "frozen_by"
        ):
            holder.update(dict.fromkeys(range(start, end), self.names[account]))
            frozen.update(range(start, end) if frozen_by is not None else ())
            if held_for is not None:
                promised.update(dict.fromkeys(range(start, end), held_for))
        assert holder == self.model.holder
        assert promised == self.model.promised()
        assert frozen == self.model.frozen()
        balances, reserved = Counter[str](), Counter[str]()
        for account, quantity, bound in Holding.objects.values_list("account", "quantity", "reserved"):
            balances[self.names[account]] += quantity
            reserved[self.names[account]] += bound
        assert +balances == Counter(self.model.holder.values())
        assert +reserved == Counter(self.model.holder[serial] for serial in promised)
        live = Transaction.objects.filter(completed_at=None).exclude(state__in=["REJECTED", "CANCELLED", "TERMINATED"])
        assert dict(live.values_list("id", "state")) == {one: waiting.state for one, waiting in self.model.live.items()}
        assert isinstance(verify(), Verified)


SETTINGS: dict[str, Any] = {
    "max_examples": 20, "stateful_step_count": 30, "deadline": None, "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip


def test_what_waits_is_as_the_model_says(django_db_setup, django_db_blocker: pytest.FixtureRequest):
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        run_state_machine_as_test(Lives, settings=settings(**SETTINGS))


def test_one_unit_that_is_elsewhere_is_noticed(django_db_setup, django_db_blocker, monkeypatch):
    """The negative control: what completes moves one unit less in the model."""
    end = Model.end

    def forgetful(model: Model, one: UUID, moves: bool) -> None:
        waiting = model.live[one]
        waiting.serials = frozenset(sorted(waiting.serials)[1:])
        end(model, one, moves)

    monkeypatch.setattr(Model, "end", forgetful)
    with django_db_blocker.unblock(), pytest.raises(AssertionError):
        run_state_machine_as_test(Lives, settings=settings(**SETTINGS | {"phases": (Phase.explicit, Phase.generate)}))
