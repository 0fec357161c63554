"""The log is append-only for everyone, and its constraints hold against raw SQL alone."""

import psycopg
import pytest
from psycopg import errors

INSERT = (
    "INSERT INTO audit_entry (registry, event, part, parts, occurred_at, actor, subject, body) "
    "VALUES ('CN-BJ', 'account.opened', {part}, {parts}, now(), 'a', 's', {body})"
)
GOOD = INSERT.format(part=1, parts=1, body="'{}'")
CHANGES = ["UPDATE audit_entry SET actor = 'b'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]

Connection = psycopg.Connection[tuple]


@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_cannot_change_the_log(owner: Connection, change: str) -> None:
    owner.execute(GOOD)
    with pytest.raises(errors.IntegrityError, match="append-only"):
        owner.execute(change)
    assert owner.execute("SELECT count(*) FROM audit_entry WHERE actor = 'a'").fetchone() == (1,)


@pytest.mark.parametrize("change", CHANGES)
def test_the_application_has_no_right_to_change_the_log(as_application_role: Connection, change: str) -> None:
    as_application_role.execute(GOOD)
    with pytest.raises(errors.InsufficientPrivilege):
        as_application_role.execute(change)


@pytest.mark.parametrize("column", ["id", "recorded_at"])
def test_the_application_cannot_choose_what_the_database_gives(as_application_role: Connection, column: str) -> None:
    value = "7" if column == "id" else "now()"
    with pytest.raises((errors.InsufficientPrivilege, errors.GeneratedAlways)):
        as_application_role.execute(
            GOOD.replace("(registry", f"({column}, registry").replace("('CN-BJ'", f"({value}, 'CN-BJ'")
        )


def test_the_id_is_the_databases_own_even_for_the_owner(owner: Connection) -> None:
    with pytest.raises(errors.GeneratedAlways):
        owner.execute(GOOD.replace("(registry", "(id, registry").replace("('CN-BJ'", "(7, 'CN-BJ'"))
    found = owner.execute("SELECT seqcache FROM pg_sequence WHERE seqrelid = 'audit_entry_id_seq'::regclass").fetchone()
    assert found == (1,)


def test_the_auditor_reads_and_does_not_write(as_auditor: Connection) -> None:
    assert as_auditor.execute("SELECT count(*) FROM audit_entry").fetchone() == (0,)
    with pytest.raises(errors.InsufficientPrivilege):
        as_auditor.execute(GOOD)


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("body_is_at_most_4_kib", INSERT.format(part=1, parts=1, body="convert_to(repeat('x', 4097), 'UTF8')")),
        ("body_is_at_most_4_kib", INSERT.format(part=1, parts=1, body="''")),
        ("part_is_one_of_the_parts", INSERT.format(part=2, parts=1, body="'{}'")),
        ("part_is_one_of_the_parts", INSERT.format(part=0, parts=1, body="'{}'")),
        ("entry_names_its_event", GOOD.replace("'account.opened'", "''")),
    ],
)
def test_each_constraint_alone_refuses(owner: Connection, constraint: str, statement: str) -> None:
    with pytest.raises(errors.CheckViolation, match=constraint):
        owner.execute(statement)
