"""Surrender for an obligation, and the statuses determined at its deadline, each in its order and at its own instant."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connections

from accounts import clock
from accounts.models import Installation
from accounts.rules.access import Role
from audit.models import Entry
from registry import tasks
from registry.compliance_queries import standings
from registry.models import Obligation, RecordedEmissions, StatusSnapshot
from registry.operations.load_compliance import load_emissions
from registry.operations.outcome import Refused
from registry.operations.propose import propose
from registry.operations.run_due import run_due
from registry.rules import checks
from registry.rules.proposal import Proposal
from tests.build import DUE, NOW, REGISTRY, Beijing, beijing, official
from tests.conftest import Own, begun_in, shared_by_module


def two_operators() -> Beijing:
    made = beijing("trader", operators=("P-1", "P-2"))
    made.issue(1_000, 2026)
    made.issue(1_000, 2025)
    for name in ("P-1", "P-2", "trader"):
        made.move("ISS", name, 100)
    return made


two_operators_database = shared_by_module(two_operators)


@pytest.fixture
def registry(two_operators_database: Own[Beijing], db: None) -> Beijing:
    return begun_in(two_operators_database)


def emitted(registry: Beijing, name: str, quantity: int, year: int = 2025) -> None:
    for of in (2024, year):
        RecordedEmissions.objects.get_or_create(
            installation=registry.accounts[name].installation,
            year=of,
            defaults={"quantity": quantity if of == year else 0, "source": "test", "recorded_at": NOW},
        )


def codes(registry: Beijing, *arguments: object, **more: object) -> list[int]:
    with pytest.raises(Refused) as refused:
        registry.move(*arguments, **more)
    return [failure.code for failure in refused.value.failures]


def test_a_surrender_names_an_obligation_of_its_own_installation(registry):
    own, other = registry.obligation("P-1"), registry.obligation("P-2")
    assert codes(registry, "P-1", "SUR", 5, type_code="10-2") == [2011]
    assert codes(registry, "P-1", "SUR", 5, type_code="10-2", obligation=other.pk) == [5015]
    assert codes(registry, "P-1", "SUR", 5, type_code="10-2", obligation=10**9) == [5015]
    assert registry.move("P-1", "SUR", 5, type_code="10-2", obligation=own.pk).quantity == 5


def test_only_vintages_that_count_are_taken(registry):
    registry.move("ISS", "P-1", 7, (1_001, 1_008))
    old = registry.obligation("P-1", eligible_until_vintage=2025)
    assert codes(registry, "P-1", "SUR", 108, type_code="10-2", obligation=old.pk) == [4010]
    assert {
        moved.vintage for moved in registry.move("P-1", "SUR", 100, type_code="10-2", obligation=old.pk).ranges
    } == {2025}


def test_the_surrender_window_is_kept(registry):
    own = registry.obligation("P-1")
    own.opens_at = NOW + timedelta(seconds=1)
    own.save(update_fields=["opens_at", "due_at"])
    assert codes(registry, "P-1", "SUR", 5, type_code="10-2", obligation=own.pk) == [5005]
    own.opens_at = NOW
    own.save(update_fields=["opens_at", "due_at"])
    assert registry.move("P-1", "SUR", 5, type_code="10-2", obligation=own.pk)


def test_a_trader_surrenders_nothing(registry):
    own = registry.obligation("P-1")
    assert codes(registry, "trader", "SUR", 5, type_code="10-2", obligation=own.pk) == [4006, 5015]


def test_postgresql_alone_refuses_another_installations_obligation_and_late_vintages(committed_db, monkeypatch):
    made = beijing(operators=("P-1", "P-2"))
    made.issue(100, 2026)
    made.move("ISS", "P-1", 50)
    other, early = made.obligation("P-2"), made.obligation("P-1", eligible_until_vintage=2025)
    monkeypatch.setattr(checks, "run", lambda context: ())
    for obligation in (other, early):
        order = Proposal("10-2", (made.line("P-1", "SUR", 5, (51, 56)),), obligation=obligation.pk)
        with pytest.raises(IntegrityError, match="does not fit obligation"):
            propose(order, actor=made.representative, now=NOW)


def test_statuses_are_determined_once_at_the_deadline_with_what_had_completed_by_then(registry):
    for name, surrendered in (("P-1", 60), ("P-2", 59)):
        emitted(registry, name, 60)
        registry.move(name, "SUR", surrendered, type_code="10-2", obligation=registry.obligation(name).pk)
    assert run_due(actor=REGISTRY, now=DUE - timedelta(seconds=1)) == []
    assert [thing.what for thing in run_due(actor=REGISTRY, now=DUE)] == ["statuses of CN-BJ for 2025"]
    found = {
        row.installation.number: (row.status, row.emissions, row.surrendered) for row in StatusSnapshot.objects.all()
    }
    assert found == {"P-1": ("A", 60, 60), "P-2": ("B", 60, 59)}
    assert run_due(actor=REGISTRY, now=DUE + timedelta(days=9)) == []
    assert Entry.objects.filter(event="compliance.status-determined").count() == 1


def test_a_clock_that_jumps_runs_deadlines_in_their_order_each_at_its_own_instant(registry):
    """The second year's surrender is not there at the first deadline, however late the first is determined."""
    first = registry.obligation("P-1", 2025)
    second = registry.obligation("P-1", 2026)
    second.due_at = DUE + timedelta(days=365)
    second.save(update_fields=["due_at"])
    emitted(registry, "P-1", 60, 2025)
    emitted(registry, "P-1", 10, 2026)
    propose(
        Proposal("10-2", (registry.line("P-1", "SUR", 70),), obligation=first.pk),
        actor=registry.representative,
        now=DUE + timedelta(days=30),
    )
    done = run_due(actor=REGISTRY, now=DUE + timedelta(days=1_000))
    assert [thing.at for thing in done] == [DUE, second.due_at]
    statuses = {row.year: row.status for row in StatusSnapshot.objects.filter(installation__number="P-1")}
    assert statuses == {2025: "B", 2026: "A"}


def test_what_became_known_later_is_known_later(registry):
    """The deadline's status stays; how it would have been, had the correction been known, can be asked for."""
    own = registry.obligation("P-1")
    emitted(registry, "P-1", 60)
    registry.move("P-1", "SUR", 60, type_code="10-2", obligation=own.pk)
    run_due(actor=REGISTRY, now=DUE)
    later = DUE + timedelta(days=30)
    load_emissions(
        b"installation,year,emissions\nP-1,2025,61\n",
        jurisdiction=registry.home,
        name="correction.csv",
        actor=official(Role.COMPLIANCE_AUTHORITY, "authority"),
        now=later,
    )
    assert run_due(actor=REGISTRY, now=later) == []
    assert StatusSnapshot.objects.get(installation__number="P-1").status == "A"
    for at, known_at, status in ((DUE, None, "A"), (DUE, later, "B"), (later, None, "B"), (later, DUE, "A")):
        found = standings(registry.home, 2025, at=at, known_at=known_at)
        assert [each.status for each in found if each.installation.number == "P-1"] == [status]


def test_an_obligation_that_is_recorded_late_gets_its_status_and_nothing_stays_due(registry):
    registry.obligation("P-1")
    run_due(actor=REGISTRY, now=DUE)
    Installation.objects.create(jurisdiction=registry.home, number="P-3", name="P-3", first_year=2024)
    late = Obligation.objects.create(
        jurisdiction=registry.home,
        installation=Installation.objects.get(number="P-3"),
        year=2025,
        due_at=DUE,
        eligible_until_vintage=2026,
    )
    assert len(run_due(actor=REGISTRY, now=DUE + timedelta(days=1))) == 1
    assert StatusSnapshot.objects.get(installation=late.installation).status == "C"
    assert run_due(actor=REGISTRY, now=DUE + timedelta(days=2)) == []


def test_deadlines_of_one_year_may_differ(registry):
    registry.obligation("P-1")
    second = registry.obligation("P-2")
    second.due_at = DUE + timedelta(days=60)
    second.save(update_fields=["due_at"])
    assert len(run_due(actor=REGISTRY, now=DUE)) == 1
    assert not StatusSnapshot.objects.filter(installation__number="P-2").exists()
    assert len(run_due(actor=REGISTRY, now=second.due_at)) == 1
    assert StatusSnapshot.objects.get(installation__number="P-2").determined_at == second.due_at


def test_two_who_run_what_is_due_at_once_do_it_once(committed_db):
    made = beijing(operators=("P-1", "P-2"))
    for name in ("P-1", "P-2"):
        made.obligation(name)

    def run() -> None:
        try:
            run_due(actor=REGISTRY, now=DUE)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(run) for _ in range(4)]:
            job.result()
    assert StatusSnapshot.objects.count() == 2
    assert Entry.objects.filter(event="compliance.status-determined").count() == 1


def test_the_task_that_beat_sends_runs_what_is_due(registry):
    own = registry.obligation("P-1")
    own.due_at = clock.now() - timedelta(seconds=1)
    own.save(update_fields=["due_at"])
    tasks.run_due()
    assert StatusSnapshot.objects.filter(installation=own.installation).exists()
    assert settings.CELERY_BEAT_SCHEDULE["run-due"]["task"] == tasks.run_due.name


def test_the_command_moves_the_clock_and_runs_what_falls_due(registry, capsys):
    official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "chief", "*")
    own = registry.obligation("P-1")
    own.due_at = clock.now() + timedelta(days=20)
    own.save(update_fields=["opens_at", "due_at"])
    call_command("advance_clock", days=19, username="chief")
    assert "statuses" not in capsys.readouterr().out
    call_command("advance_clock", days=2, username="chief")
    assert "statuses of CN-BJ for 2025" in capsys.readouterr().out
    assert StatusSnapshot.objects.get(installation__number="P-1").determined_at == own.due_at
