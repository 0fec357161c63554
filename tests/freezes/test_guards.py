"""What neither a service that is no longer ours nor the tables' owner can do to a freeze, and which guard stands in the way.

Each attack is refused with all guards in place; with just those named beside it taken out, in a database transaction that is
rolled back, it succeeds.
"""

# ruff: noqa: E501 - a statement broken over lines is harder to read than a long one

import json
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from registry.operations.request_release import request_release
from tests.build import NOW
from tests.freezes.people import Staffed, staffed
from tests.ledger.standing import Standing, standing
from tests.ledger.test_raw_sql import REFUSED, run
from tests.ledger.test_ways_around import Guard, constraint, take_out, trigger

HOME = "(SELECT id FROM accounts_jurisdiction WHERE code = 'CN-BJ')"
JP = "(SELECT id FROM accounts_jurisdiction WHERE code = 'JP-13')"


def user(name: str) -> str:
    return f"(SELECT id FROM accounts_user WHERE username = '{name}')"


# What stands: 1 of serials, 2 of serials with its release asked for by senior, 3 of serials and released, 4 of a transaction, 5 of bob.
def made() -> Staffed:
    staff = staffed()
    staff.freeze(601, 651)
    request_release(staff.freeze(651, 701).id, actor=staff.senior, now=NOW)
    staff.lift(staff.freeze(701, 711))
    staff.hold(staff.delayed((501, 521)))
    staff.freeze_account("bob")
    staff.delayed((521, 541))
    return staff


HELD = "(SELECT transaction_id FROM registry_freeze WHERE id = 4)"
WAITING = "(SELECT id FROM registry_transaction WHERE state = 'DELAYED')"


def insert(
    by: str = "junior", where: str = HOME, first: int = 801, following: int = 811, more: str = "", values: str = ""
) -> str:
    return (
        f"INSERT INTO registry_freeze (jurisdiction_id, origin_id, first_no, next_no, reason, review_on, frozen_by_id, frozen_at{more})"
        f" VALUES ({where}, {HOME}, {first}, {following}, 'forged', '2026-09-01', {user(by)}, now(){values})"
    )


def update(number: int, change: str) -> str:
    return f"UPDATE registry_freeze SET {change} WHERE id = {number}"


def released(by: str) -> str:
    return f"released_by_id = {user(by)}, released_at = now()"


def asked(by: str) -> str:
    return f"release_requested_by_id = {user(by)}, release_requested_at = now()"


def withdrawn(by: str) -> str:
    return f"release_requested_by_id = NULL, release_requested_at = NULL, request_withdrawn_by_id = {user(by)}, request_withdrawn_at = now()"


def condition(text: str, instead: str = "false") -> Guard:
    return ("registry_freeze_takes_effect", text, instead)


FREEZER = condition("NOT registry_has_role(NEW.frozen_by_id,", "false AND registry_has_role(NEW.frozen_by_id,")
REQUESTER = condition(
    "NOT registry_has_role(NEW.release_requested_by_id,", "false AND registry_has_role(NEW.release_requested_by_id,"
)
RELEASER = condition("NOT registry_has_role(NEW.released_by_id,", "false AND registry_has_role(NEW.released_by_id,")
ASKED_FIRST = condition("OLD.release_requested_at IS NULL AND NEW.released_at IS NOT NULL")
WITHDRAWER = condition("IF (NEW.request_withdrawn_by_id", "IF false AND (NEW.request_withdrawn_by_id")
NOT_WITHDRAWN = condition(
    "OR NOT withdrawn AND (NEW.request_withdrawn_by_id", "OR false AND (NEW.request_withdrawn_by_id"
)
ASKED_ONCE = condition("to_jsonb(NEW) - asked <> to_jsonb(OLD) - asked")
WHOLE = trigger("freeze", "freezes_take_effect")
BY_A_STEP = "INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at)"

ATTACKS: dict[str, tuple[str, list[Guard]]] = {
    # two release
    "released by who asked for it": (update(2, released("senior")), [constraint("freeze", "two_release")]),
    "released by a junior administrator": (update(2, released("junior")), [RELEASER]),
    "released by the compliance authority": (update(2, released("authority")), [RELEASER]),
    "released by a senior administrator of elsewhere": (update(2, released("stranger")), [RELEASER]),
    "released by nobody": (
        update(2, "released_at = now()"),
        [RELEASER, constraint("freeze", "release_is_asked_then_given")],
    ),
    "asked for and released in one stroke": (update(1, f"{asked('junior')}, {released('senior')}"), [ASKED_FIRST]),
    "released before it was asked for": (
        update(1, released("senior")),
        [ASKED_FIRST, constraint("freeze", "release_is_asked_then_given")],
    ),
    "asked for by a representative": (update(1, asked("representative")), [REQUESTER]),
    "asked for by the compliance authority": (update(1, asked("authority")), [REQUESTER]),
    "asked for by another than asked": (update(2, asked("junior")), [ASKED_ONCE]),
    "a request taken back by another than asked": (update(2, withdrawn("junior")), [WITHDRAWER]),
    "a request taken back by nobody": (
        update(2, "release_requested_by_id = NULL, release_requested_at = NULL"),
        [WITHDRAWER],
    ),
    "a request taken back before it was made": (
        update(2, withdrawn("senior").replace("now()", "release_requested_at - interval '1 s'")),
        [WITHDRAWER, constraint("freeze", "release_is_asked_then_given")],
    ),
    "a request taken back and the freeze released in one stroke": (
        update(2, f"{withdrawn('senior')}, {released('second-senior')}"),
        [WITHDRAWER, constraint("freeze", "release_is_asked_then_given")],
    ),
    "a request taken back that nobody made": (
        update(1, f"request_withdrawn_by_id = {user('senior')}, request_withdrawn_at = now()"),
        [NOT_WITHDRAWN, REQUESTER],
    ),
    "another reason given for a release": (update(2, "release_reason = 'another'"), [ASKED_ONCE]),
    "released again": (update(3, released("second-senior")), [condition("OLD.released_at IS NOT NULL OR", "")]),
    "released before it was frozen": (
        update(1, f"release_requested_by_id = {user('junior')}, release_requested_at = '2020-01-01Z'"),
        [constraint("freeze", "release_is_asked_then_given")],
    ),
    # what is frozen stays as it was written
    "a freeze narrowed": (update(1, "next_no = 602"), [WHOLE]),
    "a freeze of another reason": (update(1, "reason = 'another'"), [WHOLE]),
    "a freeze removed": ("DELETE FROM registry_freeze WHERE id = 1", [WHOLE]),
    "all freezes removed": (
        "TRUNCATE registry_freeze, linking_notice, linking_theftcase",
        [
            trigger("freeze", "never_truncated"),
            "DROP TRIGGER never_truncated ON linking_notice",
            "DROP TRIGGER never_truncated ON linking_theftcase",
        ],
    ),
    # who freezes, and what
    "frozen by a representative": (insert("representative"), [FREEZER]),
    "frozen by staff of elsewhere": (insert("stranger"), [FREEZER]),
    "frozen for another jurisdiction": (
        "INSERT INTO registry_freeze (jurisdiction_id, account_id, reason, review_on, frozen_by_id, frozen_at)"
        f" VALUES ({JP}, (SELECT id FROM accounts_account WHERE name = 'cid'), 'forged', '2026-09-01', {user('stranger')}, now())",
        [condition("NEW.jurisdiction_id IS DISTINCT FROM coalesce(", "NULL = coalesce(")],
    ),
    "frozen without a reason": (insert().replace("'forged'", "''"), [constraint("freeze", "freeze_has_a_reason")]),
    "frozen and released at once": (
        insert(
            more=", release_requested_by_id, release_requested_at, released_by_id, released_at",
            values=f", {user('junior')}, now(), {user('senior')}, now()",
        ),
        [
            condition(
                "NEW.released_at IS NOT NULL OR NEW.release_requested_by_id IS NOT NULL OR NEW.request_withdrawn_by_id IS NOT NULL\n                OR NEW.release_reason <> ''"
            )
        ],
    ),
    "serials that are not issued": (
        insert(first=1_001, following=1_011),
        [("registry_mark_frozen", "account_id IS NULL", "false")],
    ),
    # marks are the work of freezes
    "a mark rubbed off the blocks": (
        "UPDATE registry_unitblock SET frozen_by = NULL WHERE frozen_by = 1",
        [trigger("unitblock", "only_freezes_freeze_blocks")],
    ),
    "a mark put on blocks": (
        "UPDATE registry_unitblock SET frozen_by = 1 WHERE frozen_by IS NULL AND start_no = 801",
        [trigger("unitblock", "only_freezes_freeze_blocks")],
    ),
    "a mark rubbed off an account": (
        "UPDATE accounts_account SET frozen = false WHERE name = 'bob'",
        ["ALTER TABLE accounts_account DISABLE TRIGGER only_freezes_freeze_accounts"],
    ),
    "a transaction released by a step": (
        f"{BY_A_STEP} VALUES ({HELD}, 'released', 'ON_HOLD', 'DELAYED', {user('senior')}, now())",
        [("registry_step_takes_effect", "NEW.event = 'released' AND EXISTS", "false AND EXISTS")],
    ),
    "a transaction held by a step": (
        f"{BY_A_STEP} VALUES ({WAITING}, 'frozen', 'DELAYED', 'ON_HOLD', {user('senior')}, now())",
        [("registry_step_takes_effect", "NEW.event = 'frozen' AND NOT EXISTS", "false AND NOT EXISTS")],
    ),
}


@pytest.fixture(scope="module")
def withstanding(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Standing]:
    with standing(django_db_blocker, made) as all_attacks:
        yield all_attacks


def content(owner: psycopg.Connection[tuple]) -> list[tuple]:
    return owner.execute(
        "SELECT 'f', to_jsonb(f)::text FROM registry_freeze f UNION ALL SELECT 'b', to_jsonb(b)::text FROM registry_unitblock b"
        " UNION ALL SELECT 't', to_jsonb(t)::text FROM registry_transaction t"
        " UNION ALL SELECT 'a', to_jsonb(a)::text FROM accounts_account a ORDER BY 1, 2"
    ).fetchall()


@pytest.mark.parametrize("attack", ATTACKS)
def test_nobody_gets_around_two_persons(withstanding: Standing, attack):
    before = content(withstanding.owner)
    with pytest.raises(REFUSED):
        run(withstanding.owner, ATTACKS[attack][0])
    assert content(withstanding.owner) == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_service_may_not_even_write_it(withstanding: Standing, attack):
    with pytest.raises((errors.InsufficientPrivilege, *REFUSED)):
        run(withstanding.service, ATTACKS[attack][0])


@pytest.mark.parametrize("attack", ATTACKS)
def test_only_for_its_guards(withstanding: Standing, attack):
    """The negative control."""
    statement, guards = ATTACKS[attack]
    with withstanding.owner.transaction(force_rollback=True):
        for guard in guards:
            take_out(withstanding.owner, guard)
        changed = withstanding.owner.execute(statement).rowcount
        withstanding.owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert changed != 0


ALONE = [(name, number) for name, (_, guards) in ATTACKS.items() if len(guards) > 1 for number in range(len(guards))]


@pytest.mark.parametrize(("attack", "number"), ALONE)
def test_each_of_several_guards_is_enough(withstanding: Standing, attack, number):
    statement, guards = ATTACKS[attack]
    with withstanding.owner.transaction(force_rollback=True):
        for guard in guards[:number] + guards[number + 1 :]:
            take_out(withstanding.owner, guard)
        with pytest.raises(REFUSED):
            run(withstanding.owner, statement)


def test_serials_are_not_frozen_on_an_old_snapshot(withstanding: Standing):
    with pytest.raises(errors.IntegrityConstraintViolation):
        run(withstanding.owner, f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; {insert()}")


def entry(subject: str) -> dict[str, object]:
    return {
        "registry": "CN-BJ", "event": "freeze.released", "part": 1, "parts": 1, "occurred_at": "2026-06-01T12:00:00Z",
        "actor": "user:1", "subject": subject, "body": "{}",
    }  # fmt: skip


def by(act: str, number: int, name: str) -> str:
    """A plan of an act upon a freeze, as PostgreSQL puts it together."""
    return (
        f"jsonb_build_object('{act}', jsonb_build_object('id', {number}, 'by', {user(name)}, 'at', now(), 'reason', ''),"
        f" 'entries', '{json.dumps([entry(f'freeze:{number}')])}'::jsonb, 'answers', '[]'::jsonb)"
    )


FREEZE = (
    f"jsonb_build_object('freeze', jsonb_build_object('id', NUMBER, 'jurisdiction_id', {HOME}, 'origin_id', {HOME}, 'first_no', 801,"
    f" 'next_no', 811, 'reason', 'forged', 'reference', '', 'review_on', '2026-09-01', 'frozen_by_id', {user('junior')}, 'frozen_at', now()),"
    " 'entries', jsonb_build_array('"
    + json.dumps(entry(""))
    + "'::jsonb || jsonb_build_object('subject', 'freeze:' || NUMBER)), 'answers', '[]'::jsonb)"
)
PLANS = {
    "released by who asked for it": by("release", 2, "senior"),
    "released by a junior administrator": by("release", 2, "junior"),
    "released when nobody asked": by("release", 1, "senior"),
    "asked for twice": by("ask", 2, "junior"),
    "asked for by a representative": by("ask", 1, "representative"),
    "released without an entry": by("release", 2, "second-senior") + " - 'entries'",
    "released with an entry about another": by("release", 2, "second-senior").replace("freeze:2", "freeze:1"),
    "frozen under a number of one's own": FREEZE.replace("NUMBER", "4711"),
    "frozen under the number of another": FREEZE.replace("NUMBER", "1"),
}


@pytest.mark.parametrize("plan", PLANS)
def test_a_forged_plan_is_refused(withstanding: Standing, plan):
    before = content(withstanding.owner)
    withstanding.service.execute("SELECT registry_freezing('{}')")
    with pytest.raises(REFUSED):
        run(withstanding.service, f"SELECT registry_freeze_or_release({PLANS[plan]})")
    assert content(withstanding.owner) == before


@pytest.mark.parametrize(
    "plan", [by("release", 2, "second-senior"), by("ask", 1, "junior"), FREEZE.replace("NUMBER", "currval(pg_get_serial_sequence('registry_freeze', 'id'))")]
)  # fmt: skip
def test_a_plan_that_keeps_every_rule_is_carried_out_whoever_made_it(withstanding: Standing, plan):
    """So the forged ones fail for what they say."""
    with withstanding.owner.transaction(force_rollback=True):
        withstanding.owner.execute("SELECT registry_freezing('{}')")
        withstanding.owner.execute(f"SELECT registry_freeze_or_release({plan})")
