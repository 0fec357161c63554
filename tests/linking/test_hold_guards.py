"""What neither a service that is no longer ours nor the tables' owner can do about holds and cases of theft, and which guard refuses it.

Each attack is refused with all guards in place; with just those named beside it taken out, in a database transaction that is
rolled back, it succeeds.
"""

# ruff: noqa: E501 - a statement broken over lines is harder to read than a long one

from collections.abc import Iterator

import pytest
from psycopg import errors

from tests.ledger.standing import Standing, standing
from tests.ledger.test_raw_sql import REFUSED, run
from tests.ledger.test_ways_around import Guard, constraint, take_out, trigger
from tests.linking.thefts import Chase, chase


# What stands: freeze 1 of Beijing; holds 2 (bob), 3 (ann) and 4 (plant) of Tokyo; freezes 5 and 6 of Tokyo in the place of 3 and 4;
# case 1 about 3, proposed by the junior administrator: by the clause, who acquired the units for value keeps them. Ann has 10 more.
def made() -> Chase:
    begun = chase("buyer-keeps")
    for first, name in ((1, "bob"), (101, "ann"), (201, "plant")):
        begun.sent(first, first + 100, name)
    begun.sent(301, 311, "ann")
    begun.freeze(1, 301)
    _, second, third = begun.holds()
    begun.confirm(second)
    begun.confirm(third)
    begun.case(second, for_value=True)
    return begun


def user(name: str) -> str:
    return f"(SELECT id FROM accounts_user WHERE username = '{name}')"


def home(code: str) -> str:
    return f"(SELECT id FROM accounts_jurisdiction WHERE code = '{code}')"


def account(code: str, name: str) -> str:
    return f"(SELECT id FROM accounts_account WHERE name = '{name}' AND jurisdiction_id = {home(code)})"


def case(
    hold: int = 4,
    freeze: int = 6,
    value: bool = True,
    outcome: str = "keep",
    by: str = "jp-junior",
    victim: str = "NULL",
) -> str:
    reference = "''" if victim == "NULL" else "'order'"
    return (
        "INSERT INTO linking_theftcase (hold_id, freeze_id, acquired_for_value, evidence, outcome, victim_id, reference, proposed_by_id, proposed_at)"
        f" VALUES ({hold}, {freeze}, {value}, 'forged', '{outcome}', {victim}, {reference}, {user(by)}, '2026-06-02T04:00Z')"
    )


def decided(by: str, freeze: int = 5) -> str:
    return f"UPDATE linking_theftcase SET decided_by_id = {user(by)}, decided_at = '2026-06-03T04:00Z' WHERE freeze_id = {freeze}"


def of_freezes(condition: str, instead: str = "false") -> Guard:
    return ("registry_freeze_takes_effect", condition, instead)


def of_cases(condition: str, instead: str = "false") -> Guard:
    return ("linking_case_goes_by_the_clause", condition, instead)


def linking_trigger(table: str, name: str) -> str:
    return f"ALTER TABLE linking_{table} DISABLE TRIGGER {name}"


WHOLE = trigger("freeze", "freezes_take_effect")
RELEASER = of_freezes("NOT registry_has_role(NEW.released_by_id,", "false AND registry_has_role(NEW.released_by_id,")
DECIDERS = of_cases(
    "TG_OP = 'UPDATE' AND NOT linking_administers(NEW.decided_by_id,",
    "false AND linking_administers(NEW.decided_by_id,",
)
ATTACKS: dict[str, tuple[str, list[Guard]]] = {
    # a hold stands until its instant
    "a hold that ends a moment early": (
        "UPDATE registry_freeze SET released_at = expires_at - interval '1 microsecond' WHERE id = 2",
        [of_freezes("NEW.released_at >= NEW.expires_at", "true")],
    ),
    "a hold that ends early by another time": (
        "UPDATE registry_freeze SET expires_at = expires_at - interval '1 day' WHERE id = 2",
        [WHOLE],
    ),
    "a hold replaced by a freeze of another city": (
        "UPDATE registry_freeze SET released_at = frozen_at, confirmed_by_id = 1 WHERE id = 2",
        [of_freezes("ELSE EXISTS (SELECT FROM registry_freeze f WHERE f.id = NEW.confirmed_by_id", "ELSE true OR EXISTS (SELECT FROM registry_freeze f WHERE f.id = NEW.confirmed_by_id")],
    ),
    "a hold that no freeze asked for": (
        "INSERT INTO registry_freeze (jurisdiction_id, origin_id, first_no, next_no, reason, review_on, frozen_by_id, frozen_at, notice_of_id, agreement_id, expires_at)"
        f" VALUES ({home('JP-13')}, {home('CN-BJ')}, 301, 311, 'forged', '2026-09-01', {user('cn-senior')}, now(), 1, 1, now() + interval '9 days')",
        [of_freezes("pg_trigger_depth() < 2")],
    ),
    "a hold for ever": (
        "UPDATE registry_freeze SET notice_of_id = 1 WHERE id = 5",
        [WHOLE, constraint("freeze", "hold_is_of_serials_for_a_time")],
    ),
    # what was said to the other side stays as it was said
    "a notice that nobody gave": (
        "INSERT INTO linking_notice (freeze_id, from_side_id, to_side_id, document, digest, given_by_id, given_at, expires_at)"
        f" VALUES (5, {home('JP-13')}, {home('CN-BJ')}, '', encode(sha256(''), 'hex'), {user('jp-junior')}, now(), now())",
        [linking_trigger("notice", "written_by_rule")],
    ),
    "a notice of another document": (
        "UPDATE linking_notice SET document = 'forged', digest = encode(sha256('forged'), 'hex')",
        [linking_trigger("notice", "written_by_rule"), linking_trigger("notice", "notices_never_change")],
    ),
    # a case goes by the clause, by two of the city in which the units lie
    "a case that says otherwise than the clause": (
        case(value=False),
        [of_cases("NEW.outcome <> (CASE", "false AND NEW.outcome <> (CASE")],
    ),
    "a case of units whose hold nobody confirmed": (
        case(hold=2, freeze=1),
        [of_cases("hold.confirmed_by_id IS DISTINCT FROM standing.id OR standing.released_at IS NOT NULL\n            OR (hold.first_no, hold.next_no) <> (standing.first_no, standing.next_no)")],
    ),
    "a case of the other side": (
        case(by="cn-senior"),
        [of_cases("NOT linking_administers(NEW.proposed_by_id,", "false AND linking_administers(NEW.proposed_by_id,")],
    ),
    "a case that sends units to an account abroad": (
        case(value=False, outcome="return", victim=account("JP-13", "bob")),
        [of_cases("NOT EXISTS (SELECT FROM accounts_account a", "false AND EXISTS (SELECT FROM accounts_account a")],
    ),
    "a second case": (
        case(hold=3, freeze=5),
        ["DROP INDEX a_freeze_has_one_case"],
    ),
    "a case decided by the other side": (decided("cn-senior"), [DECIDERS, RELEASER]),
    "a case decided by who proposed it": (
        f"{case(by='jp-senior')}; {decided('jp-senior', 6)}",
        [
            "ALTER TABLE linking_theftcase DROP CONSTRAINT two_decide",
            constraint("freeze", "two_release"),
        ],
    ),
    "a case turned round": (
        f"UPDATE linking_theftcase SET outcome = 'return', victim_id = {account('CN-BJ', 'ann')}, reference = 'forged', acquired_for_value = false",
        [of_cases("to_jsonb(NEW) - '{decided_by_id,decided_at,withdrawn_by_id,withdrawn_at,transaction_id}'::text[]\n            <> to_jsonb(OLD) - '{decided_by_id,decided_at,withdrawn_by_id,withdrawn_at,transaction_id}'::text[]", "false"), DECIDERS],
    ),
    "a case removed": ("DELETE FROM linking_theftcase", [linking_trigger("theftcase", "cases_go_by_the_clause")]),
    "units that are released and do not go home as decided": (
        f"{case(value=False, outcome='return', victim=account('CN-BJ', 'ann'))}; {decided('jp-senior', 6)}",
        [linking_trigger("theftcase", "cases_are_carried_out")],
    ),
    # a restitution follows a case
    "a restitution without a case": (
        "INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity, reason, reference, initiator_id, proposed_at, completed_at)"
        f" VALUES ('00000000-0000-4000-8000-000000000001', '3-55', 'COMPLETED', {home('JP-13')}, {account('JP-13', 'ann')}, {account('CN-BJ', 'ann')}, 10, 'forged', 'order', {user('jp-senior')}, '2026-06-02T04:00Z', '2026-06-02T04:00Z');"
        " INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, recognition_id, from_account_id, to_account_id, to_recognition_id)"
        " SELECT '00000000-0000-4000-8000-000000000001', b.origin_id, 301, 311, b.series_id, b.recognition_id, b.account_id, "
        f"{account('CN-BJ', 'ann')}, 0 FROM registry_unitblock b WHERE b.origin_id = {home('CN-BJ')} AND b.start_no = 301",
        [("linking_gives_back_what_was_stolen", "IF NOT FOUND THEN", "IF false THEN")],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def withstanding(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Standing]:
    with standing(django_db_blocker, made) as all_attacks:
        yield all_attacks


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_owner_finds_no_way(withstanding: Standing, attack):
    with pytest.raises(REFUSED):
        run(withstanding.owner, f"{ATTACKS[attack][0]}; SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("attack", ATTACKS)
def test_only_for_its_guards(withstanding: Standing, attack):
    """The negative control: with them taken out, nothing else stops it."""
    statements, guards = ATTACKS[attack]
    with withstanding.owner.transaction(force_rollback=True):
        for guard in guards:
            take_out(withstanding.owner, guard)
        for statement in statements.split("; "):
            assert withstanding.owner.execute(statement).rowcount != 0
        withstanding.owner.execute("SET CONSTRAINTS ALL IMMEDIATE")


WRITES = {
    "a freeze written past the function": "UPDATE registry_freeze SET released_at = expires_at WHERE id = 2",
    "a notice": "DELETE FROM linking_notice",
    "the outcome of a case": "UPDATE linking_theftcase SET outcome = 'return'",
    "the transaction of a case": "UPDATE linking_theftcase SET transaction_id = '00000000-0000-4000-8000-000000000001'",
    "a hold lapsed a day early by a forged plan": (
        "SELECT registry_freeze_or_release(jsonb_build_object('lapse', jsonb_build_object('id', 2, 'at', f.expires_at - interval '1 day'),"
        " 'entries', jsonb_build_array(jsonb_build_object('registry', 'JP-13', 'event', 'freeze.lapsed', 'part', 1, 'parts', 1,"
        " 'occurred_at', now(), 'actor', 'registry', 'subject', 'freeze:2', 'body', '{}')), 'answers', '[]'::jsonb)) FROM registry_freeze f WHERE f.id = 2"
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_service_that_is_no_longer_ours_writes_nothing_of_it(withstanding: Standing, write):
    with pytest.raises((errors.InsufficientPrivilege, *REFUSED)):
        run(withstanding.service, WRITES[write])


def test_the_forged_lapse_is_refused_for_its_time(withstanding: Standing):
    """At its instant the same plan is carried out, whoever made it."""
    plan = WRITES["a hold lapsed a day early by a forged plan"].replace(" - interval '1 day'", "")
    with withstanding.owner.transaction(force_rollback=True):
        withstanding.owner.execute(plan)
