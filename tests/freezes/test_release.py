"""One freezes, two release: who may, in which order, and what is said to whoever may not."""

from datetime import timedelta

import pytest

from accounts.refusals import NotFound, NotPermitted, Refusal
from audit.models import Entry
from registry.models import Freeze
from registry.operations.outcome import AnsweredBefore, AnswerKey, Refused
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.operations.withdraw_release_request import withdraw_release_request
from tests.build import NOW, REGISTRY
from tests.freezes.people import REVIEW, Staffed, frozen_serials


def code_of(refused: pytest.ExceptionInfo[Refusal]) -> str:
    return refused.value.code


def test_who_froze_may_ask_for_the_release_and_another_gives_it(staff: Staffed):
    frozen = staff.freeze(601, 611, actor=staff.senior)
    request_release(frozen.id, actor=staff.senior, now=NOW, reason="the owner was found")
    with pytest.raises(Refusal) as refused:
        release(frozen.id, actor=staff.senior, now=NOW)
    assert code_of(refused) == "freeze-released-by-its-requester"
    assert len(frozen_serials()) == 10
    released = release(frozen.id, actor=staff.second, now=NOW)
    assert frozen_serials() == []
    row = Freeze.objects.get(pk=frozen.id)
    assert (row.frozen_by_id, row.release_requested_by_id, row.released_by_id) == (
        staff.senior.user_id,
        staff.senior.user_id,
        staff.second.user_id,
    )
    assert (row.release_reason, released.is_active) == ("the owner was found", False)


def test_who_asked_takes_the_request_back_and_anybody_may_ask_again(staff: Staffed):
    frozen = staff.freeze(601, 611)
    request_release(frozen.id, actor=staff.junior, now=NOW, reason="found")
    for actor in (staff.senior, staff.second):
        with pytest.raises(Refusal) as refused:
            withdraw_release_request(frozen.id, actor=actor, now=NOW)
        assert code_of(refused) == "freeze-request-is-anothers"
    for actor in (staff.authority, staff.stranger, REGISTRY):
        with pytest.raises(NotPermitted):
            withdraw_release_request(frozen.id, actor=actor, now=NOW)
    later = NOW + timedelta(hours=1)
    left = withdraw_release_request(frozen.id, actor=staff.junior, now=later)
    assert (left.release_requested_by, left.release_reason, left.is_active) == (None, "", True)
    for act in (release, withdraw_release_request):
        with pytest.raises(Refusal) as nothing:
            act(frozen.id, actor=staff.senior, now=NOW)
        assert code_of(nothing) == "freeze-release-is-not-requested"
    # A clock that is a moment behind asks no earlier than the request was taken back.
    assert request_release(frozen.id, actor=staff.senior, now=NOW).release_requested_at == later
    assert not release(frozen.id, actor=staff.second, now=later).is_active
    with pytest.raises(Refusal) as late:
        withdraw_release_request(frozen.id, actor=staff.senior, now=later)
    assert code_of(late) == "freeze-is-released"
    events = Entry.objects.filter(subject=f"freeze:{frozen.id}").order_by("id").values_list("event", flat=True)
    asked = "freeze.release-requested"
    assert list(events) == ["freeze.set", asked, "freeze.release-withdrawn", asked, "freeze.released"]


def test_who_froze_may_release_what_another_asked_for(staff: Staffed):
    frozen = staff.freeze(601, 611, actor=staff.senior)
    request_release(frozen.id, actor=staff.junior, now=NOW)
    assert not release(frozen.id, actor=staff.senior, now=NOW).is_active


def test_a_release_is_asked_for_and_then_given_and_each_once(staff: Staffed):
    frozen = staff.freeze(601, 611)
    with pytest.raises(Refusal) as early:
        release(frozen.id, actor=staff.senior, now=NOW)
    assert code_of(early) == "freeze-release-is-not-requested"
    request_release(frozen.id, actor=staff.junior, now=NOW)
    with pytest.raises(Refusal) as twice:
        request_release(frozen.id, actor=staff.senior, now=NOW)
    assert code_of(twice) == "freeze-release-is-requested"
    release(frozen.id, actor=staff.senior, now=NOW)
    for act in (release, request_release):
        with pytest.raises(Refusal) as late:
            act(frozen.id, actor=staff.second, now=NOW)
        assert code_of(late) == "freeze-is-released"


@pytest.mark.parametrize(
    ("who", "freezes", "asks", "releases"),
    [
        ("junior", True, True, False),
        ("senior", True, True, True),
        ("authority", True, False, False),
        ("stranger", False, False, False),
        ("representative", False, False, False),
        ("registry", False, False, False),
    ],
)
def test_who_may_do_what(staff: Staffed, who, freezes, asks, releases):
    """A stranger is a senior administrator of another jurisdiction; the registry itself is no person."""
    actor = {"representative": staff.registry.representative, "registry": REGISTRY}.get(who) or getattr(staff, who)
    asked, unasked = staff.freeze(601, 611), staff.freeze(621, 631)
    request_release(asked.id, actor=staff.second, now=NOW)
    for permitted, act in (
        (freezes, lambda: staff.freeze(641, 651, actor=actor)),
        (freezes, lambda: staff.freeze_account("ann", actor=actor)),
        (freezes, lambda: staff.hold(staff.waiting((501, 521)), actor=actor)),
        (asks, lambda: request_release(unasked.id, actor=actor, now=NOW)),
        (releases, lambda: release(asked.id, actor=actor, now=NOW)),
    ):
        if permitted:
            act()
        else:
            before = Freeze.objects.count(), frozen_serials()
            with pytest.raises(NotPermitted):
                act()
            assert (Freeze.objects.count(), frozen_serials()) == before


def test_there_is_no_freeze_of_that_number(staff: Staffed):
    for act in (request_release, release):
        with pytest.raises(NotFound):
            act(4711, actor=staff.senior, now=NOW)


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"reason": " "}, "reason-missing", "reason"),
        ({"review_on": NOW.date() - timedelta(days=1)}, "freeze-review-is-past", "review_on"),
    ],
)
def test_a_freeze_says_why_and_when_it_is_looked_at_again(staff: Staffed, more, code, field):
    with pytest.raises(Refusal) as refused:
        staff.freeze(601, 611, **more)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert frozen_serials() == []


def test_today_is_the_jurisdictions_today(staff: Staffed):
    """At 17:00 UTC it is tomorrow in Beijing."""
    evening = NOW.replace(hour=17)
    with pytest.raises(Refusal):
        staff.freeze(601, 611, now=evening, review_on=evening.date())
    staff.freeze(601, 611, now=evening, review_on=evening.date() + timedelta(days=1))


def test_a_key_is_carried_out_once_and_answered_with_the_first_answer(staff: Staffed):
    key = AnswerKey("user:1", "k", "digest", lambda record: (201, f"freeze {record.id}"))
    frozen = staff.freeze(601, 611, key=key)
    with pytest.raises(AnsweredBefore) as before:
        staff.freeze(601, 611, key=key)
    assert before.value.answer.body == f"freeze {frozen.id}"
    with pytest.raises(Refused) as other:
        staff.freeze(621, 631, key=AnswerKey("user:1", "k", "another", key.print_answer))
    assert [failure.code for failure in other.value.failures] == [3004]
    assert Freeze.objects.count() == 1
    assert Entry.objects.filter(event="freeze.set").count() == 1


def test_a_refusal_leaves_its_key_to_be_used_again(staff: Staffed):
    key = AnswerKey("user:1", "k", "digest", lambda record: (200, f"{record.id}"))
    frozen = staff.freeze(601, 611)
    with pytest.raises(Refusal):
        release(frozen.id, actor=staff.senior, now=NOW, key=key)
    request_release(frozen.id, actor=staff.junior, now=NOW)
    assert not release(frozen.id, actor=staff.senior, now=NOW, key=key).is_active


def test_a_reference_and_the_review_are_kept(staff: Staffed):
    frozen = staff.freeze(601, 611, reference="Court 12/2026")
    row = Freeze.objects.get(pk=frozen.id)
    assert (row.reference, row.review_on, row.reason) == ("Court 12/2026", REVIEW, "suspected theft")
