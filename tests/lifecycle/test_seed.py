"""The demo begins with what shows four eyes and the delay, and seeding again makes nothing twice."""

import json
from collections import Counter
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command

from accounts import clock
from accounts.models import Jurisdiction, TrustedAccount, User
from accounts.queries import actor_for
from registry.models import Obligation, Transaction
from registry.operations.approve import approve
from registry.operations.run_due import run_due
from registry.operations.seed_waiting import APPROVAL, DELAY, ISSUANCE
from registry.operations.withdraw import withdraw
from registry.period_queries import positions, regimes_of
from registry.rules.states import State
from tests.build import REGISTRY
from tests.lifecycle.market import assert_sound


def seed() -> dict[str, list[dict[str, str]]]:
    printed = StringIO()
    call_command("seed_pilot", "--print-json", stdout=printed)
    seeded: dict[str, list[dict[str, str]]] = json.loads(printed.getvalue())
    return seeded


@pytest.fixture
def world() -> Callable[[], dict[str, list[dict[str, str]]]]:
    return seed


@pytest.fixture
def seeded(begun: dict[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
    return begun


def test_each_jurisdiction_begins_with_something_to_approve_and_something_delayed(seeded):
    for home in Jurisdiction.objects.all():
        rows = {row.client_reference: row for row in Transaction.objects.filter(jurisdiction=home)}
        states = {reference: rows[reference].state for reference in (APPROVAL, DELAY, ISSUANCE)}
        assert states == {APPROVAL: State.AWAITING_APPROVAL, DELAY: State.DELAYED, ISSUANCE: State.AWAITING_APPROVAL}
        assert rows[DELAY].initiator_id != rows[DELAY].approver_id
        assert TrustedAccount.objects.get(account__jurisdiction=home).state == "APPROVED"
    roles = Counter(login["role"].split(",")[0] for login in seeded["logins"])
    assert roles["senior-registry-administrator"] == 6
    assert roles["junior-registry-administrator"] == 3
    assert_sound()


def test_tokyos_first_facility_begins_with_the_worked_example(seeded):
    [owed] = Obligation.objects.filter(installation__number="TK-DEMO-1")
    period = regimes_of(owed.jurisdiction).period_of(clock.now().year)
    assert period is not None
    assert owed.year == period.last_year
    [stood] = positions([owed.installation], period, at=clock.now()).values()
    assert (stood.emissions, stood.cap, stood.issuable, stood.through) == (16_000, 16_600, 600, period.first_year + 1)


def test_seeding_again_makes_nothing_whatever_became_of_it(seeded):
    now = clock.now()
    issuance = Transaction.objects.get(client_reference=ISSUANCE, jurisdiction__code="CN-BJ")
    waiting = Transaction.objects.get(client_reference=APPROVAL, jurisdiction__code="CN-BJ")
    second = actor_for(User.objects.get(username="bj-registry-second"))
    assert approve(issuance.pk, actor=second, now=now).state == State.COMPLETED
    withdraw(waiting.pk, actor=second, now=now, reason="enough seen")
    before = Transaction.objects.count()
    assert seed() == {"logins": [], "api_keys": []}
    assert (Transaction.objects.count(), TrustedAccount.objects.count()) == (before, 3)


def test_what_is_delayed_is_executed_when_its_time_has_come(seeded):
    instants = [row.due_at for row in Transaction.objects.filter(client_reference=DELAY) if row.due_at is not None]
    run_due(actor=REGISTRY, now=max(instants))
    assert set(Transaction.objects.filter(client_reference=DELAY).values_list("state", flat=True)) == {State.COMPLETED}
    assert_sound()
