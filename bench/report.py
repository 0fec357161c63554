"""Prints a result, and writes it into docs/performance.md between two markers: `python -m bench.report [RESULT.json]`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.goals import GOALS, Found

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs/performance.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"

Rows = list[list[str]]


def goal_rows(result: Mapping[str, Any]) -> Rows:
    """Return the goals that this run can speak of: figure, goal, found, reached."""
    rows = []
    for goal in GOALS:
        values = goal.found(result)
        if values:
            rows.append([goal.figure, goal.printed_bound, printed(values), "yes" if goal.reached(values) else "NO"])
    return rows


def left_out(result: Mapping[str, Any]) -> list[str]:
    """Return the goals that this run did not measure."""
    return [goal.figure for goal in GOALS if not goal.found(result)]


def printed(values: Found) -> str:
    """Return values as a reader sees them, each with its number of clients where that varies."""
    whole = all(float(value).is_integer() for value in values.values())
    texts = {name: f"{value:.0f}" if whole else f"{value:.2f}" for name, value in values.items()}
    if len(texts) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{text} at {name}" for name, text in texts.items())


def rate_rows(result: Mapping[str, Any]) -> Rows:
    """Return transfers per second and, in milliseconds, p50 / p99 of each subject by number of clients."""
    rows = []
    for subject, by_clients in result["rates"].items():
        row = [subject]
        for count in map(str, result["clients"]):
            figure = by_clients.get(count)
            row.append("" if figure is None else cell(figure))
        rows.append(row)
    return rows


def cell(figure: Mapping[str, Any]) -> str:
    """Return one figure: rate (p50 / p99 in milliseconds)."""
    p50, p99 = figure["p50_microseconds"] / 1000, figure["p99_microseconds"] / 1000
    return f"{figure['per_second']:,.0f} ({p50:.1f} / {p99:.1f})"


def number_rows(result: Mapping[str, Any]) -> Rows:
    """Return the single numbers."""
    return [[name, f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"] for name, value in result["numbers"].items()]


def aligned(header: list[str], rows: Rows) -> str:
    """Return a table for a terminal."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)


def marked(header: list[str], rows: Rows) -> str:
    """Return a table of Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def text(result: Mapping[str, Any], table: Any = aligned) -> str:
    """Return the whole result."""
    clients = [f"{count} client{'s' if count > 1 else ''}" for count in result["clients"]]
    parts = [
        "Transfers per second (p50 / p99 in milliseconds)",
        table(["subject", *clients], rate_rows(result)),
        "Figures against goals",
        table(["figure", "goal", "found", "reached"], goal_rows(result)),
        "Other numbers (costs: server processor time of one transfer, microseconds)",
        table(["number", "value"], number_rows(result)),
    ]
    if missing := left_out(result):
        parts.append(f"Not measured in this run: {'; '.join(missing)}.")
    parts.extend(result["notes"])
    return "\n\n".join(parts)


def write_page(result: Mapping[str, Any], name: str) -> None:
    """Put the result into the page, between its markers."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    machine = result["machine"]
    origin = (
        f"Recorded in `bench/results/{name}`: {machine['cores']} cores, PostgreSQL {machine['server_version']} "
        f"(fsync {machine['fsync']}, synchronous_commit {machine['synchronous_commit']}, shared_buffers "
        f"{machine['shared_buffers']}), Python {machine['python']}; {result['repetitions']} interleaved repetitions of "
        f"{result['seconds']:g} seconds, medians; clients on the same cores."
    )
    PAGE.write_text(f"{before}{BEGIN}\n{origin}\n\n{text(result, marked)}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Write the named result, or the latest, into the page."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else max(RESULTS.glob("*.json"))
    write_page(json.loads(path.read_text(encoding="utf-8")), path.name)
    print(f"{PAGE.name} tells {path.name}")


if __name__ == "__main__":
    main()
