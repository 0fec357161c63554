"""Holding limits follow by themselves: a new holder is never without one, and what else changed is found at the next look."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections

from accounts.models import DatedRule, Holder
from accounts.operations.change_account_status import change_account_status
from accounts.rules.statuses import AccountStatus
from audit.models import Entry
from registry.models import Allocation, AllocationTable, HoldingLimit
from registry.operations.outcome import Refused
from registry.operations.propose import propose
from registry.operations.run_due import run_due
from registry.operations.set_holding_limits import set_holding_limits
from registry.rules.limits import MalformedRule
from registry.rules.proposal import Proposal
from tests.build import NOW, REGISTRY, Beijing
from tests.limits.conftest import TODAY, held_by, holding_rule


def limits() -> dict[str, int]:
    return dict(HoldingLimit.objects.values_list("holder__name", "limit"))


def looked() -> list[str]:
    return [thing.what for thing in run_due(actor=REGISTRY, now=NOW)]


def test_a_new_holder_has_its_limit_from_the_first_moment(registry):
    holding_rule(registry, 400, 50)
    registry.open("new", holder="holder of new")
    registry.open("kiln", type_code="OHA", holder="holder of kiln")
    assert (limits()["holder of new"], limits()["holder of kiln"]) == (400, 50)
    with pytest.raises(Refused) as refused:
        propose(Proposal("10-50", (registry.line("ann", "kiln", 51),)), actor=registry.representative, now=NOW)
    assert [failure.code for failure in refused.value.failures] == [5011]
    assert looked() == []


def test_an_account_more_counts_with_the_others_and_an_operators_limit_begins_with_its_account(registry):
    holding_rule(registry, 400, 50)
    registry.open("anns", holder="holder of ann")
    assert (limits()["holder of ann"], held_by("ann")) == (400, (300, 0))
    registry.open("mill", type_code="OHA", holder="holder of ann")
    assert (limits()["holder of ann"], held_by("ann")) == (50, (300, 0))
    assert looked() == []


def test_without_a_rule_applied_and_for_administrative_accounts_there_are_no_limits(registry):
    registry.open("new", holder="holder of new")
    assert limits() == {}
    holding_rule(registry, 400)
    before = limits()
    registry.open("second", type_code="AUC")
    assert limits() == before


def test_rules_allocations_closed_accounts_and_years_are_followed_at_the_next_look(registry):
    DatedRule.objects.create(
        jurisdiction=registry.home, key="holding.limit", valid_from=TODAY, confidence="RM", source="test",
        value={"others": 400, "operators_above_allocation": 50},
    )  # fmt: skip
    assert looked() == ["holding limits of CN-BJ"]
    assert (limits()["holder of cid"], limits()["holder of plant"]) == (400, 50)
    table = AllocationTable.objects.create(
        jurisdiction=registry.home, name="t", sha256="0", loaded_by=registry.user, loaded_at=NOW
    )
    Allocation.objects.create(
        table=table, installation=registry.accounts["plant"].installation, unit_type=registry.unit_type, vintage=2026,
        quantity=30,
    )  # fmt: skip
    assert looked() == []
    table.state, table.approved_by, table.approved_at = "APPROVED", registry.second, NOW
    table.save(update_fields=["state", "approved_by", "approved_at"])
    assert looked() == ["holding limits of CN-BJ"]
    assert limits()["holder of plant"] == 80
    next_year = NOW + timedelta(days=300)
    assert len(run_due(actor=REGISTRY, now=next_year)) == 1
    assert limits()["holder of plant"] == 50
    for status in (AccountStatus.CLOSURE_PENDING, AccountStatus.CLOSED):
        change_account_status(identifier=registry["plant"], status=status, reason="closed", actor=REGISTRY, now=NOW)
    assert len(run_due(actor=REGISTRY, now=next_year)) == 1
    assert limits()["holder of plant"] == 400
    DatedRule.objects.filter(key="holding.limit").update(valid_to=next_year.date())
    assert len(run_due(actor=REGISTRY, now=next_year)) == 1
    assert limits() == {}
    assert run_due(actor=REGISTRY, now=next_year) == []
    assert Entry.objects.filter(event="holding-limit.set").count() == 5


def test_a_rule_that_nobody_understands_is_told_and_the_earlier_limits_bind(registry):
    holding_rule(registry, 400)
    DatedRule.objects.filter(key="holding.limit").update(valid_to=TODAY + timedelta(days=1))
    DatedRule.objects.create(
        jurisdiction=registry.home,
        key="holding.limit",
        valid_from=TODAY + timedelta(days=1),
        value="much",
        confidence="V",
        source="s",
    )
    with pytest.raises(MalformedRule):
        run_due(actor=REGISTRY, now=NOW + timedelta(days=2))
    registry.open("new", holder="holder of new")
    assert limits()["holder of new"] == 400


def test_accounts_that_open_while_the_limits_are_made_all_get_one(registry):
    holding_rule(registry, 400)

    def opened(place: int) -> None:
        try:
            Beijing.open(registry, f"new-{place}", holder=f"holder of new-{place}")
        finally:
            connections.close_all()

    def made() -> None:
        try:
            set_holding_limits(jurisdiction=registry.home, actor=REGISTRY, now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        jobs = [job for place in range(6) for job in (pool.submit(opened, place), pool.submit(made))]
        for job in jobs:
            job.result()
    holders = Holder.objects.filter(accounts__type__administrative=False).distinct().count()
    assert len(limits()) == holders >= 10
    assert looked() == []
