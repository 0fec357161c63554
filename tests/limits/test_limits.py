"""What may leave an account per transaction and per day: three levels, days of the account's own calendar, given back."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Role
from audit.models import Entry
from registry.models import DailyUse, Limit
from registry.operations.approve import approve
from registry.operations.execute import execute, expire
from registry.operations.explain import explain
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.propose_batch import propose_batch
from registry.operations.refuse import refuse
from registry.operations.set_limit import set_limit
from registry.operations.withdraw import withdraw
from registry.rules.proposal import Proposal
from tests.build import NOW, REGISTRY, Beijing, beijing, official
from tests.limits.conftest import TODAY, limit

TOMORROW = TODAY + timedelta(days=1)


def send(made: Beijing, quantity: int, sender: str = "ann", to: str = "bob", at: datetime = NOW) -> Outcome:
    return propose(Proposal("10-50", (made.line(sender, to, quantity),)), actor=made.representative, now=at)


def refusal_of(act: Callable[[], object]) -> list[dict[str, object]]:
    with pytest.raises(Refused) as told:
        act()
    assert {failure.code for failure in told.value.failures} == {4014}
    return [dict(failure.params) for failure in told.value.failures]


def used(made: Beijing, name: str = "ann", day: date = TODAY) -> int | None:
    found = DailyUse.objects.filter(account=made.accounts[name], day=day).first()
    return None if found is None else found.used


def test_nothing_is_counted_where_nothing_limits(registry):
    send(registry, 50)
    assert used(registry) is None


def test_each_bound_that_is_broken_is_told_with_what_is_left(registry):
    limit(registry, per_transaction=90, per_day=100)
    limit(registry, "ann", per_transaction=60, per_day=80)
    send(registry, 30)
    told = refusal_of(lambda: send(registry, 95))
    assert [(row["level"], row["per"], row["limit"], row["used"], row["left"]) for row in told] == [
        ("account", "transaction", 60, 0, 60),
        ("account", "day", 80, 30, 50),
        ("jurisdiction", "transaction", 90, 0, 90),
        ("jurisdiction", "day", 100, 30, 70),
    ]
    send(registry, 50)
    assert used(registry) == 80


def test_the_systems_limit_binds_everywhere(registry):
    set_limit(per_transaction=None, per_day=20, valid_from=TODAY, source="test", actor=REGISTRY, now=NOW)
    send(registry, 20, "bob", "ann")
    assert [row["level"] for row in refusal_of(lambda: send(registry, 21))] == ["system"]


def test_the_registry_itself_and_administrative_accounts_are_not_limited(registry):
    limit(registry, per_transaction=1, per_day=1)
    registry.move("ISS", "cid", 100)
    propose(Proposal("10-50", (registry.line("ISS", "ALL", 50),)), actor=REGISTRY, now=NOW)
    assert not DailyUse.objects.exists()


def test_what_does_not_count_is_not_counted(registry):
    limit(registry, per_day=10)
    registry.move("ann", "CAN", 50, type_code="4-0", reason="for ever")
    assert used(registry) is None


def test_a_limit_from_today_counts_what_left_today_before_it(registry):
    send(registry, 30)
    limit(registry, "ann", per_day=50)
    assert [row["used"] for row in refusal_of(lambda: send(registry, 21))] == [30]
    send(registry, 20)
    assert used(registry) == 50


def test_what_was_refused_withdrawn_or_expired_is_given_back(registry):
    limit(registry, "ann", per_day=100)
    ends = {
        "refused": lambda one: refuse(one, actor=registry.approver, now=NOW, reason="no"),
        "withdrawn": lambda one: withdraw(one, actor=registry.representative, now=NOW, reason="no"),
        "expired": lambda one: expire(one, actor=REGISTRY, now=NOW + timedelta(days=30)),
    }
    for end in ends.values():
        outcome = send(registry, 100)
        assert used(registry) == 100
        refusal_of(lambda: send(registry, 1))
        assert end(outcome.transaction_id) is not None
        assert used(registry) == 0


def test_what_waits_counts_once_through_approval_and_execution(registry):
    limit(registry, "ann", per_day=100)
    outcome = send(registry, 100)
    delayed = approve(outcome.transaction_id, actor=registry.approver, now=NOW + timedelta(days=1))
    assert delayed.due_at is not None
    done = execute(outcome.transaction_id, actor=REGISTRY, now=delayed.due_at)
    assert done is not None
    assert done.state == "COMPLETED"
    assert (used(registry), used(registry, day=TOMORROW)) == (100, None)


def test_a_limit_that_another_day_lowers_leaves_what_waits(registry):
    limit(registry, "ann", per_day=100)
    limit(registry, "ann", per_day=10, day=TOMORROW)
    outcome = send(registry, 100)
    tomorrow = NOW + timedelta(days=1)
    assert approve(outcome.transaction_id, actor=registry.approver, now=tomorrow).state == "DELAYED"
    refusal_of(lambda: send(registry, 11, at=tomorrow))
    send(registry, 10, at=tomorrow)
    assert (used(registry), used(registry, day=TOMORROW)) == (100, 10)


def test_a_jurisdictions_limit_lowered_today_stops_the_approval_of_what_exceeds_it(registry):
    limit(registry, "ann", per_day=100)
    outcome = send(registry, 100)
    limit(registry, per_day=50)
    told = refusal_of(lambda: approve(outcome.transaction_id, actor=registry.approver, now=NOW))
    assert [(row["level"], row["used"], row["left"]) for row in told] == [("jurisdiction", 100, 0)]
    withdraw(outcome.transaction_id, actor=registry.representative, now=NOW)
    assert used(registry) == 0


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("CN-BJ", datetime(2026, 6, 1, 15, 59, 59, tzinfo=UTC), datetime(2026, 6, 1, 16, tzinfo=UTC)),
        ("JP-13", datetime(2026, 6, 1, 14, 59, 59, tzinfo=UTC), datetime(2026, 6, 1, 15, tzinfo=UTC)),
        ("KR-11", datetime(2026, 6, 1, 14, 59, 59, tzinfo=UTC), datetime(2026, 6, 1, 15, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_midnight_where_the_account_is(registry, code, before, after):
    """The zone is the account's jurisdiction's: the same accounts, as if Beijing kept another's time."""
    zones = {"CN-BJ": "Asia/Shanghai", "JP-13": "Asia/Tokyo", "KR-11": "Asia/Seoul"}
    type(registry.home).objects.filter(pk=registry.home.pk).update(time_zone=zones[code])
    limit(registry, "ann", per_day=100)
    send(registry, 100, at=before)
    refusal_of(lambda: send(registry, 1, at=before))
    send(registry, 100, at=after)
    refusal_of(lambda: send(registry, 1, at=after))
    assert (used(registry), used(registry, day=TOMORROW)) == (100, 100)


def test_a_batch_counts_as_if_proposed_one_after_another(registry):
    limit(registry, "ann", per_day=100)
    orders = [Proposal("10-50", (registry.line("ann", "bob", quantity),)) for quantity in (60, 50, 40, 1)]
    results = propose_batch(orders, actor=registry.representative, now=NOW)
    assert [type(result).__name__ for result in results] == ["Outcome", "Refused", "Outcome", "Refused"]
    assert used(registry) == 100


def test_every_sender_of_one_transaction_is_limited_by_its_own_share(registry):
    limit(registry, "bob", per_day=10)
    lines = (registry.line("ann", "cid", 50), registry.line("bob", "cid", 11))
    refusal_of(lambda: propose(Proposal("10-50", lines), actor=registry.representative, now=NOW))
    lines = (registry.line("ann", "cid", 50), registry.line("bob", "cid", 10))
    propose(Proposal("10-50", lines), actor=registry.representative, now=NOW)
    assert (used(registry), used(registry, "bob")) == (None, 10)


def test_explaining_tells_the_limit_and_counts_nothing(registry):
    limit(registry, "ann", per_day=10)
    order = Proposal("10-50", (registry.line("ann", "bob", 11),))
    assert [failure.code for failure in explain(order, actor=registry.representative, now=NOW).failures] == [4014]
    assert used(registry) is None


def test_a_level_stays_within_those_above_it_and_an_end_only_comes_nearer(registry):
    limit(registry, per_day=100)
    with pytest.raises(Refusal, match="limit-is-above-its-level"):
        limit(registry, "ann", per_day=101)
    limit(registry, "ann", per_day=100)
    with pytest.raises(Refusal, match="limit-begins-later"):
        limit(registry, "ann", per_day=50)
    with pytest.raises(Refusal, match="limit-begins-in-the-past"):
        limit(registry, "bob", per_day=50, day=TODAY - timedelta(days=1))
    with pytest.raises(Refusal, match="administrative"):
        limit(registry, "ISS", per_day=50)
    with pytest.raises(Refusal, match="malformed"):
        limit(registry, "bob", per_day=-1)
    limit(registry, "ann", per_day=None, day=TOMORROW)
    rows = Limit.objects.filter(account=registry.accounts["ann"]).order_by("id")
    assert [(row.per_day, row.valid_from, row.valid_to) for row in rows] == [
        (100, TODAY, TOMORROW),
        (None, TOMORROW, None),
    ]
    assert Entry.objects.filter(event="limit.set").count() == 3


def test_a_senior_administrator_sets_limits_at_home_and_nowhere_else(registry):
    senior = official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior")
    limit(registry, "ann", per_day=5, actor=senior)
    bounds = {"per_transaction": 1, "per_day": 1, "valid_from": TODAY, "source": "test", "now": NOW}
    with pytest.raises(NotPermitted):
        set_limit(**bounds, actor=senior)
    with pytest.raises(NotPermitted):
        limit(registry, per_day=5, actor=official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior"))


def test_a_registry_without_people_who_send_has_no_limits(db):
    made = beijing()
    limit(made, per_day=5)
    assert Limit.objects.count() == 1
