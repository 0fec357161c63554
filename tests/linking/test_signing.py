"""Two administrators of each side sign what has one digest, and nobody for both; it holds from the last signature on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from accounts.models import User, UserRole
from accounts.refusals import Refusal
from accounts.rules.access import Actor, Role, role_name
from audit.models import Entry
from linking.models import Agreement, Instrument, Leave, Signature
from linking.operations.propose_instrument import propose_instrument
from linking.operations.sign_instrument import sign_instrument
from linking.operations.suspend_corridor import suspend_corridor
from linking.operations.withdraw_instrument import withdraw_instrument
from linking.rules.degrees import Degree
from linking.rules.documents import DegreeDocument, LeaveDocument, ResumeDocument
from linking.rules.terms import Direction, terms_from
from registry.operations.outcome import Refused
from tests.build import official
from tests.linking.cities import NOW, Pilot, pilot, terms
from tests.linking.standing_links import UNLIMITED, opened
from tests.linking.test_checks_of_links import BJ, DAY, HOUR, JP, KR

SENIOR = Role.SENIOR_REGISTRY_ADMINISTRATOR


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return pilot


@pytest.fixture
def cities(begun: Pilot) -> Pilot:
    begun.link(BJ, JP)
    begun.link(BJ, KR)
    return begun


def proposed(made: Pilot, now: datetime = NOW, **changes: object) -> Instrument:
    document = terms_from(terms(BJ, JP, now, **changes))
    return propose_instrument(made.link(BJ, JP), document, actor=made[JP].officers[0], now=now)


def sign(instrument: Instrument, actor: Actor, now: datetime = NOW) -> Instrument:
    return sign_instrument(instrument.pk, digest=instrument.digest, actor=actor, now=now)


def with_roles(name: str, *places: str) -> Actor:
    """A senior administrator of several cities, or everywhere ("*")."""
    actor = official(SENIOR, name, places[0])
    for place in places[1:]:
        home = None if place == "*" else UserRole.objects.filter(jurisdiction__code=place).first()
        UserRole.objects.create(
            user_id=actor.user_id, role=str(SENIOR), jurisdiction=None if home is None else home.jurisdiction
        )
    return Actor(actor.user_id, actor.name, frozenset(role_name(SENIOR, place) for place in places))


def test_the_fourth_signature_brings_terms_into_force_and_no_earlier_one(cities: Pilot):
    instrument = proposed(cities)
    signers = [cities[side].officers[place] for side, place in ((JP, 0), (BJ, 2), (JP, 1), (BJ, 1))]
    for place, actor in enumerate(signers, start=1):
        instrument = sign(instrument, actor)
        assert (instrument.concluded_at is not None) is (place == 4)
        assert Agreement.objects.exists() is (place == 4)
    agreement = Agreement.objects.get()
    assert (agreement.digest, agreement.version) == (instrument.digest, 1)
    assert instrument.digest == sha256(instrument.document.encode()).hexdigest()
    for side in (BJ, JP):
        told = Entry.objects.filter(registry=side, subject=f"instrument:{instrument.pk}").order_by("id")
        assert [row.event for row in told] == [
            "instrument.proposed", *["instrument.signed"] * 4, "instrument.concluded",
        ]  # fmt: skip
    assert not Entry.objects.filter(registry=KR, subject=f"instrument:{instrument.pk}").exists()


def refusal_of(act: Callable[[], object]) -> str:
    try:
        act()
    except Refusal as refusal:
        return refusal.code
    return "done"


def test_who_may_not_sign(cities: Pilot):
    """Each alone, and nothing is signed by any of them."""
    instrument = proposed(cities)
    junior, senior, second = cities[JP].officers
    another_junior = official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "another-junior", JP)
    sign(instrument, junior)
    attempts: dict[str, tuple[Callable[[], object], str]] = {
        "a third city's": (lambda: sign(instrument, cities[KR].officers[1]), "not-permitted"),
        "a representative": (lambda: sign(instrument, cities[JP].people[0]), "not-permitted"),
        "of both sides": (lambda: sign(instrument, with_roles("of-both", JP, BJ)), "not-permitted"),
        "of everywhere": (lambda: sign(instrument, with_roles("of-all", JP, "*")), "not-permitted"),
        "the registry itself": (lambda: sign(instrument, Actor(None, "registry")), "not-permitted"),
        "the same": (lambda: sign(instrument, junior), "signed-already"),
        "a junior second": (lambda: sign(instrument, another_junior), "second-signature-is-a-seniors"),
        "of another digest": (
            lambda: sign_instrument(instrument.pk, digest="0" * 64, actor=senior, now=NOW), "digest-is-another",
        ),
    }  # fmt: skip
    assert {name: refusal_of(act) for name, (act, _) in attempts.items()} == {
        name: expected for name, (_, expected) in attempts.items()
    }
    assert Signature.objects.count() == 1
    sign(instrument, senior)
    # A third of one side is one too many.
    assert refusal_of(lambda: sign(instrument, second)) == "instrument-is-not-open"


def test_who_has_signed_for_one_side_never_signs_for_the_other(cities: Pilot):
    """Also years later, for another instrument, with no role left where it was."""
    first = proposed(cities)
    turned = official(SENIOR, "turncoat", JP)
    sign(first, turned)
    UserRole.objects.filter(user_id=turned.user_id).delete()
    UserRole.objects.create(user_id=turned.user_id, role=str(SENIOR), jurisdiction=cities[BJ].home)
    now_there = Actor(turned.user_id, turned.name, frozenset({role_name(SENIOR, BJ)}))
    later = NOW + 700 * DAY
    second = proposed(cities, later)
    assert refusal_of(lambda: sign(second, now_there, later)) == "signed-for-the-other-side"
    # Of another link Beijing is a side of its own.
    third = propose_instrument(cities.link(BJ, KR), terms_from(terms(BJ, KR)), actor=cities[BJ].officers[0], now=later)
    assert refusal_of(lambda: sign(third, now_there, later)) == "done"


def test_who_proposes_withdraws_and_suspends_is_of_one_side(cities: Pilot):
    opened(cities, BJ, JP)
    leave = LeaveDocument(Direction(BJ, JP), 5, NOW, None)
    link, corridor = cities.link(BJ, JP), cities.corridor(BJ, JP).pk
    both, everywhere, third = with_roles("of-both", JP, BJ), with_roles("of-all", JP, "*"), cities[KR].officers[1]
    instrument = proposed(cities, version=2)
    for actor in (both, everywhere, third, cities[JP].people[0]):
        assert refusal_of(lambda actor=actor: propose_instrument(link, leave, actor=actor, now=NOW)) == "not-permitted"
        assert (
            refusal_of(lambda actor=actor: withdraw_instrument(instrument.pk, actor=actor, now=NOW)) == "not-permitted"
        )
        assert (
            refusal_of(lambda actor=actor: suspend_corridor(corridor, reason="x", actor=actor, now=NOW))
            == "not-permitted"
        )
    # The origin alone lets its units out.
    assert refusal_of(lambda: propose_instrument(link, leave, actor=cities[JP].officers[1], now=NOW)) == "not-permitted"
    assert (
        refusal_of(lambda: suspend_corridor(corridor, reason=" ", actor=cities[JP].officers[0], now=NOW))
        == "reason-missing"
    )


def test_what_was_taken_back_is_signed_by_nobody_and_what_is_concluded_is_not_taken_back(cities: Pilot):
    instrument = proposed(cities)
    sign(instrument, cities[JP].officers[0])
    withdraw_instrument(instrument.pk, actor=cities[BJ].officers[0], now=NOW)
    assert refusal_of(lambda: sign(instrument, cities[BJ].officers[1])) == "instrument-is-not-open"
    assert (
        refusal_of(lambda: withdraw_instrument(instrument.pk, actor=cities[BJ].officers[0], now=NOW))
        == "instrument-is-not-open"
    )
    again = cities.sign(proposed(cities), BJ, JP)
    assert (
        refusal_of(lambda: withdraw_instrument(again.pk, actor=cities[BJ].officers[0], now=NOW))
        == "instrument-is-not-open"
    )


def test_somebody_who_is_no_administrator_any_more_does_not_sign(cities: Pilot):
    """The actor still says so; PostgreSQL looks."""
    instrument = proposed(cities)
    User.objects.filter(pk=cities[JP].officers[0].user_id).update(is_active=False)
    with pytest.raises(Exception, match="administrator of the side"):
        sign(instrument, cities[JP].officers[0])
    assert not Signature.objects.exists()


def test_versions_are_counted_and_the_later_of_two_ripe_ones_is_refused(cities: Pilot):
    assert refusal_of(lambda: proposed(cities, version=2)) == "version-is-not-the-next"
    one, other = proposed(cities), proposed(cities, rate=(4, 5))
    cities.sign(one, BJ, JP)
    assert refusal_of(lambda: cities.sign(other, BJ, JP)) == "version-is-not-the-next"
    assert [row.terms["rate"]["numerator"] for row in Agreement.objects.all()] == [1]


@pytest.mark.parametrize(("days", "expected"), [(29, "terms-give-notice"), (30, "done")])
def test_new_terms_give_the_notice_of_those_they_replace(cities: Pilot, days: int, expected: str):
    cities.sign(proposed(cities, notice_days=30), BJ, JP)
    begins = NOW + timedelta(days=days)
    later = terms(BJ, JP, begins, version=2, notice_days=0)
    instrument = propose_instrument(cities.link(BJ, JP), terms_from(later), actor=cities[JP].officers[0], now=NOW)
    assert refusal_of(lambda: cities.sign(instrument, BJ, JP)) == expected
    if expected == "done":
        first, second = Agreement.objects.order_by("version")
        assert (first.superseded_at, second.effective_from, second.superseded_at) == (begins, begins, None)
        assert first.last_settlement_at == begins + 14 * DAY


def test_terms_signed_late_begin_when_they_are_signed(cities: Pilot):
    cities.sign(proposed(cities), BJ, JP, now=NOW + DAY)
    assert Agreement.objects.get().effective_from == NOW + DAY


def test_two_let_resume_what_one_suspended_and_only_the_side_that_did(cities: Pilot):
    link = opened(cities, BJ, JP)
    corridor = cities.corridor(BJ, JP)
    for side in (JP, BJ):
        suspend_corridor(corridor.pk, reason="a doubt", actor=cities[side].officers[0], now=NOW)
    assert (
        refusal_of(lambda: suspend_corridor(corridor.pk, reason="x", actor=cities[BJ].officers[2], now=NOW))
        == "corridor-is-suspended"
    )
    resume = ResumeDocument(Direction(BJ, JP), "no doubt any more")
    twice = [propose_instrument(link, resume, actor=cities[JP].officers[0], now=NOW) for _ in range(2)]
    assert refusal_of(lambda: sign(twice[0], cities[BJ].officers[1])) == "not-permitted"
    cities.sign(twice[0], JP, now=NOW + HOUR)
    # Beijing's own suspension stands.
    with pytest.raises(Refused) as refusal:
        cities.send((BJ, "ann"), (JP, "ann"), 1, now=NOW + HOUR)
    assert [(failure.code, failure.params["by"]) for failure in refusal.value.failures] == [(6011, BJ)]
    assert refusal_of(lambda: cities.sign(twice[1], JP, now=NOW + HOUR)) == "nothing-is-suspended"
    cities.conclude(link, resume, BJ, now=NOW + HOUR)
    assert cities.send((BJ, "ann"), (JP, "ann"), 1, now=NOW + HOUR).quantity == 1
    assert (
        refusal_of(lambda: propose_instrument(link, resume, actor=cities[BJ].officers[0], now=NOW))
        == "nothing-is-suspended"
    )


def test_a_leave_that_is_over_before_it_begins_is_not_given(cities: Pilot):
    link, way = cities.link(BJ, JP), Direction(BJ, JP)
    officer = cities[BJ].officers[0]
    over = LeaveDocument(way, None, NOW, NOW)
    assert refusal_of(lambda: propose_instrument(link, over, actor=officer, now=NOW)) == "leave-has-ended"
    a_day = propose_instrument(link, LeaveDocument(way, None, NOW, NOW + DAY), actor=officer, now=NOW)
    assert refusal_of(lambda: cities.sign(a_day, BJ, now=NOW + DAY)) == "leave-has-ended"
    assert not Leave.objects.exists()


def test_a_new_leave_ends_the_one_before(cities: Pilot):
    opened(cities, BJ, JP, leave=10)
    way = Direction(BJ, JP)
    cities.conclude(cities.link(BJ, JP), LeaveDocument(way, 4, NOW + DAY, NOW + 3 * DAY), BJ, now=NOW + HOUR)
    assert cities.send((BJ, "ann"), (JP, "ann"), 3, now=NOW + HOUR).quantity == 3
    for quantity, at, code in ((2, DAY, 6005), (1, 3 * DAY, 6015)):
        with pytest.raises(Refused) as refusal:
            cities.send((BJ, "ann"), (JP, "ann"), quantity, now=NOW + at)
        assert {failure.code for failure in refusal.value.failures} == {code}
    assert cities.send((BJ, "ann"), (JP, "ann"), 1, now=NOW + DAY).quantity == 1


def test_one_side_alone_lowers_at_once(cities: Pilot):
    link = opened(cities, BJ, JP, net_flow_limit=UNLIMITED)
    lowering = DegreeDocument(Degree.RESTRICTED, Degree.NONE, None, "a doubt")
    instrument = propose_instrument(link, lowering, actor=cities[BJ].officers[0], now=NOW)
    assert refusal_of(lambda: sign(instrument, cities[JP].officers[1])) == "not-permitted"
    cities.sign(instrument, BJ)
    link.refresh_from_db()
    assert link.degree == "none"
