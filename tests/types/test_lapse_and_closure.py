"""Units lapse when their dated validity has ended, and do nothing else then; an account that closes is emptied."""

import threading
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connections

from accounts.operations.change_account_status import change_account_status
from accounts.rules.statuses import AccountStatus
from registry.models import Holding
from registry.operations.approve import approve
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.set_validity import set_validity
from registry.rules.proposal import Proposal
from registry.rules.states import State
from tests.build import NOW, REGISTRY
from tests.lifecycle.test_due import wait_for, waits_for_a_lock
from tests.types.conftest import Office

SECOND = timedelta(seconds=1)


def valid_until(office: Office, instant: datetime) -> None:
    set_validity(
        unit_type=office.made.unit_type, vintage=2026, valid_until=instant, source="a notice", actor=REGISTRY, now=NOW
    )


def lapse(office: Office, *ranges: tuple[int, int], quantity: int = 10, now: datetime = NOW) -> Outcome:
    line = office.made.line("plant", "LAP", quantity, *ranges)
    return propose(Proposal("4-99", (line,), reason="the notice"), actor=office.junior, now=now)


@pytest.mark.parametrize("ranges", [(), ((601, 611),)])
def test_units_lapse_from_the_instant_their_validity_ends_and_not_before(office: Office, ranges):
    valid_until(office, NOW + SECOND)
    with pytest.raises(Refused) as early:
        lapse(office, *ranges)
    assert {failure.code for failure in early.value.failures} == ({5013} if ranges else {4010})
    office.made.move("plant", "ann", 5, (701, 706))
    waiting = lapse(office, *ranges, now=NOW + SECOND)
    assert waiting.state == State.AWAITING_APPROVAL
    assert approve(waiting.transaction_id, actor=office.senior, now=NOW + SECOND).state == State.COMPLETED
    assert Holding.objects.get(account=office.made.accounts["LAP"]).quantity == 10


@pytest.mark.parametrize("ranges", [(), ((701, 711),)])
def test_units_whose_validity_has_ended_are_neither_transferred_nor_surrendered(office: Office, ranges):
    valid_until(office, NOW)
    obligation = office.made.obligation("plant").pk
    for acquirer, kind, more in (("ann", "10-50", {}), ("SUR", "10-2", {"obligation": obligation})):
        with pytest.raises(Refused) as refusal:
            office.made.move("plant", acquirer, 10, *ranges, type_code=kind, **more)
        assert {failure.code for failure in refusal.value.failures} == ({5013} if ranges else {4010})


def test_postgresql_alone_refuses_to_move_what_only_lapses(office: Office, monkeypatch):
    valid_until(office, NOW)
    # Python is shown units that are valid for ever.
    monkeypatch.setattr("registry.facts.instant", lambda text: None)
    with pytest.raises(Exception) as refusal:
        office.made.move("plant", "ann", 10, (701, 711))
    assert isinstance(refusal.value.__cause__, psycopg.errors.CheckViolation)
    assert refusal.value.__cause__.diag.constraint_name == "units_are_valid_or_lapse"


def test_a_fact_that_changes_between_look_and_effect_is_told_by_the_checks(office: Office, owner):
    """Dated facts are not locked: PostgreSQL finds the change in the effect, and the decision is made anew, with it."""
    obligation = office.made.obligation("plant").pk
    told: list[Refused] = []

    def surrender() -> None:
        try:
            office.made.move("plant", "SUR", 10, (701, 711), type_code="10-2", obligation=obligation)
        except Refused as refusal:
            told.append(refusal)
        finally:
            connections.close_all()

    thread = threading.Thread(target=surrender)
    with owner.transaction():
        # A sink is locked by the effect alone, so the surrender has looked by the time it waits for this.
        owner.execute("SELECT FROM accounts_account WHERE id = %s FOR UPDATE", [office.made.accounts["SUR"].pk])
        thread.start()
        wait_for(waits_for_a_lock)
        valid_until(office, NOW)
    thread.join()
    assert [failure.code for refusal in told for failure in refusal.failures] == [5013]


def test_a_later_record_of_a_validity_holds(office: Office):
    valid_until(office, NOW)
    valid_until(office, NOW + timedelta(days=365))
    office.made.move("plant", "ann", 10)


def test_an_account_that_closes_is_emptied_and_then_closes(office: Office):
    made = office.made
    made.move("ISS", "ann", 30)
    with pytest.raises(Refused) as refusal:
        made.move("ann", "bob", 30, type_code="10-91")
    assert {failure.code for failure in refusal.value.failures} == {5016}
    change_account_status(
        identifier=made["ann"], status=AccountStatus.CLOSURE_PENDING, reason="asked", actor=REGISTRY, now=NOW
    )
    assert made.move("ann", "bob", 30, type_code="10-91").state == State.COMPLETED
    closed = change_account_status(
        identifier=made["ann"], status=AccountStatus.CLOSED, reason="asked", actor=REGISTRY, now=NOW
    )
    assert closed.status == AccountStatus.CLOSED
