"""Makes log entries and appends them in the database transaction of what they record.

The ledger's SQL functions insert their entries themselves from `rows`; everyone else calls `record`. Either way an entry
exists exactly when what it tells of was committed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connections

from audit.canonical import canonical_json
from audit.events import EVENTS, UnknownEvent

MOST_BYTES = 4096  # of one entry's body (log.md)
MOST_PARTS = 99_999
_INSERT = (
    "INSERT INTO audit_entry (registry, event, part, parts, occurred_at, actor, subject, body) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)

Content = Mapping[str, object]
Row = dict[str, str | int]


class EntryTooLarge(ValueError):
    """An event does not fit into entries of 4 KiB: what is not a list, or one item of its longest list, is too large."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, or part `part` of `parts` of an event. `body` is the canonical JSON of everything it says."""

    registry: str
    event: str
    part: int
    parts: int
    occurred_at: datetime
    actor: str
    subject: str
    body: bytes


def entry(
    *, registry: str, event: str, occurred_at: datetime, actor: str, subject: str, content: Content
) -> tuple[Entry, ...]:
    """Make the entry of an event; more than one, consecutive, when it is larger than 4 KiB.

    A large event is divided at its longest list; every part repeats the rest. `occurred_at` is the registry's clock, UTC.
    Raises: UnknownEvent, NotCanonical, EntryTooLarge. Source: log.md, "Entry".
    """
    if event not in EVENTS:
        raise UnknownEvent(event)
    told = {
        "registry": registry,
        "event": event,
        "occurred_at": _instant(occurred_at),
        "actor": actor,
        "subject": subject,
    }
    bodies = _bodies(told, content)
    return tuple(
        Entry(
            registry=registry,
            event=event,
            part=number,
            parts=len(bodies),
            occurred_at=occurred_at,
            actor=actor,
            subject=subject,
            body=body,
        )
        for number, body in enumerate(bodies, start=1)
    )


def rows(*, registry: str, event: str, occurred_at: datetime, actor: str, subject: str, content: Content) -> list[Row]:
    """Make the same entries as rows of JSON for the ledger's SQL functions; `body` is the text of the canonical bytes.

    Raises: as `entry`.
    """
    return [
        {
            "registry": made.registry,
            "event": made.event,
            "part": made.part,
            "parts": made.parts,
            "occurred_at": made.occurred_at.isoformat(),
            "actor": made.actor,
            "subject": made.subject,
            "body": made.body.decode(),
        }
        for made in entry(
            registry=registry, event=event, occurred_at=occurred_at, actor=actor, subject=subject, content=content
        )
    ]


def record(
    *,
    registry: str,
    event: str,
    occurred_at: datetime,
    actor: str,
    subject: str,
    content: Content,
    using: str = "default",
) -> None:
    """Append an event to the log in the current database transaction.

    Call it last, after every lock and read of what is recorded, so that the order of ids is causal.
    Raises: as `entry`; RuntimeError outside a database transaction.
    """
    append(
        entry(registry=registry, event=event, occurred_at=occurred_at, actor=actor, subject=subject, content=content),
        using=using,
    )


def append(entries: Sequence[Entry], *, using: str = "default") -> None:
    """Insert entries in the current database transaction, in this order."""
    connection = connections[using]
    if not connection.in_atomic_block:
        raise RuntimeError("A log entry is written in the database transaction of what it records.")
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, [_values(made) for made in entries])


def _values(made: Entry) -> tuple[str | int | datetime | bytes, ...]:
    return (made.registry, made.event, made.part, made.parts, made.occurred_at, made.actor, made.subject, made.body)


def _bodies(told: Content, content: Content) -> list[bytes]:
    """Return the body of an event, or of each of its parts where one would be too large."""
    whole = _body(told, 1, 1, content)
    if len(whole) <= MOST_BYTES:
        return [whole]
    contents = _divided(told, content)
    return [_body(told, number, len(contents), part) for number, part in enumerate(contents, start=1)]


def _divided(told: Content, content: Content) -> list[Content]:
    """Divide a content that is too large into as many as are needed for each part to fit."""
    lists = {name: value for name, value in content.items() if isinstance(value, list | tuple)}
    if not lists:
        raise EntryTooLarge(f"{told['event']} has no list to divide.")
    name = max(lists, key=lambda candidate: len(canonical_json(lists[candidate])))
    room = MOST_BYTES - len(_body(told, MOST_PARTS, MOST_PARTS, {**content, name: []}))
    divided: list[Content] = []
    chosen: list[object] = []
    size = 0
    for item in lists[name]:
        item_size = len(canonical_json(item)) + 1  # and its comma
        if item_size > room:
            raise EntryTooLarge(f"An item of {name} of {told['event']} is too large.")
        if size + item_size > room:
            divided.append({**content, name: chosen})
            chosen, size = [], 0
        chosen.append(item)
        size += item_size
    return [*divided, {**content, name: chosen}]


def _body(told: Content, part: int, parts: int, content: Content) -> bytes:
    return canonical_json({**told, "part": part, "parts": parts, "content": content})


def _instant(moment: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds, the one way an instant is written in the log."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
