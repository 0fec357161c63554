"""What a replay tells, as JSON and as a table: as it was, and under what was changed, side by side."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from accounts.texts import text
from linking.replays import Compared
from linking.rules.replayed import QuotaName, Replayed
from linking.rules.terms import digest_of, document_of

Printed = dict[str, Any]


def printed_replay(found: Compared) -> Printed:
    """Return a replay as JSON has it; texts in the active language."""
    return {
        "corridor": {"origin": found.corridor[0], "destination": found.corridor[1]},
        "from": _instant(found.since),
        "to": _instant(found.until),
        "assumption": text("replay.assumes"),
        "terms": None if found.terms is None else document_of(found.terms),
        "terms_digest": None if found.terms is None else digest_of(found.terms),
        "degree": None if found.degree is None else str(found.degree),
        "misfits": [row.code for row in found.misfits],
        "as_it_was": printed_replayed(found.before),
        "under_changes": printed_replayed(found.after),
    }


def printed_replayed(found: Replayed) -> Printed:
    """Return one side: figures, every refusal, quotas at the end, and the imbalance at the end of each day."""
    return {
        "transfers_let_in": len(found.admitted),
        "units_let_in": found.units_let_in,
        "worth_let_in": found.worth_let_in,
        "transfers_refused": len(found.refused),
        "units_refused": found.units_refused,
        "refused_by_code": [
            {"code": code, "text": text(f"check.{code}"), "transfers": transfers, "units": units}
            for code, (transfers, units) in found.refused_by_code.items()
        ],
        "refused": [
            {
                "transaction": row.flow.transaction,
                "proposed_at": _instant(row.flow.proposed_at),
                "units": row.flow.units,
            }
            | {"codes": list(row.codes)}
            for row in found.refused
        ],
        "units_gone_home": found.units_gone_home,
        "units_fallen_away": found.units_fallen_away,
        "units_surrendered": found.units_surrendered,
        "worth_surrendered": found.worth_surrendered,
        "margin": found.margin,
        "greatest_imbalance": found.greatest_imbalance,
        "last_imbalance": found.last_imbalance,
        "imbalances": [{"day": day, "units": units} for day, units in _daily(found)],
        "quotas": [
            {"kind": row.name.kind, "year": row.name.year, "vintage": row.name.vintage or None}
            | {"holder": row.name.holder_id or None, "limit": row.limit, "used": row.used}
            for row in found.quotas
        ],
    }


def replay_table(found: Compared) -> str:
    """Return a replay as a person reads it, in the active language."""
    head = text("replay.title", origin=found.corridor[0], destination=found.corridor[1])
    rows = [("", text("replay.as-it-was"), text("replay.under-changes")), *_figures(found)]
    lines = [head, "", *_table(rows), "", text("replay.assumes")]
    lines += [text("replay.misfit", reason=text(f"degree-misfit.{row.code}")) for row in found.misfits]
    return "\n".join(lines)


def _figures(found: Compared) -> Iterator[tuple[str, str, str]]:
    before, after = found.before, found.after

    def row(name: str, one: int, other: int) -> tuple[str, str, str]:
        return text(f"replay.{name}"), f"{one:,}", f"{other:,}"

    yield row("transfers-let-in", len(before.admitted), len(after.admitted))
    yield row("units-let-in", before.units_let_in, after.units_let_in)
    yield row("worth-let-in", before.worth_let_in, after.worth_let_in)
    yield row("transfers-refused", len(before.refused), len(after.refused))
    yield row("units-refused", before.units_refused, after.units_refused)
    for code in sorted({*before.refused_by_code, *after.refused_by_code}):
        sides = [side.refused_by_code.get(code, (0, 0))[1] for side in (before, after)]
        yield text("replay.refused-by", check=code), f"{sides[0]:,}", f"{sides[1]:,}"
    yield row("units-gone-home", before.units_gone_home, after.units_gone_home)
    yield row("units-fallen-away", before.units_fallen_away, after.units_fallen_away)
    yield row("units-surrendered", before.units_surrendered, after.units_surrendered)
    yield row("worth-surrendered", before.worth_surrendered, after.worth_surrendered)
    yield row("margin", before.margin, after.margin)
    yield row("greatest-imbalance", before.greatest_imbalance, after.greatest_imbalance)
    yield row("last-imbalance", before.last_imbalance, after.last_imbalance)
    yield from _quotas(before, after)


def _quotas(before: Replayed, after: Replayed) -> Iterator[tuple[str, str, str]]:
    sides = [{row.name: row for row in side.quotas} for side in (before, after)]
    for name in sorted({*sides[0], *sides[1]}):
        cells = []
        for side in sides:
            quota = side.get(name)
            limit = "" if quota is None or quota.limit is None else text("replay.of-limit", limit=f"{quota.limit:,}")
            cells.append("" if quota is None else f"{quota.used:,}{limit}")
        yield _quota_text(name), cells[0], cells[1]


def _quota_text(name: QuotaName) -> str:
    of_what = [str(name.year)] if name.year else []
    of_what += [text("replay.of-vintage", vintage=name.vintage)] if name.vintage else []
    of_what += [text("replay.of-holder", holder=name.holder_id)] if name.holder_id else []
    return text("replay.quota", kind=name.kind, of=", ".join(of_what)).rstrip()


def _table(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    first = max(len(row[0]) for row in rows)
    second, third = (max(len(row[place]) for row in rows) for place in (1, 2))
    for row in rows:
        yield f"{row[0]:{first}}  {row[1]:>{second}}  {row[2]:>{third}}".rstrip()


def _daily(found: Replayed) -> Iterator[tuple[str, int]]:
    """The last imbalance of each day, UTC."""
    days = {row.at.date().isoformat(): row.units for row in found.imbalances}
    yield from days.items()


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
