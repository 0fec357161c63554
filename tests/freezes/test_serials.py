"""Serials frozen wherever they are: they move nowhere, are promised to nobody, and are free again when two have said so."""

import pytest

from accounts.refusals import NotFound, Refusal
from audit.models import Entry
from registry.ledger import merge_neighbours
from registry.models import Holding, UnitBlock
from registry.operations.approve import approve
from registry.operations.execute import execute
from registry.operations.freeze import freeze_serials
from registry.operations.outcome import Refused
from registry.rules.serials import SerialBlock
from registry.rules.states import State
from tests.build import NOW, REGISTRY
from tests.freezes.people import Staffed, frozen_serials, runs, state_of


def codes(refused: pytest.ExceptionInfo[Refused]) -> set[int]:
    return {failure.code for failure in refused.value.failures}


def balances_now() -> list[tuple[object, ...]]:
    held = Holding.objects.filter(quantity__gt=0).order_by("account_id", "series_id")
    return list(held.values_list("account_id", "series_id", "quantity", "reserved"))


def test_frozen_serials_do_not_move_and_after_the_release_everything_is_as_before(staff: Staffed, owner):
    before, balances = runs(owner), balances_now()
    frozen = staff.freeze(651, 851)
    assert frozen_serials() == list(range(651, 851))
    assert balances_now() == balances
    with pytest.raises(Refused) as named:
        staff.registry.move("ann", "bob", 10, (700, 710))
    assert codes(named) == {4009}
    with pytest.raises(Refused) as selected:
        staff.registry.move("ann", "bob", 51)
    assert codes(selected) == {4010}
    assert staff.registry.move("ann", "cid", 50).quantity == 50
    staff.registry.move("cid", "ann", 50)
    staff.lift(frozen)
    assert runs(owner) == before
    assert balances_now() == balances
    assert staff.registry.move("ann", "bob", 10, (700, 710)).quantity == 10


def test_serials_are_frozen_from_the_very_first_one(staff: Staffed):
    staff.freeze(1, 11)
    assert frozen_serials() == list(range(1, 11))


def test_every_act_leaves_its_entry(staff: Staffed):
    frozen = staff.freeze(601, 611)
    staff.lift(frozen)
    entries = Entry.objects.filter(subject=f"freeze:{frozen.id}").order_by("id")
    assert [(entry.event, entry.actor) for entry in entries] == [
        ("freeze.set", staff.junior.name),
        ("freeze.release-requested", staff.junior.name),
        ("freeze.released", staff.senior.name),
    ]
    assert b'"serials":["CNBJ",601,611]' in bytes(entries[0].body)


def test_releasing_one_of_two_that_overlap_leaves_the_serials_of_the_other_frozen(staff: Staffed, owner):
    before = runs(owner)
    first, second, inner = staff.freeze(601, 701), staff.freeze(651, 751), staff.freeze(660, 670)
    staff.lift(first)
    assert frozen_serials() == list(range(651, 751))
    staff.lift(second)
    assert frozen_serials() == list(range(660, 670))
    staff.lift(inner)
    assert runs(owner) == before


def test_an_overlap_is_kept_also_where_its_edges_were_merged_away(staff: Staffed):
    """Under one mark, blocks merge across the edge of the other freeze."""
    first, _ = staff.freeze(601, 701), staff.freeze(651, 751)
    merge_neighbours(staff.registry.accounts["ann"].pk)
    assert not UnitBlock.objects.filter(start_no=651).exists()
    staff.lift(first)
    assert frozen_serials() == list(range(651, 751))


def test_what_waits_with_frozen_serials_is_terminated_when_due_and_they_stay_frozen_and_unreserved(staff: Staffed):
    waiting = staff.delayed((501, 521))
    assert waiting.state == State.DELAYED
    frozen = staff.freeze(511, 531)
    result = execute(waiting.transaction_id, actor=REGISTRY, now=waiting.due_at)
    assert state_of(waiting) == State.TERMINATED, result
    marked = UnitBlock.objects.filter(frozen_by=frozen.id)
    assert set(marked.values_list("account__name", flat=True)) == {"eve"}
    assert frozen_serials() == list(range(511, 531))
    assert not UnitBlock.objects.filter(held_for__isnull=False).exists()
    staff.lift(frozen)


def test_what_waits_for_approval_is_not_approved_with_frozen_serials_and_is_once_they_are_released(staff: Staffed):
    waiting = staff.waiting((501, 521))
    frozen = staff.freeze(511, 531)
    with pytest.raises(Refused) as refused:
        approve(waiting.transaction_id, actor=staff.registry.approver, now=NOW)
    assert codes(refused) == {4009}
    assert state_of(waiting) == State.AWAITING_APPROVAL
    staff.lift(frozen)
    assert approve(waiting.transaction_id, actor=staff.registry.approver, now=NOW).state == State.DELAYED


def test_surrendered_serials_are_frozen_and_released_where_they_lie(staff: Staffed, owner):
    staff.registry.move("ann", "plant", 30, (601, 631))
    obligation = staff.registry.obligation("plant").pk
    staff.registry.move("plant", "SUR", 20, (601, 621), type_code="10-2", obligation=obligation)
    before = runs(owner)
    frozen = staff.freeze(611, 626)
    assert frozen_serials() == list(range(611, 626))
    staff.lift(frozen)
    assert runs(owner) == before


@pytest.mark.parametrize("serials", [(991, 1_002), (1_001, 1_011), (5_000, 5_001), (10**15 - 2, 10**15)])
def test_serials_not_issued_yet_are_not_frozen(staff: Staffed, serials):
    with pytest.raises(Refusal) as refused:
        staff.freeze(*serials)
    assert (refused.value.code, refused.value.field) == ("freeze-of-serials-not-issued", "serial_block")
    assert frozen_serials() == []


@pytest.mark.parametrize("block", [("BEA", 2025), ("KAU", 2026)])
def test_a_block_of_another_name_than_its_units_have_freezes_nothing(staff: Staffed, block):
    with pytest.raises(Refusal, match="freeze-of-serials-not-issued"):
        freeze_serials(SerialBlock("CNBJ", block[0], block[1], 601, 611), **staff.usual())


def test_a_registry_that_is_not_hosted_has_no_serials_to_freeze(staff: Staffed):
    with pytest.raises(NotFound):
        freeze_serials(SerialBlock("KR11", "KAU", 2026, 1, 2), **staff.usual())
