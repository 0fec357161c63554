"""What the service's role can do to the tables of links by itself, beside reading: what is listed here, and nothing else.

It may hand in instruments, signatures, suspensions and ticks, and each is refused where it says what nobody could have signed.
Every refusal has its negative control, with that one guard taken out.
"""

# ruff: noqa: E501 - a statement broken over lines is harder to read than a long one

from collections.abc import Iterator
from hashlib import sha256
from json import loads
from typing import NamedTuple

import psycopg
import pytest
from psycopg import errors

from accounts.models import User, UserRole
from accounts.rules.access import Role
from audit.canonical import canonical_json
from config.embedded import addresses
from linking.operations.propose_instrument import propose_instrument
from linking.operations.sign_instrument import sign_instrument
from linking.operations.withdraw_instrument import withdraw_instrument
from linking.rules.documents import LeaveDocument
from linking.rules.terms import Direction, terms_from
from registry.verification import Verified, verify
from tests import conftest as databases
from tests.build import official
from tests.linking.cities import NOW, Pilot, pilot, terms
from tests.linking.forging import take_out
from tests.linking.standing_links import opened
from tests.linking.test_checks_of_links import BJ, JP, KR

# What the service may write by itself.
WRITES = {
    "linking_link": {"INSERT"},
    "linking_instrument": {"INSERT", "UPDATE"},
    "linking_signature": {"INSERT"},
    "linking_suspension": {"INSERT"},
    "linking_condition": {"INSERT"},
    "linking_sentform": {"INSERT"},
    "linking_theftcase": {"INSERT", "UPDATE"},
}
COLUMNS_TO_UPDATE = {
    ("linking_instrument", "withdrawn_at"),
    ("linking_instrument", "withdrawn_by_id"),
    ("linking_theftcase", "decided_by_id"),
    ("linking_theftcase", "decided_at"),
    ("linking_theftcase", "withdrawn_by_id"),
    ("linking_theftcase", "withdrawn_at"),
}
CALLABLE = {"linking_facts", "linking_ended", "linking_state_end"}


class Standing(NamedTuple):
    """Three who are at one database: the tables' owner, the service, and who only reads."""

    owner: psycopg.Connection[tuple]
    service: psycopg.Connection[tuple]
    auditor: psycopg.Connection[tuple]


def begun_to_sign() -> Pilot:
    """Beijing and Tokyo, linked one way; terms of the other way are proposed and signed once, by Tokyo's junior."""
    made = pilot()
    link = opened(made, BJ, JP)
    official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "another-junior", JP)
    both = official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "of-both", JP)
    UserRole.objects.create(
        user_id=both.user_id, role=str(Role.SENIOR_REGISTRY_ADMINISTRATOR), jurisdiction=made[BJ].home
    )
    # Signed for Tokyo, and has become Beijing's since.
    turned = official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "turncoat", JP)
    leave = propose_instrument(
        link, LeaveDocument(Direction(JP, BJ), None, NOW, None), actor=made[JP].officers[0], now=NOW
    )
    sign_instrument(leave.pk, digest=leave.digest, actor=made[JP].officers[0], now=NOW)
    sign_instrument(leave.pk, digest=leave.digest, actor=turned, now=NOW)
    UserRole.objects.filter(user_id=turned.user_id).delete()
    UserRole.objects.create(
        user_id=turned.user_id, role=str(Role.SENIOR_REGISTRY_ADMINISTRATOR), jurisdiction=made[BJ].home
    )
    away = official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "away", BJ)
    User.objects.filter(pk=away.user_id).update(is_active=False)
    open_one = propose_instrument(
        link, terms_from(terms(JP, BJ, net_flow_limit=9)), actor=made[JP].officers[0], now=NOW
    )
    sign_instrument(open_one.pk, digest=open_one.digest, actor=made[JP].officers[0], now=NOW)
    taken_back = propose_instrument(link, terms_from(terms(JP, BJ)), actor=made[JP].officers[0], now=NOW)
    withdraw_instrument(taken_back.pk, actor=made[JP].officers[0], now=NOW)
    return made


@pytest.fixture(scope="module")
def standing(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Standing]:
    """One database for all attacks, since each leaves everything as it was."""
    with (
        django_db_blocker.unblock(),  # type: ignore[attr-defined]
        databases.own_database(begun_to_sign) as (name, _),
        databases._login(addresses.OWNER, name) as owner,
        databases._login(addresses.APPLICATION, name) as service,
        databases._login(addresses.AUDITOR, name) as auditor,
    ):
        yield Standing(owner, service, auditor)
        assert isinstance(verify(), Verified), verify()


def user(name: str) -> str:
    return f"(SELECT id FROM accounts_user WHERE username = '{name}')"


def place(code: str) -> str:
    return f"(SELECT id FROM accounts_jurisdiction WHERE code = '{code}')"


def way(origin: str, destination: str) -> str:
    return (
        f"(SELECT id FROM linking_corridor WHERE origin_id = {place(origin)} AND destination_id = {place(destination)})"
    )


LINK = f"(SELECT link_id FROM linking_corridor WHERE id = {way(BJ, JP)})"
OPEN = "(SELECT max(id) FROM linking_instrument WHERE concluded_at IS NULL AND withdrawn_at IS NULL)"
CONCLUDED = "(SELECT max(id) FROM linking_instrument WHERE concluded_at IS NOT NULL)"
WITHDRAWN = "(SELECT max(id) FROM linking_instrument WHERE withdrawn_at IS NOT NULL)"
AT = f"'{NOW.isoformat()}'"


def signature(name: str, side: str, of: str = OPEN, at: str = AT) -> str:
    return f"INSERT INTO linking_signature (instrument_id, jurisdiction_id, user_id, at) VALUES ({of}, {place(side)}, {user(name)}, {at})"


def instrument(
    kind: str,
    document: str,
    by: str = "jp-junior",
    corridor: str = "NULL",
    side: str = "NULL",
    more: str = "",
    values: str = "",
) -> str:
    return (
        "INSERT INTO linking_instrument (kind, link_id, corridor_id, side_id, document, content, digest, proposed_by_id, proposed_at"
        f"{more}) VALUES ('{kind}', {LINK}, {corridor}, {side}, '{document}', '{{}}', 'not the digest', {user(by)}, {AT}{values})"
    )  # fmt: skip


def suspension(by: str, side: str, corridor: str = way(BJ, JP), more: str = "", values: str = "") -> str:
    return f"INSERT INTO linking_suspension (corridor_id, side_id, by_id, at, reason{more}) VALUES ({corridor}, {place(side)}, {user(by)}, {AT}, 'x'{values})"


def tick(by: str, side: str, expires: str = f"{AT}::timestamptz + interval '365 days'") -> str:
    return (
        "INSERT INTO linking_condition (link_id, code, side_id, ticked_by_id, ticked_at, evidence, expires_at)"
        f" VALUES ({LINK}, 'contacts-named', {place(side)}, {user(by)}, {AT}, 'x', {expires})"
    )


def said(document: dict[str, object]) -> str:
    return canonical_json(document).decode()


LEAVE = said(
    {
        "corridor": {"origin": BJ, "destination": JP},
        "limit": None,
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_to": None,
    }
)
GIVEN, PROPOSED, TICKED = "linking_signature_is_given", "linking_instrument_is_proposed", "linking_condition_is_ticked"
SUSPENDS = "linking_suspension_takes_effect"
# Attack: the statement, the rule that refuses it, and the function that keeps it.
ATTACKS: dict[str, tuple[str, str, str]] = {
    "signing for the other side": (signature("jp-senior", BJ), "administrators_sign", GIVEN),
    "a stranger's signature": (signature("jp-one", JP), "administrators_sign", GIVEN),
    "a third city's signature": (signature("kr-senior", JP), "administrators_sign", GIVEN),
    "signing for a third city": (signature("kr-senior", KR), "two_sign_for_a_side", GIVEN),
    "a junior's second signature": (signature("another-junior", JP), "administrators_sign", GIVEN),
    "the signature of somebody who is no user any more": (signature("away", BJ), "administrators_sign", GIVEN),
    "signing with a role in both cities, for one": (signature("of-both", JP), "nobody_signs_for_both_sides", GIVEN),
    "signing with a role in both cities, for the other": (signature("of-both", BJ), "nobody_signs_for_both_sides", GIVEN),
    "signing for the side one has gone over to": (signature("turncoat", BJ), "nobody_signs_for_both_sides", GIVEN),
    "signing before it was proposed": (signature("jp-senior", JP, at=f"{AT}::timestamptz - interval '1 second'"), "instrument_is_open", GIVEN),
    "signing what is concluded": (signature("jp-second-senior", JP, CONCLUDED), "instrument_is_open", GIVEN),
    "signing what was taken back": (signature("jp-senior", JP, WITHDRAWN), "instrument_is_open", GIVEN),
    "signing twice": (signature("jp-junior", JP), "administrators_sign", GIVEN),
    "terms of another corridor": (instrument("terms", said(terms(BJ, JP)), corridor=way(JP, BJ)), "terms_are_sound", PROPOSED),
    "terms at a rate of nought": (instrument("terms", said(terms(JP, BJ)).replace('"numerator":1', '"numerator":0'), corridor=way(JP, BJ)), "terms_are_sound", PROPOSED),
    "terms above one without saying so": (instrument("terms", said(terms(JP, BJ)).replace('"denominator":1,"exceeds_one":false,"kind":"discount","mitigation_value"', '"denominator":1,"exceeds_one":false,"kind":"discount","mitigation_value"').replace('"numerator":1,"reserve"', '"numerator":2,"reserve"'), corridor=way(JP, BJ)), "terms_are_sound", PROPOSED),
    "terms that one side alone signs": (instrument("terms", said(terms(JP, BJ)), corridor=way(JP, BJ), side=place(JP)), "instrument_is_of_its_link", PROPOSED),
    "a leave that the destination signs": (instrument("leave", LEAVE, corridor=way(BJ, JP), side=place(JP)), "instrument_is_of_its_link", PROPOSED),
    "a step up that one side alone signs": (instrument("raise", "{}", side=place(JP)), "instrument_is_of_its_link", PROPOSED),
    "an instrument of a third city's side": (instrument("lower", "{}", by="kr-junior", side=place(KR)), "instrument_is_of_its_link", PROPOSED),
    "proposed by a stranger": (instrument("mechanisms", '{"unit_types":[]}', by="jp-one"), "sides_propose", PROPOSED),
    "proposed by a third city": (instrument("mechanisms", '{"unit_types":[]}', by="kr-senior"), "sides_propose", PROPOSED),
    "another's corridor suspended": (suspension("kr-senior", KR), "sides_suspend", SUSPENDS),
    "a stranger's suspension": (suspension("jp-one", JP), "sides_suspend", SUSPENDS),
    "a suspension for the other side": (suspension("jp-senior", BJ), "sides_suspend", SUSPENDS),
    "a condition ticked for the other side": (tick("jp-senior", BJ), "sides_tick", TICKED),
    "a condition ticked for a third city": (tick("kr-senior", KR), "sides_tick", TICKED),
    "a condition that never expires": (tick("jp-senior", JP, "NULL"), "conditions_expire_by_rule", TICKED),
    "a condition that expires later": (tick("jp-senior", JP, "'2036-01-01Z'"), "conditions_expire_by_rule", TICKED),
    "taken back by a stranger": (f"UPDATE linking_instrument SET withdrawn_at = {AT}, withdrawn_by_id = {user('kr-senior')} WHERE id = {OPEN}", "sides_withdraw", PROPOSED),
}  # fmt: skip


def told(role: psycopg.Connection[tuple], statement: str, without: tuple[str, str] | None = None) -> str | None:
    """What PostgreSQL says of a statement, which is taken back; `without`: a function's guard that is taken out for it."""
    try:
        with role.transaction(force_rollback=True):
            if without is not None:
                take_out(role, *without)
            role.execute(statement)
    except psycopg.Error as error:
        return error.diag.constraint_name or str(error.diag.message_primary)
    return None


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_service_forges_nothing_that_is_signed(standing: Standing, attack: str):
    statement, constraint, function = ATTACKS[attack]
    assert told(standing.service, statement) == constraint
    assert told(standing.owner, statement) == constraint
    assert told(standing.owner, statement, (function, constraint)) != constraint


BY_HAND = {
    "a link that begins formal": f"INSERT INTO linking_link (first_id, second_id, degree) VALUES ({place(BJ)}, {place(KR)}, 'formal')",
    "a link that begins with an open corridor": f"INSERT INTO linking_link (first_id, second_id, open_corridor_id) VALUES ({place(BJ)}, {place(KR)}, {way(BJ, JP)})",
    "a second link of the same two": f"INSERT INTO linking_link (first_id, second_id) VALUES ({place(BJ)}, {place(JP)})",
    "a link with itself": f"INSERT INTO linking_link (first_id, second_id) VALUES ({place(BJ)}, {place(BJ)})",
    "an instrument that begins concluded": instrument("lower", "{}", side=place(JP), more=", concluded_at", values=f", {AT}"),
    "an instrument that begins taken back": instrument("lower", "{}", side=place(JP), more=", withdrawn_at, withdrawn_by_id", values=f", {AT}, {user('jp-junior')}"),
    "a concluded instrument taken back": f"UPDATE linking_instrument SET withdrawn_at = {AT}, withdrawn_by_id = {user('jp-junior')} WHERE id = {CONCLUDED}",
    "what was taken back, put forward again": f"UPDATE linking_instrument SET withdrawn_at = NULL, withdrawn_by_id = NULL WHERE id = {WITHDRAWN}",
    "a suspension that has ended": suspension("jp-senior", JP, more=", resumed_at, resume_instrument_id", values=f", {AT}, {CONCLUDED}"),
    "an instrument of no kind": instrument("treaty", "{}"),
    "a document that is no JSON": instrument("mechanisms", "{"),
}  # fmt: skip


@pytest.mark.parametrize("attack", BY_HAND)
def test_nothing_begins_half_done_or_is_done_again(standing: Standing, attack: str):
    assert told(standing.service, BY_HAND[attack]) is not None


def test_the_digest_is_the_databases_own(standing: Standing):
    """Whoever hands a document in says neither its content nor its digest: both are made from what is signed."""
    handed_in = instrument("leave", LEAVE, by="cn-junior", corridor=way(BJ, JP), side=place(BJ))
    with standing.service.transaction(force_rollback=True):
        (row,) = standing.service.execute(f"{handed_in} RETURNING content, digest").fetchall()
    assert row == (loads(LEAVE), sha256(LEAVE.encode()).hexdigest())


def test_the_service_writes_by_itself_what_is_listed_and_nothing_else(standing: Standing):
    """From the catalogue, so that a new table is in here from its first day."""
    asked = (
        "SELECT relname, has_any_column_privilege(oid, 'INSERT'), has_any_column_privilege(oid, 'UPDATE'),"
        " has_table_privilege(oid, 'DELETE'), has_table_privilege(oid, 'TRUNCATE'), has_table_privilege(oid, 'TRIGGER'),"
        " has_table_privilege(oid, 'REFERENCES') FROM pg_class"
        " WHERE relkind = 'r' AND relname LIKE 'linking\\_%' AND relnamespace = 'public'::regnamespace"
    )
    verbs = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
    rows = standing.service.execute(asked).fetchall()
    assert len(rows) >= 15
    may = {name: {verb for verb, granted in zip(verbs, given, strict=True) if granted} for name, *given in rows}
    assert {name: given for name, given in may.items() if given} == WRITES
    assert not [row for row in standing.auditor.execute(asked).fetchall() if any(row[1:])]
    columns = standing.service.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE c.relkind = 'r' AND c.relname LIKE 'linking\\_%' AND has_column_privilege(c.oid, a.attnum, 'UPDATE')"
    ).fetchall()
    assert set(columns) == COLUMNS_TO_UPDATE


def test_the_service_calls_what_is_listed_and_nothing_else(standing: Standing):
    rows = standing.service.execute(
        "SELECT proname, has_function_privilege(oid, 'EXECUTE'), prosecdef, proconfig FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND (proname LIKE 'linking\\_%' OR proname LIKE 'registry\\_linked%')"
    ).fetchall()
    assert {name for name, may, _, _ in rows if may} == CALLABLE
    assert all("search_path=pg_catalog, public, pg_temp" in (config or []) for _, _, definer, config in rows if definer)


# What would be worth most to whoever is in: quotas, terms, leave, degree and the end of a suspension, written by hand.
RICHES = (
    "UPDATE linking_quota SET \"limit\" = NULL",
    "UPDATE linking_quota SET used = 0, reserved = 0",
    "DELETE FROM linking_quotause",
    "INSERT INTO linking_agreement DEFAULT VALUES",
    "UPDATE linking_agreement SET terms = terms || '{\"holder_limit\": null}'",
    "UPDATE linking_agreement SET superseded_at = NULL, last_settlement_at = NULL",
    "INSERT INTO linking_leave DEFAULT VALUES",
    "UPDATE linking_leave SET valid_to = NULL",
    "UPDATE linking_link SET degree = 'formal'",
    "UPDATE linking_corridor SET suspended_by_origin = false, suspended_by_destination = false",
    "UPDATE linking_suspension SET resumed_at = now()",
    "UPDATE linking_instrument SET concluded_at = now()",
    "DELETE FROM linking_signature",
    "DELETE FROM linking_condition",
    "UPDATE linking_degreecondition SET ticked_by = 'system'",
    "UPDATE linking_margin SET margin = 0",
    "INSERT INTO linking_mechanismunit DEFAULT VALUES",
    "DELETE FROM linking_delinking",
)  # fmt: skip


@pytest.mark.parametrize("statement", RICHES)
def test_the_service_may_not_write_it(standing: Standing, statement: str):
    with pytest.raises(errors.InsufficientPrivilege):
        standing.service.execute(statement)


@pytest.mark.parametrize("statement", RICHES)
def test_nor_does_the_tables_owner_write_it_by_hand(standing: Standing, statement: str):
    """Rows follow from what was signed and what has moved, also for whoever owns the tables: nothing is changed by it."""
    table = next(word for word in statement.split() if word.startswith("linking_"))
    before = standing.owner.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
    refused = told(standing.owner, statement)
    assert refused is not None or standing.owner.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert standing.owner.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() == before


def test_no_table_of_links_is_emptied(standing: Standing):
    for (table,) in standing.owner.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'linking\\_%'"
    ).fetchall():
        assert told(standing.owner, f"TRUNCATE {table} CASCADE") is not None, table
