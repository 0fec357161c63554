"""A final statement as text that people read, in the active language, from the same figures as its JSON."""

from typing import Any

from accounts.texts import text
from linking.rules.end_figures import Content

FIGURES = ("entered", "returned", "held", "surrendered", "pooled", "cancelled", "value", "margin_retired")


def final_statement_text(statement: Content) -> str:
    """Return what `linking.statement_queries.final_statements` returned of one end, as text in the active language."""
    told: Any = statement
    way = _way(told["corridor"])
    lines = [
        text("final-statement.title", **way),
        text("final-statement.as-of", at=told["as_of"], version=told["last_version"]),
        text("final-statement.notice", side=_place(told["noticed_by"]), at=told["noticed_at"]),
        text(f"final-statement.policy.{told['delinking']['policy']}", days=told["delinking"]["sunset_days"]),
    ]
    for direction in told["directions"]:
        lines += ["", text("final-statement.direction", **_way(direction))]
        for year in direction["years"]:
            lines += [text("final-statement.year", year=str(year["year"])), *_figures(year)]
        lines += [text("final-statement.total"), *_figures(direction["total"])]
        lines.append(text("final-statement.under-way", units=direction["under_way"]))
    lines.append("")
    for year in told["imbalance"]["years"]:
        lines.append(text("final-statement.imbalance-of-year", year=str(year["year"]), units=year["units"]))
    lines.append(text("final-statement.imbalance", units=told["imbalance"]["total"], **way))
    return "\n".join(lines) + "\n"


def _figures(figures: dict[str, int]) -> list[str]:
    return [f"  {text(f'final-statement.{name}')}: {figures[name]}" for name in FIGURES]


def _way(named: dict[str, str]) -> dict[str, str]:
    return {"origin": _place(named["origin"]), "destination": _place(named["destination"])}


def _place(code: str | None) -> str:
    return text(f"jurisdiction.{code}") if code else text("final-statement.both-sides")
