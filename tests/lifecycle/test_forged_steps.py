"""What a service that is no longer ours cannot do to transactions that wait: steps and beginnings that no check has judged.

Each attack hands a plan to a function that the service may call, as its role. Each has its guards; its negative control takes all of
them out and sees it succeed, and where there are several, each alone is enough. All is undone at the end of every attempt.
"""

# ruff: noqa: E501 - a plan broken over lines is harder to read than a long one

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from accounts.rules.access import Role
from accounts.rules.representatives import Rights
from registry.models import Holding, Obligation, UnitBlock
from registry.operations.approve import approve
from registry.operations.issue import issue
from registry.operations.outcome import Outcome
from tests.build import NOW, Beijing
from tests.ledger.standing import Standing, standing
from tests.ledger.test_forged_plans import everything, plan_of, without
from tests.ledger.test_raw_sql import REFUSED
from tests.ledger.test_ways_around import Guard
from tests.lifecycle.market import administrator, market, represent, transfer, transfer_of_two

SECOND_LATER, DAY = timedelta(seconds=1), timedelta(days=1)
WAITING: dict[str, Outcome] = {}
Plan = dict[str, Any]


def made_ready() -> Beijing:
    """One transaction of each kind that waits, and users with every right but the needed one."""
    made = market()
    junior = administrator(made, Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior")
    administrator(made, Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior")
    represent(made, "junior", Rights.INITIATE, "ava")
    represent(made, "reader", Rights.READ_ONLY, "ava")
    represent(made, "initiator", Rights.INITIATE, "ava")
    represent(made, "other side", Rights.INITIATE_AND_APPROVE, "ben", "avas")
    represent(made, "dismissed", Rights.INITIATE_AND_APPROVE, "ava")
    type(made.user).objects.filter(username="dismissed").update(is_active=False)
    made.obligation("mill")
    WAITING["to ben"] = transfer(made)
    WAITING["to avas"] = transfer(made, acquirer="avas")
    WAITING["delayed"] = approve(transfer(made).transaction_id, actor=made.approver, now=NOW + SECOND_LATER)
    WAITING["of two"] = transfer_of_two(made, junior)
    WAITING["issuance"] = issue(cap_id=made.caps[2026].pk, acquiring=made["ISS"], quantity=10, actor=junior, now=NOW)
    return made


@pytest.fixture(scope="module")
def place(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Standing]:
    """One database for all attempts, none of which leaves anything."""
    with standing(django_db_blocker, made_ready) as all_attempts:
        yield all_attempts


def step(
    which: str, event: str, before: str, after: str, by: str | None = "second-representative", **more: Any
) -> Callable[[Beijing], tuple[str, Plan]]:
    """A plan of one step. `at` and `due_at` may be functions of the transaction."""

    def make(made: Beijing) -> tuple[str, Plan]:
        outcome = WAITING[which]
        user = None if by is None else type(made.user).objects.get(username=by).pk
        row: Plan = {
            "id": str(outcome.transaction_id), "event": event, "from_state": before, "to_state": after, "user_id": user,
            "at": NOW + SECOND_LATER * 2, "reason": "", "failures": [],
            "due_at": NOW + DAY if (event, after) == ("approved", "DELAYED") else None,
        }  # fmt: skip
        row |= {name: value(outcome) if callable(value) else value for name, value in more.items()}
        return "registry_proceed", {"steps": [row], "ranges": [], "entries": [entry(str(outcome.transaction_id))]}

    return make


def entry(subject: str) -> Plan:
    return {
        "registry": "CN-BJ", "event": "transaction.approved", "part": 1, "parts": 1, "occurred_at": NOW.isoformat(),
        "actor": "user:1", "subject": subject, "body": "{}",
    }  # fmt: skip


def issued(first: int, following: int, by: str = "senior") -> Callable[[Beijing], tuple[str, Plan]]:
    """The approval of the issuance, with the units it makes."""

    def make(made: Beijing) -> tuple[str, Plan]:
        function, plan = step("issuance", "approved", "AWAITING_APPROVAL", "COMPLETED", by)(made)
        series = Holding.objects.values_list("series", flat=True)[0]
        plan["ranges"] = [[0, made.home.pk, first, following, series, 0, None, made.accounts["ISS"].pk]]
        return function, plan

    return make


def begin(
    kind: str, sender: str | None, acquirer: str, state: str = "COMPLETED", by: str = "representative", **more: Any
) -> Callable[[Beijing], tuple[str, Plan]]:
    """A plan of a transaction that begins in a state, by a person."""

    def make(made: Beijing) -> tuple[str, Plan]:
        first = 1_001
        if sender is not None:
            first = free_serial(made, sender)
        plan = plan_of(made, kind, sender, acquirer, first, first + 5)
        columns = {"initiator_id": type(made.user).objects.get(username=by).pk, "state": state}
        if state != "COMPLETED":
            columns |= {"completed_at": None, "due_at": NOW + DAY}
        if kind == "10-2":
            columns["obligation_id"] = Obligation.objects.get().pk
        plan["transactions"][0] |= columns | more
        return "registry_effect", plan

    return make


def free_serial(made: Beijing, name: str) -> int:
    """The first serial of a block that nothing has reserved."""
    ends = UnitBlock.objects.filter(account=made.accounts[name], held_for=None).values_list("end_no", flat=True)
    return max(end for end in ends if end is not None) - 5


def say(
    make: Callable[[Beijing], tuple[str, Plan]], change: Callable[[Plan], object]
) -> Callable[[Beijing], tuple[str, Plan]]:
    def made_otherwise(made: Beijing) -> tuple[str, Plan]:
        function, plan = make(made)
        change(plan)
        return function, plan

    return made_otherwise


def with_more(make: Callable[[Beijing], tuple[str, Plan]]) -> Callable[[Beijing], tuple[str, Plan]]:
    """Add a range that the transaction did not propose."""

    def made_otherwise(made: Beijing) -> tuple[str, Plan]:
        function, plan = make(made)
        first, series = free_serial(made, "ava"), Holding.objects.values_list("series", flat=True)[0]
        ava, ben = made.accounts["ava"].pk, made.accounts["ben"].pk
        plan["ranges"] = [[0, made.home.pk, first, first + 5, series, 0, ava, ben]]
        return function, plan

    return made_otherwise


@dataclass(frozen=True, slots=True)
class Attack:
    """A plan, and the conditions of functions that stand in its way."""

    make: Callable[[Beijing], tuple[str, Plan]]
    guards: tuple[Guard, ...]


STEP, STATES, RANGE = (
    "registry_step_takes_effect",
    "registry_transaction_keeps_to_its_states",
    "registry_range_takes_effect",
)
KNOWN: Guard = (STEP, "NOT IN (", "IN (('', '', ''),")
RIGHT: Guard = (STEP, "NEW.event = 'approved' AND NOT registry_may_approve(NEW.user_id, given)", "false")
PERSON: Guard = (STEP, "NEW.user_id IS NULL AND NEW.event IN", "false AND NEW.event IN")
APPROVED: Guard = (STATES, "AND NEW.approver_id IS NULL", "AND false")
TWO: Guard = (RANGE, "parent.approval <> 'record' AND (parent", "false AND (parent")
WAITS: Guard = (RANGE, "parent.state = 'COMPLETED' AND parent.delayed", "false AND parent.delayed")
MUST_WAIT: Guard = (STEP, "registry_must_wait(given, NEW.at)", "false")
EARLY: tuple[Guard, ...] = (
    (STEP, "NEW.event IN ('due', 'check-failed') AND NEW.at < given.due_at", "false"),
    (STATES, "NEW.completed_at < NEW.due_at", "false"),
)
ENDS: Guard = (STATES, "NEW.state = 'DELAYED' AND NEW.due_at IS NULL", "false")
ENTRY: Guard = (
    "registry_proceed",
    "OR NOT jsonb_path_query_array(plan, '$.steps",
    "OR false AND NOT jsonb_path_query_array(plan, '$.steps",
)
AWAITS = ("AWAITING_APPROVAL", "DELAYED")

ATTACKS: dict[str, Attack] = {
    # who approves
    "self-approval": Attack(
        step("to ben", "approved", *AWAITS, "representative"),
        ((STATES, "NEW.approver_id = NEW.initiator_id", "false"),),
    ),
    "self-approval of what then completes": Attack(
        step("to avas", "approved", "AWAITING_APPROVAL", "COMPLETED", "representative"),
        ((STATES, "NEW.approver_id = NEW.initiator_id", "false"),),
    ),
    "approval by who only reads": Attack(step("to ben", "approved", *AWAITS, "reader"), (RIGHT,)),
    "approval by who only initiates": Attack(step("to ben", "approved", *AWAITS, "initiator"), (RIGHT,)),
    "approval by the other side": Attack(step("to ben", "approved", *AWAITS, "other side"), (RIGHT,)),
    "approval by who is no user any more": Attack(step("to ben", "approved", *AWAITS, "dismissed"), (RIGHT,)),
    "approval by an administrator": Attack(step("to ben", "approved", *AWAITS, "senior"), (RIGHT,)),
    "an approval for one of two accounts, by an administrator": Attack(step("of two", "approved", *AWAITS, "senior"), (RIGHT,)),
    "an approval for one of two accounts, by a representative": Attack(step("of two", "approved", *AWAITS), (RIGHT,)),
    "an issuance approved by a representative": Attack(issued(1_001, 1_011, "second-representative"), (RIGHT,)),
    "an approval by nobody": Attack(step("to ben", "approved", *AWAITS, None), (PERSON, RIGHT, APPROVED)),
    "a refusal by nobody": Attack(step("to ben", "refused", "AWAITING_APPROVAL", "REJECTED", None), (PERSON,)),
    "a withdrawal by nobody": Attack(step("to ben", "withdrawn", "AWAITING_APPROVAL", "CANCELLED", None), (PERSON,)),
    # around the approval
    "completion without approval": Attack(step("to avas", "due", "AWAITING_APPROVAL", "COMPLETED"), (KNOWN, APPROVED)),
    "a delay without approval": Attack(step("to ben", "due", *AWAITS), (KNOWN, APPROVED, ENDS)),
    "a transfer that begins completed, by one": Attack(begin("10-50", "ava", "avas"), (TWO,)),
    "a transfer that begins delayed, by one": Attack(begin("10-50", "ava", "ben", "DELAYED"), (TWO,)),
    "a transfer that begins proposed, by one": Attack(begin("10-50", "ava", "ben", "PROPOSED"), (TWO,)),
    "a surrender by one": Attack(begin("10-2", "mill", "SUR"), (TWO,)),
    "a cancellation by one": Attack(begin("4-0", "ava", "CAN"), (TWO,)),
    "an issuance by one": Attack(begin("1-0", None, "ISS"), (TWO,)),
    "a transfer out of the issuance account by one": Attack(begin("10-50", "ISS", "ann", by="senior"), (TWO,)),
    "an auction delivery by one": Attack(begin("10-37", "ISS", "ann", by="senior"), (TWO,)),
    "a cancellation by order, by one": Attack(begin("4-48", "ava", "MCN", by="senior"), (TWO,)),
    "a transfer to a stranger by one who may send to trusted accounts alone": Attack(begin("10-50", "ann", "ben", "DELAYED"), (TWO,)),
    # around the delay
    "an untrusted transfer that begins completed": Attack(begin("10-50", "ava", "ben"), (TWO, WAITS)),
    "an untrusted transfer completed by its approval": Attack(step("to ben", "approved", "AWAITING_APPROVAL", "COMPLETED"), (MUST_WAIT,)),
    "an untrusted transfer sent on by its approval": Attack(step("to ben", "approved", "AWAITING_APPROVAL", "PROPOSED"), (MUST_WAIT,)),
    "an early execution": Attack(step("delayed", "due", "DELAYED", "COMPLETED", None), EARLY),
    "an early failure": Attack(step("delayed", "check-failed", "DELAYED", "TERMINATED", None), EARLY[:1]),
    "an approval due before it is given": Attack(step("to ben", "approved", *AWAITS, due_at=NOW), ((STEP, "NEW.due_at < NEW.at", "false"),)),
    "an approval that delays for ever": Attack(
        step("to ben", "approved", *AWAITS, due_at=None),
        ((STEP, "(NEW.due_at IS NOT NULL) <> (NEW.event = 'approved' AND NEW.to_state = 'DELAYED')", "false"), ENDS),
    ),
    "a withdrawal that sets a term": Attack(
        step("delayed", "withdrawn", "DELAYED", "CANCELLED", due_at=NOW + DAY),
        ((STEP, "(NEW.due_at IS NOT NULL) <> (NEW.event = 'approved' AND NEW.to_state = 'DELAYED')", "false"),),
    ),
    # out of time, out of turn
    "an approval too late": Attack(
        step("to ben", "approved", *AWAITS, at=lambda outcome: outcome.expires_at, due_at=lambda outcome: outcome.expires_at + DAY),
        ((STEP, "NEW.event = 'approved' AND NEW.at >= given.expires_at", "false"),),
    ),
    "an expiry too early": Attack(
        step("to ben", "expired", "AWAITING_APPROVAL", "CANCELLED", None, at=lambda outcome: outcome.expires_at - SECOND_LATER),
        ((STEP, "NEW.event = 'expired' AND NEW.at < given.expires_at", "false"),),
    ),
    "a step before the proposal": Attack(
        step("to ben", "withdrawn", "AWAITING_APPROVAL", "CANCELLED", at=NOW - SECOND_LATER),
        ((STEP, "NEW.at < given.proposed_at", "false"),),
    ),
    "a step before the last": Attack(
        step("delayed", "withdrawn", "DELAYED", "CANCELLED", at=NOW),
        ((STEP, "NEW.at < (SELECT", "false AND NEW.at < (SELECT"),),
    ),
    "a step without end": Attack(
        step("to ben", "withdrawn", "AWAITING_APPROVAL", "CANCELLED", at="infinity"),
        ((STEP, "NEW.at >= '9000-01-01Z'", "false"),),
    ),
    "a step from another state": Attack(
        step("to ben", "withdrawn", "DELAYED", "CANCELLED"),
        ((STEP, "given.state IS DISTINCT FROM NEW.from_state", "false"),),
    ),
    # what the functions ask of a plan
    "a hold without a freeze": Attack(
        step("delayed", "frozen", "DELAYED", "ON_HOLD"),
        (("registry_proceed", "s ->> 'event' IN ('frozen', 'released')", "false"), (STEP, "NEW.event = 'frozen' AND NOT EXISTS", "false AND NOT EXISTS")),
    ),
    "a step that the log does not tell": Attack(
        say(step("to ben", "approved", *AWAITS), lambda plan: plan.update(entries=[entry("another")])), (ENTRY,)
    ),
    "an issuance approved, and nothing made": Attack(
        say(issued(1_001, 1_011), lambda plan: plan.update(ranges=[])),
        (("registry_transaction_has_ranges", "NEW.state = 'COMPLETED' OR NOT EXISTS", "NOT EXISTS"),),
    ),
    "an issuance of more than was proposed": Attack(
        issued(1_001, 1_012), (("registry_ranges_make_up_the_quantity", "s.total <> t.quantity", "false"),)
    ),
    "units under a transaction that has its own": Attack(
        with_more(step("to ben", "approved", *AWAITS)),
        (
            (RANGE, "parent.recorded_in <> pg_current_xact_id()", "false"),
            ("registry_ranges_make_up_the_quantity", "s.total <> t.quantity", "false"),
        ),
    ),
}  # fmt: skip


HONEST: dict[str, Callable[[Beijing], tuple[str, Plan]]] = {
    "an approval": step("to ben", "approved", *AWAITS),
    "an approval that completes": step("to avas", "approved", "AWAITING_APPROVAL", "COMPLETED"),
    "a refusal": step("to ben", "refused", "AWAITING_APPROVAL", "REJECTED"),
    "a withdrawal": step("delayed", "withdrawn", "DELAYED", "CANCELLED"),
    "an expiry": step("to ben", "expired", "AWAITING_APPROVAL", "CANCELLED", None, at=lambda outcome: outcome.expires_at),
    "an execution": step("delayed", "due", "DELAYED", "COMPLETED", None, at=lambda outcome: outcome.due_at),
    "a failure": step("delayed", "check-failed", "DELAYED", "TERMINATED", None, at=lambda outcome: outcome.due_at, failures=[4009]),
    "an issuance": issued(1_001, 1_011),
    "a proposal": begin("10-50", "ava", "ben", "AWAITING_APPROVAL", expires_at=NOW + DAY, due_at=None),
    "a transfer by one to a trusted account": begin("10-50", "ann", "bob"),
}  # fmt: skip


def told(role: psycopg.Connection[tuple], function: str, plan: Plan) -> str | None:
    """What PostgreSQL says of a plan, as late as COMMIT; None when it would be carried out, which it is not in the end."""
    try:
        with role.transaction(force_rollback=True):
            role.execute(f"SELECT {function}(%s::jsonb)", [json.dumps(plan, default=lambda value: value.isoformat())])
            role.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except REFUSED as error:
        return str(error.diag.message_primary)
    return None


@pytest.mark.parametrize("honest", HONEST)
def test_an_honest_plan_of_that_shape_is_carried_out(place, honest):
    """The positive control: only what is wrong with the attacks is refused."""
    assert told(place.service, *HONEST[honest](place.made)) is None


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_forged_step_is_refused(place, attack):
    was = everything(place.owner)
    assert told(place.service, *ATTACKS[attack].make(place.made)) is not None
    assert everything(place.owner) == was


@pytest.mark.parametrize("attack", ATTACKS)
def test_only_for_its_guards(place, attack):
    """The negative control: with them taken out, nothing else stops it."""
    with without(place.owner, list(ATTACKS[attack].guards)):
        assert told(place.service, *ATTACKS[attack].make(place.made)) is None


ALONE = [
    (attack, number) for attack, row in ATTACKS.items() if len(row.guards) > 1 for number in range(len(row.guards))
]


@pytest.mark.parametrize(("attack", "number"), ALONE)
def test_each_of_several_guards_is_enough(place, attack, number):
    guards = list(ATTACKS[attack].guards)
    with without(place.owner, guards[:number] + guards[number + 1 :]):
        assert told(place.service, *ATTACKS[attack].make(place.made)) is not None
