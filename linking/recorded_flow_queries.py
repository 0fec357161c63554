"""Reads what crossed by a corridor and what was surrendered of it, from the recorded ranges, in the order of the log."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from accounts.calendars import calendar_around
from accounts.models import Jurisdiction
from accounts.rules.calendars import Calendar
from linking.models import Corridor
from linking.rules.recorded_flows import Flow, Piece, Surrender, Way
from linking.rules.whereabouts import Whereabouts
from registry.identity import EPOCH

# The log tells the order in which transactions were proposed and completed; entries' ids are taken after every lock.
_TURNS = """
    CROSS JOIN LATERAL (SELECT coalesce(min(e.id), 0) AS proposed, coalesce(max(e.id), 0) AS completed FROM audit_entry e
        WHERE e.subject = t.id::text AND e.event LIKE 'transaction.%%'
            AND e.event NOT IN ('transaction.step-refused', 'transaction.batch')) turn"""
_ROWS = f"""
SELECT w.way, t.id, t.proposed_at, t.completed_at, t.due_at IS NOT NULL, turn.proposed, turn.completed, NULL::bigint,
    u.code, s.vintage, w.holder_id, w.type_id, b.first_no, b.next_no,
    CASE WHEN w.way = 'opposite-home' AND q.year <> 0 THEN q.year
        ELSE extract(year FROM t.proposed_at AT TIME ZONE d.time_zone)::integer END,
    CASE WHEN w.way IN ('home', 'opposite-home') THEN 0 ELSE 2 END AS phase
FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id
    JOIN accounts_account f ON f.id = b.from_account_id JOIN accounts_account a ON a.id = b.to_account_id
    JOIN registry_series s ON s.id = b.series_id JOIN registry_unittype u ON u.id = s.unit_type_id
    JOIN registry_recognition r1 ON r1.id = b.recognition_id JOIN registry_recognition r2 ON r2.id = b.to_recognition_id
    CROSS JOIN LATERAL (VALUES ('entry', r2.quota_id, a.holder_id, a.type_id), ('home', r1.quota_id, f.holder_id, f.type_id))
        AS leg (way, quota_id, holder_id, type_id)
    JOIN linking_quota q ON q.id = leg.quota_id JOIN linking_corridor c ON c.id = q.corridor_id
    JOIN accounts_jurisdiction d ON d.id = c.destination_id
    CROSS JOIN LATERAL (SELECT leg.holder_id, leg.type_id,
        CASE WHEN c.id = %(corridor)s THEN '' ELSE 'opposite-' END || leg.way AS way) w
    {_TURNS}
WHERE t.type_id IN ('3-0', '3-55') AND t.state = 'COMPLETED' AND c.link_id = %(link)s AND t.completed_at < %(until)s
UNION ALL
SELECT 'surrender', t.id, t.proposed_at, t.completed_at, false, turn.proposed, turn.completed, t.obligation_id,
    '', 0, 0, '', b.first_no, b.next_no, 0, 1
FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id
    {_TURNS}
WHERE t.obligation_id IS NOT NULL AND t.state = 'COMPLETED' AND t.completed_at < %(until)s
    AND b.origin_id = %(origin)s AND t.jurisdiction_id = %(destination)s
    AND NOT EXISTS (SELECT FROM registry_transaction r WHERE r.reverses_id = t.id AND r.state = 'COMPLETED')
ORDER BY 7, 16, 2, 1, 13"""  # noqa: S608 - of constants
_LATEST = EPOCH.replace(year=9000)


class _Row(NamedTuple):
    """A range of one flow, or of a surrender."""

    way: str
    transaction: object
    proposed_at: datetime
    completed_at: datetime
    was_delayed: bool
    proposed_turn: int
    completed_turn: int
    obligation_id: int | None
    unit_type: str
    vintage: int
    holder_id: int
    account_type: str
    first: int
    next: int
    net_year: int
    phase: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What crossed by a corridor and the opposite one, and what was surrendered of what came in, in the order of the log."""

    flows: tuple[Flow, ...]
    surrenders: tuple[Surrender, ...]


def recorded(
    corridor: Corridor, *, until: datetime | None, by_working_days: bool, progress: Callable[[int], object]
) -> Recorded:
    """Return what completed before an instant. `by_working_days`: say also where the day of completion was no working day."""
    whereabouts = Whereabouts()
    flows: list[Flow] = []
    surrenders: list[Surrender] = []
    closed = _Closed(corridor) if by_working_days else None
    for rows in _grouped(corridor, until, progress):
        first = rows[0]
        if first.way == "surrender":
            assert first.obligation_id is not None
            came_by = tuple(part for row in rows for part in whereabouts.came_by(row.first, row.next))
            surrenders.append(Surrender(first.obligation_id, came_by))
            continue
        number = len(flows)
        flows.append(
            Flow(
                number=number,
                transaction=str(first.transaction),
                way=Way(first.way),
                proposed_at=first.proposed_at,
                completed_at=first.completed_at,
                proposed_turn=first.proposed_turn,
                completed_turn=first.completed_turn,
                pieces=tuple(_pieces(rows, whereabouts, number)),
                closed_in=() if closed is None or first.was_delayed else closed.on_day_of(first.completed_at),
                net_year=first.net_year,
            )
        )
    return Recorded(tuple(flows), tuple(surrenders))


def _grouped(corridor: Corridor, until: datetime | None, progress: Callable[[int], object]) -> Iterator[list[_Row]]:
    """Yield the ranges of each transaction that go one way."""
    rows: list[_Row] = []
    with connection.chunked_cursor() as cursor:
        asked: dict[str, int | datetime] = {
            "corridor": corridor.pk,
            "link": corridor.link_id,
            "origin": corridor.origin_id,
            "destination": corridor.destination_id,
            "until": until or _LATEST,
        }
        cursor.execute(_ROWS, asked)
        for found in cursor:
            row = _Row(*found)
            if rows and (rows[0].transaction, rows[0].way) != (row.transaction, row.way):
                yield rows
                rows = []
            rows.append(row)
            progress(1)
    if rows:
        yield rows


def _pieces(rows: list[_Row], whereabouts: Whereabouts, number: int) -> Iterator[Piece]:
    kinds: dict[tuple[str, int, int, str], list[_Row]] = defaultdict(list)
    for row in rows:
        kinds[row.unit_type, row.vintage, row.holder_id, row.account_type].append(row)
    for kind, ranges in kinds.items():
        came_by: list[tuple[int, int]] = []
        for row in ranges:
            if row.way == Way.ENTRY:
                whereabouts.enter(row.first, row.next, number)
            elif row.way == Way.HOME:
                came_by += whereabouts.leave(row.first, row.next)
        yield Piece(*kind, sum(row.next - row.first for row in ranges), tuple(came_by))


class _Closed:
    """Where a day was no working day, of the two jurisdictions of a corridor."""

    def __init__(self, corridor: Corridor) -> None:
        self._sides = (corridor.origin, corridor.destination)
        self._calendars: dict[tuple[int, int], Calendar] = {}

    def on_day_of(self, instant: datetime) -> tuple[str, ...]:
        """Return the codes of those where the day of an instant was none."""
        return tuple(side.code for side in self._sides if not self._is_working(side, instant))

    def _is_working(self, side: Jurisdiction, instant: datetime) -> bool:
        if (side.pk, instant.year) not in self._calendars:
            self._calendars[side.pk, instant.year] = calendar_around(side, instant)
        calendar = self._calendars[side.pk, instant.year]
        return calendar.is_working(calendar.day_of(instant))
