"""What waits near a deadline warns both persons: in every answer of the API, and on the administration's pages."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts import clock
from accounts.models import Account
from accounts.operations.set_rule import set_rule
from accounts.rules.access import Role
from accounts.rules.calendars import Calendar
from registry import transaction_queries
from registry.models import Obligation
from registry.operations.explain import explain
from registry.operations.propose import propose
from registry.rules.proposal import Proposal
from registry.rules.warnings import (
    DEFAULT,
    KEY,
    WarningNotUnderstood,
    WarningRule,
    warning_rule_of,
    warnings_of,
    warns_from,
)
from tests.admin.test_decisions import WAITING, ordered, shown
from tests.admin.test_pages import signed_in
from tests.build import DUE, NOW, REGISTRY, Beijing, beijing
from tests.calendars.samples import calendar

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
# 31 October 2026 is a Saturday; the 5th working day before it is the Monday.
NEAR = datetime(2026, 10, 25, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "deadline", "rule", "begins"),
    [
        ("CN-BJ", DUE, DEFAULT, NEAR),
        # The Saturday works in exchange for the National Day week.
        ("CN-BJ", datetime(2026, 10, 12, 4, tzinfo=UTC), WarningRule(working_days=1), datetime(2026, 10, 9, 16, tzinfo=UTC)),
        # Golden Week.
        ("JP-13", datetime(2026, 5, 7, 8, tzinfo=UTC), WarningRule(working_days=2), datetime(2026, 4, 30 - 1, 15, tzinfo=UTC)),
        ("KR-11", DUE, WarningRule(hours=48), DUE - 2 * DAY),
    ],
)  # fmt: skip
def test_a_deadline_warns_from_so_many_working_days_or_hours_before_it(db, code, deadline, rule, begins):
    assert warns_from(deadline, rule, calendar(code)) == begins


@pytest.mark.parametrize(
    "value", [{}, [], 5, "5", {"working_days": 0}, {"working_days": True}, {"hours": "2"}, {"hours": 1, "working_days": 1},
              {"working_days": 61}, {"hours": 10_000}, {"days": 5}],
)  # fmt: skip
def test_a_value_that_is_no_rule_is_refused_and_not_replaced_by_the_default(value):
    with pytest.raises(WarningNotUnderstood):
        warning_rule_of(value)


def test_every_rule_is_read_as_written_and_none_is_the_default():
    assert warning_rule_of(None) == DEFAULT == WarningRule(working_days=5)
    assert warning_rule_of({"hours": 2}) == WarningRule(hours=2)


@pytest.mark.parametrize(
    ("state", "counts", "now", "codes"),
    [
        ("AWAITING_APPROVAL", "completed", DUE - DAY - SECOND, []),
        ("AWAITING_APPROVAL", "completed", DUE - DAY, ["surrender-deadline-near"]),
        ("AWAITING_APPROVAL", "approved", DUE, ["surrender-deadline-near"]),
        ("AWAITING_APPROVAL", "completed", DUE + SECOND, ["surrender-deadline-passed"]),
        ("AWAITING_APPROVAL", "completed", DUE + DAY, ["surrender-deadline-passed", "approval-expires-soon"]),
        ("AWAITING_APPROVAL", "proposed", DUE + DAY, ["approval-expires-soon"]),
        ("ON_HOLD", "completed", DUE + DAY, ["surrender-deadline-passed"]),
        ("DELAYED", "completed", DUE, ["surrender-deadline-near"]),
        ("COMPLETED", "completed", DUE, []),
        ("REJECTED", "completed", DUE + DAY, []),
    ],
)
def test_what_is_warned_of(state, counts, now, codes):
    here, rule = Calendar("Asia/Shanghai"), WarningRule(hours=24)
    found = warnings_of(
        state, now=now, expires_at=DUE + 2 * DAY, surrender_due_at=DUE, counts=counts,
        warns=lambda deadline: warns_from(deadline, rule, here),
    )  # fmt: skip
    assert [str(one.code) for one in found] == codes


@pytest.mark.parametrize(("years", "codes"), [(-3, ["approval-expires-soon"]), (3, [])])
def test_what_lies_beyond_the_calendar_is_told_without_it(years, codes):
    """What expired years ago and was never ended is warned of, and what is due years from now is not; neither is an error."""
    here = Calendar("Asia/Shanghai", since=date(DUE.year - 1, 1, 1), until=date(DUE.year + 1, 12, 31))
    found = warnings_of(
        "AWAITING_APPROVAL", now=DUE, expires_at=DUE.replace(year=DUE.year + years), surrender_due_at=None,
        counts="completed", warns=lambda deadline: warns_from(deadline, DEFAULT, here),
    )  # fmt: skip
    assert [str(one.code) for one in found] == codes


def one_who_owes() -> Beijing:
    """An operator who needs two persons to surrender, with an obligation."""
    made = beijing(operators=("plant",))
    made.issue(1_000)
    made.move("ISS", "plant", 100)
    Account.objects.update(one_person_surrender=False)
    made.obligation("plant")
    return made


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return one_who_owes


@pytest.fixture
def owing(registry: Beijing) -> Beijing:
    return registry


@pytest.mark.parametrize(
    ("value", "now", "codes"),
    [
        (None, NEAR - SECOND, []),
        (None, NEAR, ["surrender-deadline-near"]),
        ({"hours": 2}, DUE - timedelta(hours=2, seconds=1), []),
        ({"hours": 2}, DUE - timedelta(hours=2), ["surrender-deadline-near"]),
        (None, DUE + SECOND, ["surrender-deadline-passed"]),
        ("soon", DUE, []),
    ],
    ids=str,
)
def test_a_proposal_its_explanation_and_both_persons_readings_say_the_same(owing, value, now, codes):
    if value is not None:
        set_rule(
            jurisdiction=owing.home, key=KEY, value=value, valid_from=date(2026, 1, 1), confidence="V", source="s",
            actor=REGISTRY, now=NOW,
        )  # fmt: skip
    order = Proposal("10-2", (owing.line("plant", "SUR", 5),), obligation=Obligation.objects.get().pk)
    explained = explain(order, actor=owing.representative, now=now)
    assert explained.terms is not None
    outcome = propose(order, actor=owing.representative, now=now)
    readings = [explained.terms.warnings, outcome.warnings]
    for reader in (owing.representative, owing.approver):
        found = transaction_queries.transaction_of(reader, outcome.transaction_id)
        assert found is not None
        listed = transaction_queries.transactions_of(
            reader, transaction_queries.TransactionFilter(account=owing["plant"])
        )
        (row,) = [one for one in listed.among[0] if one.pk == outcome.transaction_id]
        found = transaction_queries.with_warnings(found, now=now)
        readings += [found.warnings, transaction_queries.outcomes_without_ranges([row], now=lambda: now)[0].warnings]
    assert [[str(one.code) for one in reading] for reading in readings] == [codes] * 6


def test_the_administration_warns_who_proposed_and_who_may_approve(db):
    made = beijing()
    made.issue(100)
    day = Calendar(made.home.time_zone).day_of(clock.now())
    junior = signed_in("junior", roles=((Role.JUNIOR_REGISTRY_ADMINISTRATOR, made),))
    senior = signed_in("senior", roles=((Role.SENIOR_REGISTRY_ADMINISTRATOR, made),))
    ordered(junior, made, quantity="7")
    for page in (junior.get(WAITING), senior.get(WAITING)):
        assert "deadline-warning" not in page.content.decode()
    set_rule(
        jurisdiction=made.home, key=KEY, value={"hours": 24 * 30}, valid_from=day, confidence="V", source="s",
        actor=REGISTRY, now=NOW,
    )  # fmt: skip
    row = ordered(junior, made)
    for reader in (junior, senior):
        told = reader.get(WAITING).content.decode()
        assert told.count("deadline-warning") == 2
        assert "It expires soon unless it is approved." in told
        assert "deadline-warning" in shown(reader, row)
