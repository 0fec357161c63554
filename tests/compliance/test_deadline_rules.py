"""Deadlines of surrenders by dated rule: in each city's zone and calendar, by the instant the rule names, and in PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from accounts.models import Account
from accounts.operations.set_calendar_day import set_calendar_day
from accounts.operations.set_rule import set_rule
from accounts.rules.access import Role
from audit.models import Entry
from registry.compliance_queries import obligations_of, surrender_deadline
from registry.models import Obligation, RecordedEmissions, StatusSnapshot
from registry.operations.approve import approve
from registry.operations.load_compliance import load_obligations
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.refuse import refuse
from registry.operations.run_due import run_due
from registry.rules import checks
from registry.rules.deadlines import KEY
from registry.rules.proposal import Proposal
from registry.tabular import FileRefused
from tests.accounts.samples import with_role
from tests.build import DUE, NOW, REGISTRY, Beijing, beijing
from tests.calendars.samples import place

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
HEADER = b"installation,year,opens_at,due_at,closes_at,eligible_until_vintage\n"
# By city: a rule whose day does not work in 2026, and the instant of the deadline for 2025.
CITIES = {
    # A Saturday: the end of the Monday.
    "CN-BJ": ({"month_day": "10-31", "on_non_working_day": "next"}, datetime(2026, 11, 2, 16, tzinfo=UTC)),
    # Golden Week with its substitute holiday, over on the Thursday.
    "JP-13": (
        {"month_day": "05-03", "on_non_working_day": "next", "time": "17:00"},
        datetime(2026, 5, 7, 8, tzinfo=UTC),
    ),
    # Chuseok, from Thursday to Saturday: the Wednesday before.
    "KR-11": (
        {"month_day": "09-26", "on_non_working_day": "previous", "time": "18:00"},
        datetime(2026, 9, 23, 9, tzinfo=UTC),
    ),
}
OPERATORS = ("P-1", "P-2", "P-3")


def city(code: str = "CN-BJ", operators: tuple[str, ...] = OPERATORS) -> Beijing:
    """Operators with 100 units each that need two persons to surrender, and 60 t to surrender for 2025."""
    place(code)
    made = beijing(operators=operators, code=code)
    Account.objects.update(one_person_surrender=False)
    made.issue(1_000)
    for name in operators:
        made.move("ISS", name, 100)
        for year, emitted in ((2024, 0), (2025, 60)):
            RecordedEmissions.objects.create(
                installation=made.accounts[name].installation,
                year=year,
                quantity=emitted,
                source="t",
                recorded_at=NOW - 99 * DAY,
            )
    return made


def ruled(made: Beijing, value: object, valid_from: date = date(2025, 1, 1)) -> None:
    set_rule(
        jurisdiction=made.home,
        key=KEY,
        value=value,
        valid_from=valid_from,
        confidence="V",
        source="notice",
        actor=REGISTRY,
        now=NOW,
    )


def oblige(made: Beijing, *rows: str) -> None:
    text = "".join(f"{row}\n" for row in rows or [f"{name},2025,,,,2026" for name in OPERATORS])
    load_obligations(
        HEADER + text.encode(),
        jurisdiction=made.home,
        name="o.csv",
        actor=with_role(Role.COMPLIANCE_AUTHORITY, made.home.code),
        now=NOW,
    )


def surrender(made: Beijing, name: str, quantity: int, at: datetime) -> Outcome:
    owed = Obligation.objects.get(installation__number=name, year=2025)
    order = Proposal("10-2", (made.line(name, "SUR", quantity),), obligation=owed.pk)
    return propose(order, actor=made.representative, now=at)


def statuses() -> dict[str, str]:
    return {row.installation.number: row.status for row in StatusSnapshot.objects.select_related("installation")}


@pytest.mark.parametrize("counts", ["proposed", "approved", "completed"])
@pytest.mark.parametrize("code", CITIES)
def test_a_second_before_and_exactly_at_the_deadline_are_in_time_and_a_second_after_is_not(db, code, counts):
    made = city(code)
    rule, due_at = CITIES[code]
    ruled(made, rule | {"counts": counts})
    oblige(made)
    assert set(Obligation.objects.values_list("due_at", "counts")) == {(due_at, counts)}
    for name, seconds in (("P-1", -1), ("P-2", 0), ("P-3", 1)):
        counted, other = due_at + seconds * SECOND, (due_at + DAY if counts == "proposed" else due_at - DAY)
        waiting = surrender(made, name, 60, min(counted, other))
        approve(waiting.transaction_id, actor=made.approver, now=max(counted, other))
    run_due(actor=REGISTRY, now=due_at + 2 * DAY)
    assert statuses() == {"P-1": "A", "P-2": "A", "P-3": "B"}
    assert set(StatusSnapshot.objects.values_list("determined_at", "counts")) == {(due_at, counts)}
    found = [obligations_of(made.accounts[name].installation, at=due_at + 2 * DAY)[0] for name in OPERATORS]
    assert [(each.surrendered, each.surrendered_in_time) for each in found] == [(60, 60), (60, 60), (60, 0)]


def test_a_status_waits_for_what_was_proposed_in_time_where_the_proposal_counts(db):
    made = city()
    ruled(made, {"month_day": "10-31", "counts": "proposed"})
    oblige(made)
    approved, refused = (surrender(made, name, 60, DUE - SECOND) for name in ("P-1", "P-2"))
    assert len(run_due(actor=REGISTRY, now=DUE)) == 1
    assert statuses() == {"P-3": "B"}
    assert run_due(actor=REGISTRY, now=DUE + DAY) == []
    approve(approved.transaction_id, actor=made.approver, now=DUE + DAY)
    refuse(refused.transaction_id, actor=made.approver, now=DUE + DAY)
    run_due(actor=REGISTRY, now=DUE + DAY)
    assert statuses() == {"P-1": "A", "P-2": "B", "P-3": "B"}


def test_deadlines_follow_a_day_recorded_and_a_rule_set_until_the_status_is_determined(db):
    made = city()
    ruled(made, {"month_day": "10-30", "on_non_working_day": "next"})
    oblige(made)
    assert set(Obligation.objects.values_list("due_at", flat=True)) == {DUE - DAY}
    said = {"name": "Day of mourning", "confidence": "V", "source": "notice", "actor": REGISTRY}
    set_calendar_day(jurisdiction=made.home, day=date(2026, 10, 30), is_working=False, now=NOW, **said)
    assert run_due(actor=REGISTRY, now=DUE) == []
    assert set(Obligation.objects.values_list("due_at", flat=True)) == {DUE + 2 * DAY}
    ruled(made, {"month_day": "10-31", "counts": "proposed"}, date(2025, 6, 1))
    assert len(run_due(actor=REGISTRY, now=DUE)) == 1
    assert set(Obligation.objects.values_list("due_at", "counts")) == {(DUE, "proposed")}
    moved = Entry.objects.filter(event="obligation.deadline-moved")
    assert [entry.subject for entry in moved] == ["CN-BJ:2025"] * 2
    ruled(made, "11-15", date(2025, 7, 1))
    assert run_due(actor=REGISTRY, now=DUE + 30 * DAY) == []
    assert set(Obligation.objects.values_list("due_at", flat=True)) == {DUE}


def test_a_rule_that_cannot_be_followed_is_told_and_keeps_nothing_else_from_being_done(db):
    made = city()
    ruled(made, "10-31")
    oblige(made)
    ruled(made, "soon", date(2025, 6, 1))
    with pytest.raises(ValueError, match="soon"):
        run_due(actor=REGISTRY, now=DUE)
    assert len(statuses()) == 3


def test_a_file_leaves_the_deadline_to_the_rule_or_says_the_same(db):
    made = city()
    ruled(made, "10-31")
    oblige(made, "P-1,2025,,,,2026", f"P-2,2025,,{DUE.isoformat()},,2026")
    assert set(Obligation.objects.values_list("due_at", flat=True)) == {DUE}
    ruled(made, "soon", date(2026, 1, 1))
    for row, code in (
        ("P-3,2025,,2026-10-31T23:59:59+08:00,,2026", "rule-says-otherwise"),
        ("P-3,2026,,2027-10-31T23:59:59+08:00,,2026", "rule-not-understood"),
        ("P-3,2024,,,,2026", "not-an-instant"),
    ):
        with pytest.raises(FileRefused) as refused:
            oblige(made, row)
        assert refused.value.faults[0].code == code
    assert surrender_deadline(made.home, 2024) is None


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("due_at = due_at + interval '1 second'", "deadline_is_what_its_rule_says"),
        ("due_at = due_at - interval '3 days'", "deadline_is_what_its_rule_says"),
        ("due_at = due_at + interval '40 days'", "deadline_is_what_its_rule_says"),
        ("counts = 'completed'", "deadline_is_what_its_rule_says"),
        ("counts = 'whenever'", "deadline_is_what_its_rule_says"),
    ],
)
def test_postgresql_alone_refuses_another_deadline_than_the_rule_says(
    committed_db, as_application_role, change, constraint
):
    made = city()
    ruled(made, {"month_day": "10-31", "counts": "proposed", "on_non_working_day": "next"})
    oblige(made)
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        as_application_role.execute(f"UPDATE registry_obligation SET {change}")
    assert refused.value.diag.constraint_name == constraint


def test_postgresql_alone_lets_the_completion_count_where_no_rule_says_otherwise(committed_db, as_application_role):
    made = city()
    made.obligation("P-1")
    with pytest.raises(psycopg.errors.CheckViolation, match="the completion of a surrender counts"):
        as_application_role.execute("UPDATE registry_obligation SET counts = 'proposed'")


STATUS = (
    "INSERT INTO registry_statussnapshot (installation_id, year, status, emissions, surrendered, counts,"
    " determined_at, recorded_at) SELECT installation_id, year, 'A', 60, {surrendered}, {counts}, {at}, due_at"
    " FROM registry_obligation"
)


@pytest.mark.parametrize(
    "lie",
    [
        {"surrendered": "60"},
        {"surrendered": "19"},
        {"counts": "'completed'"},
        {"at": "due_at + interval '1 day'"},
    ],
    ids=str,
)
def test_postgresql_alone_sums_what_was_in_time_for_a_status(committed_db, as_application_role, lie):
    made = city(operators=("P-1",))
    ruled(made, {"month_day": "10-31", "counts": "proposed"})
    oblige(made, "P-1,2025,,,,2026")
    for quantity, at in ((20, DUE), (40, DUE + SECOND)):
        approve(surrender(made, "P-1", quantity, at).transaction_id, actor=made.approver, now=DUE + DAY)
    truth = {"surrendered": "20", "counts": "'proposed'", "at": "due_at"}
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        as_application_role.execute(STATUS.format(**truth | lie))
    assert refused.value.diag.constraint_name == "status_counts_what_was_in_time"
    as_application_role.execute(STATUS.format(**truth))


def test_postgresql_alone_refuses_a_status_while_a_surrender_may_yet_be_in_time(committed_db, as_application_role):
    made = city(operators=("P-1",))
    ruled(made, {"month_day": "10-31", "counts": "proposed"})
    oblige(made, "P-1,2025,,,,2026")
    waiting = surrender(made, "P-1", 20, DUE)
    with pytest.raises(psycopg.errors.CheckViolation, match="in time at its deadline"):
        as_application_role.execute(STATUS.format(surrendered="0", counts="'proposed'", at="due_at"))
    refuse(waiting.transaction_id, actor=made.approver, now=DUE)
    as_application_role.execute(STATUS.format(surrendered="0", counts="'proposed'", at="due_at"))


def test_the_surrender_window_closes_for_what_counts_alone(db):
    """Where the proposal counts, what was proposed before the closing is approved after it."""
    made = city()
    closes = f"{(DUE + DAY).isoformat()}"
    ruled(made, {"month_day": "10-31", "counts": "proposed"})
    oblige(made, f"P-1,2025,,,{closes},2026")
    waiting = surrender(made, "P-1", 20, DUE + DAY)
    assert approve(waiting.transaction_id, actor=made.approver, now=DUE + 2 * DAY).state == "COMPLETED"
    with pytest.raises(Refused) as refused:
        surrender(made, "P-1", 20, DUE + DAY + SECOND)
    assert [failure.code for failure in refused.value.failures] == [5005]


def test_postgresql_alone_keeps_the_surrender_window(db, monkeypatch):
    made = city()
    window = f"{(DUE - 9 * DAY).isoformat()},{DUE.isoformat()},{(DUE + DAY).isoformat()}"
    oblige(made, f"P-1,2025,{window},2026")
    monkeypatch.setattr(checks, "run", lambda context: ())
    waiting = surrender(made, "P-1", 20, DUE)
    for act in (
        lambda: surrender(made, "P-1", 20, DUE - 9 * DAY - SECOND),
        lambda: surrender(made, "P-1", 20, DUE + DAY + SECOND),
        lambda: approve(waiting.transaction_id, actor=made.approver, now=DUE + DAY + SECOND),
    ):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            act()
        assert isinstance(refused.value.__cause__, psycopg.Error)
        assert refused.value.__cause__.diag.constraint_name == "surrender_window_is_open"
    assert approve(waiting.transaction_id, actor=made.approver, now=DUE + DAY).state == "COMPLETED"


def test_nothing_comes_in_time_for_a_status_that_is_determined(db, monkeypatch):
    """A clock that was read before the deadline, and a commit after the status: the check says why, PostgreSQL makes sure."""
    made = city()
    made.obligation("P-1")
    waiting = surrender(made, "P-1", 20, DUE - DAY)
    run_due(actor=REGISTRY, now=DUE)
    for act in (
        lambda at: surrender(made, "P-1", 20, at),
        lambda at: approve(waiting.transaction_id, actor=made.approver, now=at),
    ):
        with pytest.raises(Refused) as refused:
            act(DUE)
        assert [failure.code for failure in refused.value.failures] == [5005]
    with monkeypatch.context() as patched:
        patched.setattr(checks, "run", lambda context: ())
        with pytest.raises(DatabaseError, match="would keep is determined"), transaction.atomic():
            approve(waiting.transaction_id, actor=made.approver, now=DUE)
    assert approve(waiting.transaction_id, actor=made.approver, now=DUE + SECOND).state == "COMPLETED"
    assert connection.is_usable()


def test_a_status_waits_for_a_surrender_that_is_on_its_way_and_counts_it(committed_db):
    made = city(operators=("P-1",))
    Account.objects.filter(identifier=made["P-1"]).update(one_person_surrender=True)
    made.obligation("P-1")

    def determine() -> None:
        try:
            run_due(actor=REGISTRY, now=DUE)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert surrender(made, "P-1", 60, DUE).state == "COMPLETED"
            job = pool.submit(determine)
            with pytest.raises(TimeoutError):
                job.result(timeout=1)
        job.result()
    assert statuses() == {"P-1": "A"}
