"""Beijing's units in Tokyo go on to Seoul as Seoul recognises Beijing, in one act; what counts differently is another product."""

from collections.abc import Callable, Iterator

import pytest

from audit.models import Entry
from linking.models import QuotaUse
from linking.rules.terms import terms_from
from registry import ledger, queries
from registry.models import Recognition, UnitBlock
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.withdraw import withdraw
from registry.rules.proposal import Line, Proposal
from registry.rules.states import State
from registry.verification import Verified, verify
from tests.linking.cities import NOW, Pilot, pilot, terms
from tests.linking.standing_links import UNLIMITED, opened, reasons, taken
from tests.linking.test_checks_of_links import BJ, HOUR, JP, KR, entry, recognition_in


def three_linked() -> Pilot:
    """Beijing's units at 4/5 in Tokyo, at 2/3 in Seoul; Tokyo's at 1/2 in Seoul. A hundred of Beijing's are in Tokyo."""
    made = pilot()
    opened(made, BJ, JP, rate=(4, 5), holder_limit=500, notice_days=0, **entry(100))
    opened(made, JP, KR, rate=(1, 2))
    made.send((BJ, "ann"), (JP, "ann"), 100)
    return made


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return three_linked


@pytest.fixture
def cities(begun: Pilot) -> Iterator[Pilot]:
    yield begun
    assert isinstance(verify(), Verified), verify()


def onward(made: Pilot, quantity: int, acquirer: str = "ann") -> Outcome:
    counts = recognition_in(made, JP, "ann")
    return made.send((JP, "ann"), (KR, acquirer), quantity, issuer=BJ, recognition=counts)


def rates(made: Pilot, city: str, name: str = "ann", issuer: str = BJ) -> list[tuple[int, int, int]]:
    """Numerator, denominator and units of what an account holds of an issuer's."""
    rows = queries.holdings_of(made[city].accounts[name])
    return [
        (row.recognition.rate_numerator, row.recognition.rate_denominator, row.quantity)
        for row in rows
        if row.series.origin == made[issuer].home
    ]


def test_without_seouls_recognition_of_beijing_they_stay_whatever_it_thinks_of_tokyo(cities: Pilot):
    with pytest.raises(Refused) as refusal:
        onward(cities, 10)
    assert set(reasons(refusal.value)) == {6001, 6010}
    assert rates(cities, JP) == [(4, 5, 100)]


def test_they_go_on_at_seouls_rate_for_beijing_and_tokyos_quota_is_given_back(cities: Pilot):
    opened(cities, BJ, KR, rate=(2, 3), leave=60, **entry(60))
    done = onward(cities, 60)
    assert done.state == State.COMPLETED
    # Not 4/5 of 2/3, and not by Tokyo's rate: recognition is by issuer, never along a path.
    assert rates(cities, KR) == [(2, 3, 60)]
    assert rates(cities, JP) == [(4, 5, 40)]
    for kind, left in (("entry", 40), ("leave", 40), ("net-flow", 40), ("holder", 40)):
        assert taken(kind, BJ, JP) == [(0, left)]
    for kind in ("entry", "leave", "net-flow"):
        assert taken(kind, BJ, KR) == [(0, 60)]
    assert taken("entry", JP, KR) == taken("net-flow", JP, KR) == []
    # One act: one transaction takes from one corridor and gives back to the other.
    ways = QuotaUse.objects.filter(transaction=done.transaction_id).values_list(
        "quota__corridor__destination__code", "way"
    )
    assert set(ways) == {(KR, "take"), (JP, "back")}
    told = (
        Entry.objects.filter(subject=str(done.transaction_id)).order_by("registry").values_list("registry", flat=True)
    )
    assert set(told) == {BJ, JP, KR}
    # The room in Tokyo is there again.
    assert cities.send((BJ, "ann"), (JP, "ann"), 60).state == State.COMPLETED


def test_beijings_leave_for_seoul_is_asked_and_not_that_for_tokyo(cities: Pilot):
    opened(cities, BJ, KR, rate=(2, 3), leave=59)
    with pytest.raises(Refused) as refusal:
        onward(cities, 60)
    assert reasons(refusal.value)[6005]["quota"] == "leave"
    assert onward(cities, 59).state == State.COMPLETED


def test_what_waits_to_go_on_gives_tokyos_quota_back_only_once_it_has_gone(cities: Pilot):
    opened(cities, BJ, KR, rate=(2, 3), **entry(60))
    waiting = onward(cities, 60, "far")
    assert waiting.state == State.AWAITING_APPROVAL
    assert (taken("entry", BJ, JP), taken("entry", BJ, KR)) == ([(0, 100)], [(60, 0)])
    withdraw(waiting.transaction_id, actor=cities[JP].people[0], now=NOW)
    assert (taken("entry", BJ, JP), taken("entry", BJ, KR)) == ([(0, 100)], [])


def test_from_seoul_they_go_home_or_back_to_tokyo_as_they_left(cities: Pilot):
    opened(cities, BJ, KR, rate=(2, 3))
    onward(cities, 60)
    there = recognition_in(cities, KR, "ann")
    back = cities.send((KR, "ann"), (JP, "ann"), 20, issuer=BJ, recognition=there)
    home = cities.send((KR, "ann"), (BJ, "bob"), 40, issuer=BJ, recognition=there)
    assert (back.state, home.state) == (State.COMPLETED, State.COMPLETED)
    assert rates(cities, JP) == [(4, 5, 60)]
    assert rates(cities, BJ, "bob") == [(1, 1, 40)]
    assert taken("entry", BJ, KR) == []
    assert taken("entry", BJ, JP) == [(0, 60)]
    assert set(UnitBlock.objects.filter(account=cities[BJ].accounts["bob"]).values_list("recognition", flat=True)) == {
        0
    }


def two_products(made: Pilot) -> tuple[int, int]:
    """Beijing's units in Tokyo by two versions of its terms: at 4/5 a hundred, at 3/4 fifty."""
    first = recognition_in(made, JP, "ann")
    changed = terms(BJ, JP, NOW + HOUR, version=2, rate=(3, 4), net_flow_limit=UNLIMITED)
    made.conclude(made.link(BJ, JP), terms_from(changed), JP, BJ, now=NOW + HOUR)
    made.send((BJ, "ann"), (JP, "ann"), 50, now=NOW + 2 * HOUR)
    second = Recognition.objects.exclude(pk__in=[0, first]).filter(rate_numerator=3).values_list("pk", flat=True).get()
    return first, second


def within_tokyo(made: Pilot, quantity: int, recognition: int | None, vintage: int | None = None) -> Outcome:
    line = Line(made[JP]["ann"], made[JP]["bob"], quantity, "CNBJ", "BEA", vintage, recognition)
    return propose(Proposal("10-50", (line,)), actor=made[JP].people[0], now=NOW + 2 * HOUR)


def test_a_change_of_the_rate_never_revalues_what_is_held(cities: Pilot):
    two_products(cities)
    assert sorted(rates(cities, JP)) == [(3, 4, 50), (4, 5, 100)]


def test_units_of_two_recognitions_are_two_products(cities: Pilot):
    """An order names which; none is taken for the other, and none for units that are at home."""
    first, second = two_products(cities)
    for recognition, most in ((first, 100), (second, 50), (None, 0), (0, 0)):
        with pytest.raises(Refused) as refusal:
            within_tokyo(cities, most + 1, recognition)
        assert {failure.code for failure in refusal.value.failures} == {4010}
    within_tokyo(cities, 30, second)
    assert rates(cities, JP, "bob") == [(3, 4, 30)]
    within_tokyo(cities, 100, first)
    assert sorted(rates(cities, JP, "bob")) == [(3, 4, 30), (4, 5, 100)]
    assert rates(cities, JP) == [(3, 4, 20)]


def test_blocks_of_two_recognitions_do_not_merge_and_go_home_as_one(cities: Pilot):
    first, second = two_products(cities)
    account = cities[JP].accounts["ann"]
    ledger.merge_neighbours(account.pk)
    assert UnitBlock.objects.filter(account=account, origin=cities[BJ].home).count() == 2
    for recognition, quantity in ((first, 100), (second, 50)):
        cities.send((JP, "ann"), (BJ, "bob"), quantity, issuer=BJ, recognition=recognition, now=NOW + 2 * HOUR)
    bob = cities[BJ].accounts["bob"]
    ledger.merge_neighbours(bob.pk)
    blocks = UnitBlock.objects.filter(account=bob).values_list("start_no", "end_no", "recognition")
    assert list(blocks) == [(851, 1001, 0)]
