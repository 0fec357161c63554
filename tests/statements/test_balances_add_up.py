"""Any history, any period: opening + in - out = closing, periods chain, and every line is where and what a plain list says."""

from collections import Counter
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import clock
from accounts.models import Account
from registry import queries
from registry.statements import Movement, every_movement_of, holdings_as_of, movements_of, totals_of
from registry.turnovers import Place
from tests.build import beijing
from tests.statements.conftest import HALF, History, hours, take_a_tally

# An act: how, how much, in how many ranges, proposed and then completed after so many hours (None: never), series, recognition.
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["in", "out", "itself"]),
        st.integers(1, 50),
        st.integers(1, 3),
        st.integers(0, 20),
        st.sampled_from([0, 0, 0, 1, 5, 72, None]),
        st.integers(0, 1),
        st.sampled_from([0, HALF]),
    ),
    max_size=15,
)
PERIODS = st.lists(st.integers(0, 100), min_size=3, max_size=3, unique=True).map(sorted)


def written(history: History, account: Account, acts) -> list[tuple[datetime, int, tuple[int, int], int]]:
    """Write a history, and return what completed of it: when, signed how much, of what, in the order it was written."""
    other = history.registry.accounts["ISS"]
    done = []
    for way, quantity, parts, proposed, waited, series, recognition in acts:
        at = None if waited is None else hours(proposed + waited)
        sides = {"in": (other, account), "out": (account, other), "itself": (account, account)}[way]
        history.move(
            *sides, quantity, at, proposed_at=hours(proposed), series=series, recognition=recognition, parts=parts
        )
        product = (history.series[series].pk, recognition)
        if at is None:
            continue
        for _ in range(parts):
            done += [(at, quantity, product, 1)] if way != "out" else []
            done += [(at, -quantity, product, 0)] if way != "in" else []
    return done


def in_pages(account: Account, start: datetime, end: datetime, size: int) -> list[Movement]:
    lines: list[Movement] = []
    place = Place(start)
    while page := movements_of(account, place, end, size):
        lines += page
        place = page[-1].place
    return lines


def test_opening_and_what_moved_make_closing_for_any_history_and_period(history):
    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(acts=ACTS, bounds=PERIODS, size=st.integers(1, 7), tallied=st.sampled_from([0, 20, 30, 50, 200]))
    def check(acts, bounds, size, tallied):
        # What is written below would outdate them, were the triggers awake.
        history.owner.execute("DELETE FROM registry_tally")
        account = history.account()
        done = written(history, account, acts)
        if tallied:
            assert take_a_tally(hours(tallied)) == "summed"
        instants = [hours(bound) for bound in bounds]
        found = [
            {(t.series.pk, t.recognition.pk): t for t in totals_of(account, *period)} for period in pairwise(instants)
        ]
        for (start, end), totals in zip(pairwise(instants), found, strict=True):
            lines = in_pages(account, start, end, size)
            assert lines == list(every_movement_of(account, start, end))
            assert [line.place for line in lines] == sorted(
                (line.place for line in lines), key=lambda p: (p.at, p.transaction_id, p.range_id, p.enters)
            )
            expected = [moved for moved in done if start <= moved[0] < end]
            assert Counter((line.place.at, line.entered - line.left) for line in lines) == Counter(
                (at, change) for at, change, _, _ in expected
            )
            for product in {moved[2] for moved in done}:
                own = [moved[1] for moved in expected if moved[2] == product]
                before = sum(moved[1] for moved in done if moved[2] == product and moved[0] < start)
                if product not in totals:
                    assert not own
                    assert before == 0
                    continue
                total = totals[product]
                assert total.opening == before
                assert total.entered == sum(change for change in own if change > 0)
                assert total.left == -sum(change for change in own if change < 0)
                assert total.opening + total.entered - total.left == total.closing == before + sum(own)
                last = [line for line in lines if (line.series.pk, line.recognition.pk) == product][-1:]
                assert [line.balance for line in last] in ([], [total.closing])
        first, second = found
        for product in first.keys() | second.keys():
            closing = first[product].closing if product in first else 0
            opening = second[product].opening if product in second else 0
            assert closing == opening

    check()


def test_what_completed_exactly_at_the_start_is_in_the_period_and_exactly_at_the_end_is_in_the_next(history):
    account, other = history.account(), history.registry.accounts["ISS"]
    history.move(other, account, 10, hours(1))
    history.move(other, account, 5, hours(2))
    (total,) = totals_of(account, hours(1), hours(2))
    assert (total.opening, total.entered, total.left, total.closing) == (0, 10, 0, 10)
    (total,) = totals_of(account, hours(2), hours(3))
    assert (total.opening, total.entered, total.left, total.closing) == (10, 5, 0, 15)


def test_what_completed_exactly_then_counts_in_the_balance_of_an_instant(history):
    account, other = history.account(), history.registry.accounts["ISS"]
    history.move(other, account, 10, hours(1))
    assert holdings_as_of(account, hours(0.999)) == []
    assert [held.quantity for held in holdings_as_of(account, hours(1))] == [10]


def test_a_delayed_transaction_counts_when_it_completed_and_a_waiting_one_never(history):
    account, other = history.account(), history.registry.accounts["ISS"]
    late = history.move(other, account, 10, hours(100), proposed_at=hours(1))
    prompt = history.move(other, account, 7, hours(50))
    history.move(other, account, 1_000, None, proposed_at=hours(2))
    assert [line.place.transaction_id for line in movements_of(account, Place(hours(0)), hours(200), 10)] == [
        prompt,
        late,
    ]
    assert [held.quantity for held in holdings_as_of(account, hours(99))] == [7]
    assert [held.quantity for held in holdings_as_of(account, hours(100))] == [17]


def test_a_range_from_an_account_to_itself_leaves_and_enters_and_changes_no_sum(history):
    account, other = history.account(), history.registry.accounts["ISS"]
    history.move(other, account, 10, hours(1))
    history.move(account, account, 4, hours(2))
    lines = movements_of(account, Place(hours(2)), hours(3), 10)
    assert [(line.left, line.entered, line.balance) for line in lines] == [(4, 0, 6), (0, 4, 10)]
    (total,) = totals_of(account, hours(2), hours(3))
    assert (total.opening, total.entered, total.left, total.closing) == (10, 4, 4, 10)
    assert [line.place for line in in_pages(account, hours(2), hours(3), 1)] == [line.place for line in lines]


@pytest.mark.django_db
def test_the_balance_of_now_is_what_is_held_now():
    registry = beijing("ann", "bob", operators=("plant",))
    registry.issue(1_000, 2025)
    registry.issue(500, 2026)
    registry.move("ISS", "ann", 1_200)
    registry.move("ann", "bob", 300)
    registry.move("ann", "plant", 900)
    registry.move("plant", "SUR", 250, type_code="10-2", obligation=registry.obligation("plant").pk)
    registry.move("bob", "CAN", 20, type_code="4-0", reason="for good")
    for account in registry.accounts.values():
        now = [(h.series_id, h.recognition_id, h.quantity) for h in queries.holdings_of(account)]
        then = [(h.series.pk, h.recognition.pk, h.quantity) for h in holdings_as_of(account, clock.now())]
        assert now == then
