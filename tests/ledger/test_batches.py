"""Many proposals in one commit: each is judged on what the earlier ones left."""

from random import Random

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.propose_batch import BatchRefused, propose_batch
from registry.rules.proposal import Proposal
from tests.build import NOW, Beijing


def batch(registry: Beijing, *orders: tuple, **more: bool) -> list[object]:
    proposals = [Proposal("10-50", (registry.line(*order),)) for order in orders]
    return [
        outcome.quantity if isinstance(outcome, Outcome) else [failure.code for failure in outcome.failures]
        for outcome in propose_batch(proposals, actor=registry.representative, now=NOW, **more)
    ]


def test_a_later_proposal_has_what_the_earlier_left(registry):
    assert batch(registry, ("ann", "bob", 150), ("ann", "cid", 60), ("ann", "cid", 50)) == [150, [4010], 50]


def test_what_is_refused_gives_back_what_it_had_taken(registry):
    assert batch(registry, ("ann", "ann", 150), ("ann", "cid", 200)) == [[4005], 200]


def test_units_received_in_a_batch_are_sent_on_in_it(registry):
    assert batch(registry, ("ann", "cid", 50), ("cid", "bob", 60), ("cid", "bob", 50)) == [50, [4010], 50]


def test_serials_named_twice_in_a_batch_move_once(registry):
    assert batch(
        registry, ("ann", "bob", 10, (601, 611)), ("ann", "cid", 10, (606, 616)), ("ann", "cid", 5, (611, 616))
    ) == [10, [4008], 5]


def test_serials_that_an_earlier_proposal_selected_are_not_named_in_the_same_batch(registry):
    assert batch(registry, ("ann", "bob", 10), ("ann", "cid", 10, (791, 801))) == [10, [4008]]
    assert batch(registry, ("bob", "cid", 10, (801, 811)), ("bob", "cid", 200), ("bob", "cid", 190)) == [
        10,
        200,
        [4010],
    ]


def test_all_or_nothing_leaves_everything_where_one_is_refused(registry):
    with pytest.raises(BatchRefused) as refused:
        batch(registry, ("ann", "bob", 150), ("ann", "cid", 60), all_or_nothing=True)
    assert list(refused.value.refusals) == [1]
    assert isinstance(refused.value.refusals[1], Refused)
    assert batch(registry, ("ann", "bob", 200), all_or_nothing=True) == [200]


def test_all_or_nothing_takes_back_what_was_written_before_the_refusal(registry):
    with pytest.raises(BatchRefused):
        batch(registry, ("ann", "bob", 10, (601, 611)), ("ann", "cid", 10, (606, 616)), all_or_nothing=True)
    assert batch(registry, ("ann", "bob", 10, (601, 611)), all_or_nothing=True) == [10]


def test_orders_for_any_vintage_and_for_one_of_them_share_what_there_is(registry):
    orders = [Proposal("10-50", (registry.line("ann", "bob", 100, vintage=vintage),)) for vintage in (None, 2026, None)]
    results = propose_batch(orders, actor=registry.representative, now=NOW)
    assert [isinstance(result, Outcome) for result in results] == [True, True, False]


@pytest.mark.parametrize(
    ("vintages", "statements"), [((2026, 2027), 2), ((2026, 2027, 2026), 2), ((2026, None), 2 + 2 * 2)]
)
def test_orders_of_different_vintages_are_judged_and_written_together(registry, vintages, statements):
    registry.issue(100, vintage=2027)
    registry.move("ISS", "ann", 100, (1001, 1101))
    orders = [Proposal("10-50", (registry.line("ann", "bob", 50, vintage=vintage),)) for vintage in vintages]
    with CaptureQueriesContext(connection) as captured:
        results = propose_batch(orders, actor=registry.representative, now=NOW)
    assert [isinstance(result, Outcome) for result in results] == [True] * len(vintages)
    assert (
        len([query for query in captured if "registry_" in query["sql"] or "SAVEPOINT" in query["sql"]]) == statements
    )


@pytest.mark.parametrize("seed", range(12))
def test_a_batch_ends_as_its_orders_would_one_after_another(registry, seed):
    random = Random(seed)
    orders = [
        (*random.sample(["ann", "bob", "cid"], 2), random.randint(40, 200), random.choice([None, 2026]))
        for _ in range(9)
    ]
    proposals = [
        Proposal("10-50", (registry.line(sender, acquirer, quantity, vintage=vintage),))
        for sender, acquirer, quantity, vintage in orders
    ]
    apart: list[object] = []
    with transaction.atomic():
        for proposal in proposals:
            try:
                apart.append(propose(proposal, actor=registry.representative, now=NOW).quantity)
            except Refused as refusal:
                apart.append([failure.code for failure in refusal.failures])
        transaction.set_rollback(True)
    assert len({type(result) for result in apart}) == 2, "some are refused, some are not"
    together = propose_batch(proposals, actor=registry.representative, now=NOW)
    assert [
        result.quantity if isinstance(result, Outcome) else [failure.code for failure in result.failures]
        for result in together
    ] == apart


@pytest.mark.parametrize("lines", [1, 20])
def test_a_settlement_costs_as_many_statements_however_many_trade(registry, lines):
    """Sellers to cid, then cid to buyers: two waves, whatever their lengths, between the reading of all and the end."""
    orders = [("ann", "cid", 5)] * lines + [("cid", "bob", 5)] * lines
    with CaptureQueriesContext(connection) as captured:
        assert batch(registry, *orders) == [5] * 2 * lines
    assert len([query for query in captured if "registry_" in query["sql"] or "SAVEPOINT" in query["sql"]]) == 2 + 2 * 2


@pytest.mark.parametrize("first", [(10, (781, 791)), (30,)])
def test_one_proposal_whose_lines_would_move_the_same_serials_is_refused(registry, first):
    lines = (registry.line("ann", "bob", *first), registry.line("ann", "cid", 20, vintage=2026))
    [refused] = propose_batch([Proposal("10-50", lines)], actor=registry.representative, now=NOW)
    assert isinstance(refused, Refused)
    assert [failure.code for failure in refused.failures] == [2005]
