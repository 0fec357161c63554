"""What a holder may hold: pending receipts count, what the registry delivers is never refused, what stays is no receipt."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import DatedRule
from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
from accounts.refusals import NotPermitted
from accounts.rules.access import Role
from accounts.texts import text
from audit.models import Entry
from registry.models import Allocation, AllocationTable, HoldingLimit
from registry.operations.approve import approve
from registry.operations.execute import execute, expire
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.propose_batch import propose_batch
from registry.operations.refuse import refuse
from registry.operations.set_holding_limits import set_holding_limits
from registry.operations.withdraw import withdraw
from registry.rules.limits import MalformedRule, holding_rule_of
from registry.rules.proposal import Proposal
from registry.verification import Difference, verify
from tests.build import NOW, REGISTRY, Beijing, official
from tests.limits.conftest import held_by, holding_rule, limit


def send(made: Beijing, quantity: int, sender: str = "ann", to: str = "cid") -> Outcome:
    return propose(Proposal("10-50", (made.line(sender, to, quantity),)), actor=made.representative, now=NOW)


def is_refused(act: Callable[[], object]) -> None:
    with pytest.raises(Refused) as told:
        act()
    assert {failure.code for failure in told.value.failures} == {5011}


def test_every_private_holder_has_a_limit_and_what_it_holds_is_counted(registry):
    assert holding_rule(registry, 400) == 4
    assert {name: held_by(name) for name in ("ann", "bob", "cid", "plant")} == {
        "ann": (300, 0),
        "bob": (300, 0),
        "cid": (0, 0),
        "plant": (0, 0),
    }
    assert Entry.objects.filter(event="holding-limit.set").count() == 1


def test_what_waits_to_come_counts_and_becomes_held(registry):
    holding_rule(registry, 400)
    outcome = send(registry, 300)
    assert held_by("cid") == (0, 300)
    is_refused(lambda: send(registry, 101, "bob"))
    delayed = approve(outcome.transaction_id, actor=registry.approver, now=NOW)
    assert delayed.due_at is not None
    execute(outcome.transaction_id, actor=REGISTRY, now=delayed.due_at)
    assert (held_by("ann"), held_by("cid")) == ((0, 0), (300, 0))
    send(registry, 100, "bob")
    is_refused(lambda: send(registry, 1, "bob"))


def test_what_ends_without_effect_is_pending_no_more(registry):
    holding_rule(registry, 300)
    ends = (
        lambda one: refuse(one, actor=registry.approver, now=NOW, reason="no"),
        lambda one: withdraw(one, actor=registry.representative, now=NOW, reason="no"),
        lambda one: expire(one, actor=REGISTRY, now=NOW + timedelta(days=30)),
    )
    for end in ends:
        outcome = send(registry, 300)
        assert held_by("cid") == (0, 300)
        assert end(outcome.transaction_id) is not None
        assert held_by("cid") == (0, 0)


def test_what_the_registry_delivers_counts_and_is_never_refused(registry):
    holding_rule(registry, 100)
    registry.move("ISS", "cid", 250)
    assert held_by("cid") == (250, 0)
    is_refused(lambda: send(registry, 1))


def test_what_stays_with_its_holder_is_no_receipt(registry):
    registry.open("cid-two", holder="holder of cid")
    holding_rule(registry, 100)
    registry.move("ISS", "cid", 100)
    send(registry, 60, "cid", "cid-two")
    assert held_by("cid") == (100, 0)
    send(registry, 40, "cid", "cid-two")


def test_retired_units_are_not_held(registry):
    holding_rule(registry, 300)
    proposed = propose(
        Proposal("4-0", (registry.line("ann", "CAN", 100),), reason="for ever"), actor=registry.representative, now=NOW
    )
    assert held_by("ann") == (300, 0)
    approve(proposed.transaction_id, actor=registry.approver, now=NOW)
    assert held_by("ann") == (200, 0)


def test_a_limit_may_be_lowered_below_what_is_held_and_then_only_growth_is_refused(registry):
    holding_rule(registry, 400)
    waiting = send(registry, 50)
    _replace_rule(registry, {"others": 10, "operators_above_allocation": 10})
    assert held_by("ann") == (300, 0)
    is_refused(lambda: send(registry, 1, "bob", "ann"))
    send(registry, 10, "ann", "plant")
    # It is judged again as it counts, and no longer fits.
    is_refused(lambda: approve(waiting.transaction_id, actor=registry.approver, now=NOW))


def _replace_rule(made: Beijing, value: dict[str, int]) -> None:
    tomorrow = NOW + timedelta(days=1)
    DatedRule.objects.filter(key="holding.limit").update(valid_to=tomorrow.date())
    DatedRule.objects.create(
        jurisdiction=made.home,
        key="holding.limit",
        valid_from=tomorrow.date(),
        value=value,
        confidence="RM",
        source="test",
    )
    set_holding_limits(jurisdiction=made.home, actor=REGISTRY, now=tomorrow)


def test_an_operator_may_hold_its_allocation_and_more(registry):
    table = AllocationTable.objects.create(
        jurisdiction=registry.home, name="table", sha256="0" * 64, loaded_by=registry.user, loaded_at=NOW
    )
    for vintage, quantity in ((2026, 120), (2025, 7)):
        Allocation.objects.create(
            table=table,
            installation=registry.accounts["plant"].installation,
            unit_type=registry.unit_type,
            vintage=vintage,
            quantity=quantity,
        )
    holding_rule(registry, 300, 50)
    assert _limit_of("plant") == 50
    AllocationTable.objects.filter(pk=table.pk).update(state="APPROVED", approved_by=registry.second, approved_at=NOW)
    set_holding_limits(jurisdiction=registry.home, actor=REGISTRY, now=NOW)
    assert (_limit_of("plant"), _limit_of("ann")) == (170, 300)


def _limit_of(name: str) -> int:
    return HoldingLimit.objects.get(holder__name=f"holder of {name}").limit


def test_where_no_rule_is_in_force_there_are_no_limits(registry):
    holding_rule(registry, 400)
    DatedRule.objects.filter(key="holding.limit").update(valid_to=NOW.date() + timedelta(days=1))
    assert set_holding_limits(jurisdiction=registry.home, actor=REGISTRY, now=NOW + timedelta(days=1)) == 0
    assert not HoldingLimit.objects.exists()
    send(registry, 300)


def test_a_batch_counts_what_comes_before_it(registry):
    holding_rule(registry, 300)
    orders = [
        Proposal("10-50", (registry.line(sender, "cid", quantity),))
        for sender, quantity in (("ann", 200), ("bob", 101), ("bob", 100), ("ann", 1))
    ]
    results = propose_batch(orders, actor=registry.representative, now=NOW)
    assert [type(result).__name__ for result in results] == ["Outcome", "Refused", "Outcome", "Refused"]
    assert held_by("cid") == (0, 300)


def test_the_lines_of_one_transaction_count_together(registry):
    holding_rule(registry, 300)
    lines = (registry.line("ann", "cid", 200), registry.line("bob", "cid", 101))
    is_refused(lambda: propose(Proposal("10-50", lines), actor=registry.representative, now=NOW))


def test_a_refusal_says_nothing_of_what_the_other_side_holds(registry):
    holding_rule(registry, 250)
    registry.move("ISS", "cid", 123)
    with pytest.raises(Refused) as told:
        send(registry, 200)
    assert dict(told.value.failures[0].params) == {"account": registry["cid"], "quantity": 200}


def test_a_senior_administrator_sets_them_and_nobody_else(registry):
    holding_rule(registry, 400)
    with pytest.raises(NotPermitted):
        set_holding_limits(
            jurisdiction=registry.home, actor=official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior"), now=NOW
        )
    senior = official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior")
    assert set_holding_limits(jurisdiction=registry.home, actor=senior, now=NOW) == 4


@pytest.mark.parametrize("value", [None, {}, {"others": 1}, {"others": 1, "operators_above_allocation": -1}, [1, 2]])
def test_a_rule_that_says_something_else_is_told(value):
    with pytest.raises(MalformedRule):
        holding_rule_of(value)


def test_the_seed_holds_beijings_rule_as_recalled_and_nobody_elses(db):
    set_up_jurisdictions(actor=REGISTRY, now=NOW)
    found = DatedRule.objects.filter(key="holding.limit").values_list("jurisdiction__code", "confidence")
    assert list(found) == [("CN-BJ", "RM")]
    assert holding_rule_of(DatedRule.objects.get(key="holding.limit").value).others == 1_000_000


COUNTED = {
    ("daily-use", "used"): ("dailyuse", "daily_use_follows_ranges"),
    ("holding-limit", "held"): ("holdinglimit", "holding_limits_follow_the_ledger"),
    ("holding-limit", "pending"): ("holdinglimit", "holding_limits_follow_the_ledger"),
}


@pytest.mark.parametrize("counted", COUNTED)
def test_verification_finds_what_is_counted_wrongly(registry, owner, counted):
    equation, column = counted
    table, guard = COUNTED[counted]
    limit(registry, "ann", per_day=100)
    holding_rule(registry, 400)
    send(registry, 20)
    for change, name in ((1, equation), (-1, None)):
        with owner.transaction():
            owner.execute(f"ALTER TABLE registry_{table} DISABLE TRIGGER {guard}")
            owner.execute(f"UPDATE registry_{table} SET {column} = {column} + {change}")
            owner.execute(f"ALTER TABLE registry_{table} ENABLE TRIGGER {guard}")
        found = verify()
        if name is not None:
            assert isinstance(found, Difference)
            assert found.name == name
            assert "{" not in text(f"ledger.{name}", **found.params)
