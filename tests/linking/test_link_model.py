"""The link against a small model: where each serial is and what it counts as. Any history of acts, compared after every step.

No tonne is made, none is lost; splitting and going there and back gain nothing; no quota is exceeded; a new rate revalues nothing
that is held.
"""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from linking.models import Margin, Quota
from linking.rules.terms import terms_from
from registry.models import Recognition, UnitBlock
from registry.operations.approve import approve
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.refuse import refuse
from registry.operations.reverse import reverse
from registry.operations.withdraw import withdraw
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.states import State
from registry.verification import Verified, verify
from tests import conftest as databases
from tests.linking.cities import NOW, Pilot, pilot, terms
from tests.linking.standing_links import UNLIMITED, opened
from tests.linking.test_checks_of_links import BJ, JP, KR

RATES = ((4, 5), (3, 4), (9, 10), (1, 1), (2, 3))
QUANTITIES = st.integers(1, 60)
LIMIT = {JP: 90, KR: 70}
SERIALS = 1_000


def three_cities() -> tuple[Pilot, int]:
    """Beijing's units may enter Tokyo, 90 recognised tonnes of them, and Seoul, 70 units; Tokyo's plant owes something."""
    made = pilot()
    limits = {"notice_days": 0, "last_settlement_days": 0}
    opened(made, BJ, JP, rate=RATES[0], **limits, **quota(JP))
    opened(made, BJ, KR, rate=(2, 3), **limits, **quota(KR))
    return made, made[JP].obligation("plant", 1_000).pk


def quota(city: str) -> dict[str, object]:
    measure = "recognised" if city == JP else "units"
    return {"entry_quota": {"limit": LIMIT[city], "measure": measure, "window": "year"}, "net_flow_limit": UNLIMITED}


@dataclass
class Worth:
    """What a unit is: in which city's account it lies, and by which version and rate it counts there; at home: none, one."""

    city: str
    account: str
    version: int = 0
    rate: Fraction = Fraction(1)


@dataclass
class Waiting:
    """A transfer that waits: its serials, and what they will be."""

    outcome: Outcome
    serials: list[int]
    becomes: Worth
    reserved: int


class Links(RuleBasedStateMachine):
    """Out, home, onward; waiting ones approved, refused, withdrawn; surrenders and reversals; new rates."""

    @initialize()
    def begin(self) -> None:
        self.opened = ExitStack()
        _, (self.made, self.obligation) = self.opened.enter_context(databases.own_database(three_cities))
        self.names = {a.pk: (code, name) for code in (BJ, JP, KR) for name, a in self.made[code].accounts.items()}
        self.units = {serial: Worth(BJ, "ann") for serial in range(1, SERIALS + 1)}
        self.version = {JP: 1, KR: 1}
        self.rate = {JP: Fraction(4, 5), KR: Fraction(2, 3)}
        self.taken: Counter[str] = Counter()
        self.waiting: list[Waiting] = []
        self.held: set[int] = set()
        self.surrendered: list[tuple[Outcome, list[int]]] = []
        self.now = NOW
        self.send(list(range(1, 31)), (BJ, "ann"), JP, "plant")
        self.send(list(range(31, 41)), (BJ, "ann"), JP, "far")

    def teardown(self) -> None:
        self.opened.close()

    def free(self, city: str, account: str, version: int | None = None) -> list[int]:
        """Serials that lie somewhere and wait for nothing."""
        return [
            serial
            for serial, unit in self.units.items()
            if (unit.city, unit.account) == (city, account)
            and serial not in self.held
            and version in {None, unit.version}
        ]

    def counted(self, city: str, quantity: int, rate: Fraction, entering: bool) -> int:
        if city != JP:
            return quantity
        return (ceil if entering else floor)(quantity * rate)

    def send(self, serials: list[int], sender: tuple[str, str], city: str, account: str) -> Outcome | None:
        """Send serials, named; refused just when the quota that they enter by has no room for them."""
        enters = 0 if city == BJ else self.counted(city, len(serials), self.rate[city], True)
        fits = city == BJ or self.taken[city] + enters <= LIMIT[city]
        ranges = tuple(_runs(serials))
        line = Line(
            self.made[sender[0]][sender[1]],
            self.made[city][account],
            len(serials),
            serials=tuple(SerialRange("CNBJ", *one) for one in ranges),
        )
        try:
            outcome = propose(Proposal("3-0", (line,)), actor=self.made[sender[0]].people[0], now=self.now)
        except Refused as refused:
            told = {failure.code for failure in refused.failures}
        else:
            told = set()
        assert told == (set() if fits else {6005})
        if not fits:
            return None
        self.taken[city] += enters if city != BJ else 0
        becomes = Worth(BJ, account) if city == BJ else Worth(city, account, self.version[city], self.rate[city])
        if outcome.state is State.COMPLETED:
            self.arrive(serials, becomes)
        else:
            self.waiting.append(Waiting(outcome, serials, becomes, enters if city != BJ else 0))
            self.held.update(serials)
        return outcome

    def arrive(self, serials: list[int], becomes: Worth) -> None:
        """Give back what they leave, for each rate and version once, and let them be what they become."""
        left: Counter[tuple[str, int, Fraction]] = Counter()
        for serial in serials:
            unit = self.units[serial]
            if unit.city != BJ:
                left[unit.city, unit.version, unit.rate] += 1
            self.units[serial] = becomes
        for (city, _, rate), quantity in left.items():
            self.taken[city] = max(0, self.taken[city] - self.counted(city, quantity, rate, False))

    @rule(quantity=QUANTITIES, city=st.sampled_from([JP, KR]), account=st.sampled_from(["ann", "plant", "far"]))
    def out(self, quantity: int, city: str, account: str) -> None:
        if serials := self.free(BJ, "ann")[:quantity]:
            self.send(serials, (BJ, "ann"), city, account)

    @rule(
        quantity=QUANTITIES,
        sender=st.sampled_from([(JP, "ann"), (JP, "plant"), (KR, "ann"), (KR, "plant")]),
        account=st.sampled_from(["ann", "far"]),
    )
    def home(self, quantity: int, sender: tuple[str, str], account: str) -> None:
        """Home is always open, whatever they counted as, and lossless."""
        if serials := self.free(*sender)[-quantity:]:
            assert self.send(serials, sender, BJ, account) is not None

    @rule(quantity=QUANTITIES)
    def onward(self, quantity: int) -> None:
        if serials := self.free(JP, "ann")[:quantity]:
            self.send(serials, (JP, "ann"), KR, "ann")

    @rule(quantity=QUANTITIES)
    def there_and_back(self, quantity: int) -> None:
        """Gains nothing: as many at home as before, at one each, and the quota not less taken than before."""
        serials, before = self.free(BJ, "ann")[:quantity], self.taken[JP]
        if serials and self.send(serials, (BJ, "ann"), JP, "ann") is not None:
            self.send(serials, (JP, "ann"), BJ, "ann")
            assert self.taken[JP] >= before
            assert all(self.units[serial].rate == 1 for serial in serials)

    @rule(city=st.sampled_from([JP, KR]), rate=st.sampled_from(RATES))
    def change_the_rate(self, city: str, rate: tuple[int, int]) -> None:
        """A new version at once; what waits for entry by the old one then cannot settle."""
        self.now += timedelta(seconds=1)
        version = self.version[city] + 1
        changed = terms(
            BJ, city, self.now, version=version, rate=rate, notice_days=0, last_settlement_days=0, **quota(city)
        )
        self.made.conclude(self.made.link(BJ, city), terms_from(changed), city, BJ, now=self.now)
        self.version[city], self.rate[city] = version, Fraction(*rate)
        self.now += timedelta(seconds=1)

    @rule(end=st.sampled_from([approve, refuse, withdraw]), place=st.integers(0, 5))
    def end_one_that_waits(self, end: object, place: int) -> None:
        if not self.waiting:
            return
        place %= len(self.waiting)
        one = self.waiting[place]
        side = self.units[one.serials[0]].city
        person = self.made[side].people[1 if end is not withdraw else 0]
        try:
            done = end(one.outcome.transaction_id, actor=person, now=self.now)  # type: ignore[operator]
        except Refused as refused:
            told = {failure.code for failure in refused.failures}
        else:
            told = set()
        is_old = one.becomes.city != BJ and one.becomes.version != self.version[one.becomes.city]
        assert told == ({6007} if end is approve and is_old else set())
        if told:
            return
        self.waiting.pop(place)
        if end is approve and done.state is State.DELAYED:
            # It waits on, and is withdrawn here: whoever stops it gets all back.
            withdraw(one.outcome.transaction_id, actor=self.made[side].people[0], now=self.now)
        self.held.difference_update(one.serials)
        self.taken[one.becomes.city] -= one.reserved

    @rule(quantity=st.integers(1, 12))
    def surrender(self, quantity: int) -> None:
        if not self.free(JP, "plant"):
            self.send(self.free(BJ, "ann")[:quantity], (BJ, "ann"), JP, "plant")
        serials = self.free(JP, "plant")[:quantity]
        if not serials:
            return
        ranges = tuple(SerialRange("CNBJ", *one) for one in _runs(serials))
        line = Line(self.made[JP]["plant"], self.made[JP]["SUR"], len(serials), serials=ranges)
        asked = Proposal("10-2", (line,), obligation=self.obligation)
        self.surrendered.append((propose(asked, actor=self.made[JP].people[0], now=self.now), serials))
        for serial in serials:
            unit = self.units[serial]
            self.units[serial] = Worth(JP, "SUR", unit.version, unit.rate)

    @rule(place=st.integers(0, 3))
    def reverse_one(self, place: int) -> None:
        if not self.surrendered:
            return
        outcome, serials = self.surrendered.pop(place % len(self.surrendered))
        asked = reverse(outcome.transaction_id, reason="an error", actor=self.made[JP].officers[0], now=self.now)
        approve(asked.transaction_id, actor=self.made[JP].officers[1], now=self.now)
        for serial in serials:
            unit = self.units[serial]
            self.units[serial] = Worth(JP, "plant", unit.version, unit.rate)

    @invariant()
    def the_tables_say_what_the_model_says(self) -> None:
        if not hasattr(self, "units"):
            return
        rates = {row.pk: Fraction(row.rate_numerator, row.rate_denominator) for row in Recognition.objects.all()}
        blocks = UnitBlock.objects.filter(account__isnull=False, origin=self.made[BJ].home)
        found = {
            serial: (*self.names[holder], rates[counts])
            for start, end, holder, counts in blocks.values_list("start_no", "end_no", "account", "recognition")
            for serial in range(start, end)
        }
        assert found == {serial: (unit.city, unit.account, unit.rate) for serial, unit in self.units.items()}
        self.quotas_hold()
        self.margin_is_what_was_surrendered()
        assert isinstance(verify(), Verified), verify()

    def quotas_hold(self) -> None:
        reserved: Counter[str] = Counter()
        for one in self.waiting:
            reserved[one.becomes.city] += one.reserved
        rows = Quota.objects.filter(kind="entry").values_list("corridor__destination__code", "reserved", "used")
        for city, waits, used in rows:
            assert (waits, used) == (reserved[city], self.taken[city] - reserved[city]), city
            assert waits + used <= LIMIT[city]

    def margin_is_what_was_surrendered(self) -> None:
        """By rate the value is rounded down once, however it was split, and value and margin are all of it."""
        retired = Counter(unit.rate for unit in self.units.values() if unit.account == "SUR")
        booked = {
            Fraction(row.rate_numerator, row.rate_denominator): (row.quantity, row.value, row.margin)
            for row in Margin.objects.filter(quantity__gt=0)
        }
        assert booked == {
            rate: (quantity, floor(quantity * rate), quantity - floor(quantity * rate))
            for rate, quantity in retired.items()
        }


def _runs(serials: list[int]) -> list[tuple[int, int]]:
    """Serials as half-open runs."""
    runs: list[tuple[int, int]] = []
    for serial in sorted(serials):
        if runs and runs[-1][1] == serial:
            runs[-1] = (runs[-1][0], serial + 1)
        else:
            runs.append((serial, serial + 1))
    return runs


QUICK = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def test_the_link_is_the_model(django_db_setup, django_db_blocker: pytest.FixtureRequest):
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        run_state_machine_as_test(Links, settings=QUICK)


def test_a_unit_that_counts_more_than_it_should_is_noticed(django_db_setup, django_db_blocker, monkeypatch):
    """The negative control: in the model, what arrives counts one for one."""
    arrive = Links.arrive

    def generous(machine: Links, serials: list[int], becomes: Worth) -> None:
        arrive(machine, serials, Worth(becomes.city, becomes.account, becomes.version))

    monkeypatch.setattr(Links, "arrive", generous)
    with django_db_blocker.unblock(), pytest.raises(AssertionError):
        run_state_machine_as_test(Links, settings=QUICK)
