"""A freeze in one city holds the same serials in the other, for as long as the terms say that they came by, and no longer."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError

from accounts.refusals import NotPermitted, Refusal
from audit.models import Entry
from linking.models import Notice, Quota
from linking.rules.degrees import Degree
from registry.models import Freeze
from registry.operations.freeze import freeze_serials
from registry.operations.lapse_hold import lapse_hold
from registry.operations.outcome import Refused
from registry.operations.run_due import run_due
from registry.rules.serials import SerialBlock
from registry.rules.states import State
from registry.verification import Verified, verify
from tests.linking.cities import NOW, REGISTRY
from tests.linking.surrenders import surrender
from tests.linking.thefts import EXPIRY, LATER, REVIEW_ON, Chase, chase


@pytest.fixture
def world() -> Callable[[], Chase]:
    return chase


@pytest.fixture
def theft(begun: Chase):
    yield begun
    assert isinstance(verify(), Verified), verify()


def without_holds() -> Chase:
    return chase(hold_days=0)


def refused_codes(act: Callable[[], object]) -> set[int]:
    with pytest.raises(Refused) as refused:
        act()
    return {failure.code for failure in refused.value.failures}


def test_serials_frozen_by_their_issuer_are_held_where_they_lie_abroad_and_frozen_at_home(theft: Chase):
    theft.sent(1, 101)
    frozen = theft.freeze(51, 201)
    assert theft.frozen("CN-BJ") == list(range(101, 201))
    assert theft.frozen("JP-13") == list(range(51, 101))
    (hold,) = theft.holds()
    assert (hold.notice_of_id, hold.first_no, hold.next_no, hold.expires_at) == (
        frozen.id,
        51,
        101,
        LATER + timedelta(days=30),
    )
    home, bob = ("CN-BJ", "bob"), ("JP-13", "bob")
    assert refused_codes(lambda: theft.pilot.send(bob, home, 10, (60, 70), issuer="CN-BJ")) == {4009}


def test_the_notice_says_what_is_held_on_what_basis_until_when_and_both_logs_tell_of_it(theft: Chase):
    theft.sent(1, 101)
    frozen = theft.freeze(51, 201)
    notice = Notice.objects.get()
    assert (notice.freeze_id, notice.from_side.code, notice.to_side.code) == (frozen.id, "CN-BJ", "JP-13")
    assert '"basis": "police file 7"' in notice.document
    assert "[51, 101, 1," in notice.document
    assert notice.given_by_id == theft.pilot["CN-BJ"].officers[0].user_id
    told = Entry.objects.filter(event="freeze.noticed").order_by("id")
    assert [row.registry for row in told] == ["CN-BJ", "JP-13"]
    assert all(b'"held":[["JP-13","CNBJ",51,101,' in bytes(row.body) for row in told)


@pytest.mark.parametrize("world", [without_holds])
def test_without_days_in_the_terms_nothing_is_held_abroad_and_what_comes_home_is_frozen_there(theft: Chase):
    theft.sent(1, 101)
    theft.freeze(1, 101)
    assert theft.holds() == []
    assert theft.frozen("JP-13") == []
    theft.pilot.send(("JP-13", "bob"), ("CN-BJ", "bob"), 40, (11, 51), issuer="CN-BJ", now=LATER)
    assert theft.frozen("CN-BJ") == list(range(11, 51))
    assert Notice.objects.count() == 0


def test_a_hold_ends_at_its_expiry_by_itself_and_not_a_moment_earlier(theft: Chase):
    theft.sent(1, 101)
    theft.freeze(1, 101, now=NOW)
    (hold,) = theft.holds()
    just_before = EXPIRY - timedelta(microseconds=1)
    assert lapse_hold(hold.pk, actor=REGISTRY, now=just_before) is None
    run_due(actor=REGISTRY, now=just_before)
    assert theft.frozen() == list(range(1, 101))
    done = run_due(actor=REGISTRY, now=EXPIRY)
    assert [(thing.at, thing.what) for thing in done if thing.what.startswith("hold")] == [(EXPIRY, f"hold {hold.pk}")]
    assert theft.frozen() == []
    hold.refresh_from_db()
    assert (hold.released_at, hold.released_by_id) == (EXPIRY, None)
    assert [row.registry for row in Entry.objects.filter(event="freeze.lapsed").order_by("id")] == ["JP-13", "CN-BJ"]
    assert run_due(actor=REGISTRY, now=EXPIRY) == []


def test_a_confirmed_hold_gives_its_place_to_a_freeze_that_does_not_expire_and_that_two_release(theft: Chase):
    theft.sent(1, 101)
    theft.freeze(1, 101)
    (hold,) = theft.holds()
    own = theft.confirm(hold)
    hold.refresh_from_db()
    assert (hold.confirmed_by_id, hold.released_at, hold.released_by_id) == (own.id, LATER, None)
    run_due(actor=REGISTRY, now=EXPIRY + timedelta(days=100))
    assert theft.frozen() == list(range(1, 101))
    theft.lift(own.id, "JP-13")
    assert theft.frozen() == []
    assert [row.registry for row in Entry.objects.filter(event="freeze.confirmed").order_by("id")] == ["JP-13", "CN-BJ"]


def test_two_of_the_city_that_holds_lift_a_hold_before_it_expires_and_nobody_of_the_other_can(theft: Chase):
    theft.sent(1, 101)
    theft.freeze(1, 101)
    (hold,) = theft.holds()
    with pytest.raises(NotPermitted):
        theft.lift(hold.pk, "CN-BJ")
    theft.lift(hold.pk, "JP-13")
    assert theft.frozen() == []
    with pytest.raises(Refusal, match="freeze-is-released"):
        theft.confirm(hold)


def test_a_hold_ends_with_the_freeze_that_it_is_for_and_a_confirmed_one_stays(theft: Chase):
    theft.sent(1, 101)
    theft.sent(101, 201, "ann")
    frozen = theft.freeze(1, 201)
    kept, ended = theft.holds()
    theft.confirm(kept)
    theft.lift(frozen.id, "CN-BJ")
    ended.refresh_from_db()
    assert (ended.released_at, ended.released_by_id, ended.confirmed_by_id) == (LATER, None, None)
    assert theft.frozen() == list(range(1, 101))
    assert {row.registry for row in Entry.objects.filter(event="freeze.released")} == {"CN-BJ", "JP-13"}


def test_a_city_freezes_foreign_units_that_lie_in_it_and_holds_those_that_went_home_from_it(theft: Chase):
    theft.sent(1, 101)
    theft.pilot.send(("JP-13", "bob"), ("CN-BJ", "bob"), 30, (21, 51), issuer="CN-BJ")
    theft.freeze(1, 101, by="JP-13")
    assert theft.frozen("JP-13") == [*range(1, 21), *range(51, 101)]
    assert theft.frozen("CN-BJ") == list(range(21, 51))
    (hold,) = theft.holds("CN-BJ")
    assert (hold.first_no, hold.next_no) == (21, 51)


def test_a_city_through_which_units_never_went_holds_nothing_of_them_elsewhere(theft: Chase):
    theft.sent(1, 101)
    theft.freeze(1, 201, by="KR-11")
    assert (theft.frozen("JP-13"), theft.frozen("CN-BJ"), Freeze.objects.filter(notice_of__isnull=False).count()) == (
        [],
        [],
        0,
    )


def test_units_surrendered_abroad_are_not_held(theft: Chase):
    theft.sent(1, 101, "plant")
    surrender(theft.pilot, "plant", 40, (1, 41))
    theft.freeze(1, 101)
    assert theft.frozen() == list(range(41, 101))


def test_an_administrator_of_another_city_freezes_nothing_here(theft: Chase):
    theft.sent(1, 101)
    with pytest.raises(NotPermitted):
        freeze_serials(
            SerialBlock("CNBJ", "BEA", 2026, 1, 101),
            reason="stolen",
            review_on=REVIEW_ON,
            actor=theft.pilot["CN-BJ"].officers[0],
            now=LATER,
            jurisdiction="JP-13",
        )


def seoul_too() -> Chase:
    """Without holds, and with Seoul, which recognises Beijing's units."""
    made = chase(hold_days=0)
    made.pilot.agree("CN-BJ", "KR-11", rate=(9, 10))
    made.pilot.agree("KR-11", "CN-BJ", net_flow_limit=1_000_000)
    made.pilot.raise_to(Degree.RECIPROCAL, "CN-BJ", "KR-11")
    return made


@pytest.mark.parametrize("world", [seoul_too])
def test_what_its_issuer_has_frozen_goes_no_further_by_its_leave_where_it_is_not_held(theft: Chase):
    theft.sent(1, 101)
    theft.freeze(1, 51)
    assert theft.frozen("JP-13") == []
    bob, ann = ("JP-13", "bob"), ("KR-11", "ann")
    assert refused_codes(lambda: theft.pilot.send(bob, ann, 10, (41, 51), issuer="CN-BJ", now=LATER)) == {6015}
    assert theft.pilot.send(bob, ann, 10, (51, 61), issuer="CN-BJ", now=LATER).quantity == 10


@pytest.mark.parametrize("world", [seoul_too])
def test_postgresql_alone_keeps_what_its_issuer_has_frozen_from_going_further(theft: Chase, monkeypatch):
    theft.sent(1, 101)
    theft.freeze(1, 51)
    monkeypatch.setattr("linking.facts._frozen_at_home", lambda *_: ())
    with pytest.raises(IntegrityError, match="the issuer has frozen units"):
        theft.pilot.send(("JP-13", "bob"), ("KR-11", "ann"), 10, (41, 51), issuer="CN-BJ", now=LATER)


def test_a_transfer_that_waits_when_its_units_are_frozen_does_not_happen_and_gives_its_quota_back(theft: Chase):
    waiting = theft.pilot.send(("CN-BJ", "ann"), ("JP-13", "far"), 50, (1, 51))
    assert waiting.state == State.AWAITING_APPROVAL
    delayed = theft.pilot.send(("CN-BJ", "ann"), ("JP-13", "far"), 50, (51, 101))
    delayed = theft.pilot.approve(delayed, "CN-BJ")
    assert (delayed.state, reserved()) == (State.DELAYED, 100)
    frozen = theft.freeze(1, 101, now=NOW)
    assert refused_codes(lambda: theft.pilot.approve(waiting, "CN-BJ")) == {4009}
    assert delayed.due_at is not None
    run_due(actor=REGISTRY, now=delayed.due_at)
    assert (theft.frozen("CN-BJ"), theft.frozen("JP-13"), reserved()) == (list(range(1, 101)), [], 50)
    theft.lift(frozen.id, "CN-BJ")
    assert theft.pilot.approve(waiting, "CN-BJ", now=LATER).state == State.DELAYED


def reserved() -> int:
    return Quota.objects.get(kind="entry", corridor__destination__code="JP-13").reserved
