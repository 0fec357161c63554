"""A freeze at the same moment as a transfer across the link: the units are stopped at home or held abroad, never neither."""

from collections.abc import Callable

import pytest

from accounts.refusals import Refusal
from registry.models import Freeze
from registry.operations.lapse_hold import lapse_hold
from registry.operations.outcome import Outcome, Refused
from registry.rules.freezes import FreezeRecord
from registry.verification import Verified, verify
from tests.ledger.test_races import at_once, codes
from tests.linking.cities import NOW, REGISTRY
from tests.linking.thefts import EXPIRY, Chase, chase

ORDER = "court order 12"


@pytest.fixture
def world() -> Callable[[], Chase]:
    return chase


@pytest.fixture
def theft(begun: Chase):
    yield begun
    assert isinstance(verify(), Verified), verify()


def unexpected(results: list[object]) -> list[object]:
    return [one for one in results if isinstance(one, Exception) and not isinstance(one, Refused | Refusal)]


@pytest.mark.parametrize("attempt", range(3))
def test_units_that_are_sent_abroad_while_they_are_frozen_are_stopped_on_one_side(theft: Chase, attempt):
    sends = [
        lambda first=first: theft.sent(first, first + 20, "ann" if first % 40 == 1 else "bob")
        for first in range(1, 141, 20)
    ]
    acts = [*sends, lambda: theft.freeze(1, 141, now=NOW)]
    results = at_once(*acts[attempt:], *acts[:attempt])
    assert unexpected(results) == []
    assert codes(results) <= {4009}
    sent = sum(one.quantity for one in results if isinstance(one, Outcome))
    held = theft.frozen("JP-13")
    assert len(held) == sent
    assert sorted(held + theft.frozen("CN-BJ")) == list(range(1, 141))


@pytest.mark.parametrize("attempt", range(3))
def test_units_that_go_home_or_pass_from_hand_to_hand_abroad_meanwhile_are_stopped_where_they_end(
    theft: Chase, attempt
):
    theft.sent(1, 141)
    home = [
        lambda first=first: theft.pilot.send(
            ("JP-13", "bob"), ("CN-BJ", "bob"), 20, (first, first + 20), issuer="CN-BJ", now=NOW
        )
        for first in range(1, 141, 20)
    ]
    acts = [*home, lambda: theft.freeze(1, 141, now=NOW)]
    results = at_once(*acts[attempt:], *acts[:attempt])
    assert unexpected(results) == []
    assert codes(results) <= {4009}
    assert sum(isinstance(one, FreezeRecord) for one in results) == 1
    assert sorted(theft.frozen("JP-13") + theft.frozen("CN-BJ")) == list(range(1, 141))


@pytest.mark.parametrize("attempt", range(2))
def test_what_enters_a_registry_while_it_is_frozen_there_is_frozen_when_it_arrives(theft: Chase, attempt):
    sends = [lambda first=first: theft.sent(first, first + 20) for first in range(1, 141, 20)]
    results = at_once(*sends[attempt * 3 :], lambda: theft.freeze(1, 141, by="JP-13", now=NOW), *sends[: attempt * 3])
    assert unexpected(results) == []
    assert codes(results) == set()
    assert theft.frozen("JP-13") == list(range(1, 141))


def test_of_eight_who_let_a_hold_lapse_one_does(theft: Chase):
    theft.sent(1, 101)
    theft.freeze(1, 101, now=NOW)
    (hold,) = theft.holds()
    results = at_once(*[lambda: lapse_hold(hold.pk, actor=REGISTRY, now=EXPIRY)] * 8)
    assert unexpected(results) == []
    assert sum(one is not None for one in results) == 1
    assert theft.frozen() == []


def test_a_hold_that_is_confirmed_while_it_lapses_is_one_of_the_two(theft: Chase):
    theft.sent(1, 101)
    theft.freeze(1, 101, now=NOW)
    (hold,) = theft.holds()
    results = at_once(lambda: theft.confirm(hold, now=EXPIRY), lambda: lapse_hold(hold.pk, actor=REGISTRY, now=EXPIRY))
    assert unexpected(results) == []
    is_confirmed = Freeze.objects.filter(jurisdiction__code="JP-13", notice_of=None).exists()
    assert theft.frozen() == (list(range(1, 101)) if is_confirmed else [])


def test_a_case_that_two_decide_at_once_is_decided_once(theft: Chase):
    theft.sent(1, 101)
    theft.freeze(1, 101)
    theft.confirm(theft.holds()[0])
    case = theft.case(theft.holds()[0], for_value=True, victim="ann", reference=ORDER)
    results = at_once(lambda: theft.decide(case), lambda: theft.decide(case, officer=2))
    assert unexpected(results) == []
    assert sum(isinstance(one, Outcome) for one in results) == 1
    assert theft.holder(1) == ("CN-BJ", "ann")
