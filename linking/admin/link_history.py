"""What was proposed and done about a link, as its page lists it."""

from typing import Any

from accounts.texts import text
from linking import admin_queries, instrument_queries
from linking.admin.base import SHORT_DIGEST, page_of_instrument
from linking.instrument_queries import state_of
from linking.models import Instrument, Link

LONGEST_LIST = 50


def instruments_shown(link: Link) -> list[dict[str, Any]]:
    """Return the last instruments of a link, the latest first."""
    rows = instrument_queries.described(Instrument.objects.filter(link=link).order_by("-id"))
    return [_instrument(row) for row in rows[:LONGEST_LIST]]


def _instrument(row: Instrument) -> dict[str, Any]:
    return {
        "row": row,
        "kind": text(f"instrument.{row.kind}"),
        "address": page_of_instrument(row),
        "state": text(f"instrument-state.{state_of(row)}"),
        "signed": [f"{signature.user} ({signature.jurisdiction})" for signature in row.signatures.all()],
        "digest": row.digest[:SHORT_DIGEST],
    }


def history_shown(link: Link) -> list[dict[str, Any]]:
    """Return what was done about a link, the latest first."""
    found = admin_queries.history_of(link)
    rows: list[dict[str, Any]] = []
    for change in found["degrees"]:
        told = f"{text(f'degree.{change.from_degree}')} → {text(f'degree.{change.to_degree}')}"
        reason = str(change.instrument.content.get("reason", ""))
        rows.append(
            {
                "at": change.at,
                "what": text("link.degree"),
                "told": told,
                "reason": reason,
                "address": page_of_instrument(change.instrument_id),
            }
        )
    for row in found["suspensions"]:
        told = f"{row.corridor}, {text('link.by')} {row.side} ({row.by})"
        rows.append({"at": row.at, "what": text("link.suspended"), "told": told, "reason": row.reason, "address": ""})
        if row.resumed_at is not None:
            rows.append(
                {
                    "at": row.resumed_at,
                    "what": text("link.resumed"),
                    "told": f"{row.corridor}, {row.side}",
                    "reason": "",
                    "address": page_of_instrument(row.resume_instrument_id),
                }
            )
    for row in found["delinkings"]:
        told = (
            f"{row.corridor}, {row.instrument.side}, {text('link.takes-effect')} {row.takes_effect_at:%Y-%m-%d %H:%M}"
        )
        rows.append(
            {
                "at": row.noticed_at,
                "what": text("link.notice-given"),
                "told": told,
                "reason": str(row.instrument.content.get("reason", "")),
                "address": page_of_instrument(row.instrument_id),
            }
        )
    return sorted(rows, key=lambda row: row["at"], reverse=True)
