"""Log entries: what one says, how a large event is divided, and that it is written with what it records or not at all."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import transaction

from audit import entries, models
from audit.entries import MOST_BYTES, EntryTooLarge
from audit.events import UnknownEvent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def made(content: dict[str, Any], **told: Any) -> tuple[entries.Entry, ...]:
    whole: dict[str, Any] = {
        "registry": "CN-BJ",
        "event": "account.opened",
        "occurred_at": NOON,
        "actor": "user:1",
        "subject": "S",
    }
    return entries.entry(**(whole | told), content=content)


def test_the_body_says_everything_in_canonical_json() -> None:
    (entry,) = made({"status": "OPEN"})
    assert entry.body == (
        b'{"actor":"user:1","content":{"status":"OPEN"},"event":"account.opened",'
        b'"occurred_at":"2026-03-01T12:00:00.000000Z","part":1,"parts":1,"registry":"CN-BJ","subject":"S"}'
    )


def test_an_instant_is_written_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert made({}, occurred_at=NOON.astimezone(tokyo))[0].body == made({})[0].body


def test_an_event_without_a_row_in_the_table_is_refused() -> None:
    with pytest.raises(UnknownEvent):
        made({}, event="account.imagined")


def test_a_large_event_is_divided_into_consecutive_parts_that_lose_nothing() -> None:
    ranges = [
        ["CNBJ", "BEA", 2026, first, first + 10, "CNBJ-TRA-1000001-01", "x" * (first % 50)] for first in range(2112)
    ]
    parts = made({"ranges": ranges, "quantity": 5})
    bodies = [json.loads(part.body) for part in parts]
    assert len(parts) > 10
    assert all(len(part.body) <= MOST_BYTES for part in parts)
    assert [(body["part"], body["parts"]) for body in bodies] == [(n, len(parts)) for n in range(1, len(parts) + 1)]
    assert [item for body in bodies for item in body["content"]["ranges"]] == ranges
    assert {body["content"]["quantity"] for body in bodies} == {5}


@pytest.mark.parametrize("length", range(3850, 4150, 7))
def test_every_size_around_the_limit_fits(length: int) -> None:
    parts = made({"list": ["x" * 96] * (length // 100) + ["y" * (length % 100)]})
    assert all(len(part.body) <= MOST_BYTES for part in parts)
    assert len(parts) in {1, 2}


@pytest.mark.parametrize("content", [{"text": "x" * 5000}, {"list": ["x" * 5000]}], ids=["no list", "one large item"])
def test_what_cannot_be_divided_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(EntryTooLarge):
        made(content)


def test_rows_carry_the_text_of_the_same_bytes() -> None:
    (row,) = entries.rows(
        registry="CN-BJ", event="account.opened", occurred_at=NOON, actor="user:1", subject="S", content={"名": "é"}
    )
    (entry,) = made({"名": "é"})
    assert str(row["body"]).encode() == entry.body
    assert datetime.fromisoformat(str(row["occurred_at"])) == NOON


def _record(subject: str) -> None:
    entries.record(registry="", event="account.opened", occurred_at=NOON, actor="user:1", subject=subject, content={})


@pytest.mark.django_db
def test_entries_are_stored_in_order_with_the_databases_own_time() -> None:
    for subject in ("first", "second"):
        _record(subject)
    first, second = models.Entry.objects.order_by("id")
    assert (first.subject, second.subject) == ("first", "second")
    assert first.id < second.id
    assert first.recorded_at <= second.recorded_at
    assert bytes(first.body) == made({}, registry="", subject="first")[0].body


@pytest.mark.usefixtures("committed_db")
def test_an_entry_is_written_only_inside_a_database_transaction() -> None:
    with pytest.raises(RuntimeError):
        _record("alone")


@pytest.mark.django_db
def test_an_entry_vanishes_with_what_it_records() -> None:
    def fail() -> None:
        with transaction.atomic():
            _record("undone")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not models.Entry.objects.exists()
