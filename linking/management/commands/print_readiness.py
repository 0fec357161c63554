"""`manage.py print_readiness [--check]`: docs/readiness.md, printed from the table of points and the pilot's facts."""

from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from accounts.operations.set_up_jurisdictions import CAVEATS
from accounts.seed.defaults import default_rules
from accounts.seed.facts import read_facts, rules_of
from accounts.texts import text
from linking.readiness_printing import Printed, point_name, printed_comparison
from linking.readiness_queries import Comparison, Side
from linking.rules.readiness import POINTS, Outcome, compare
from linking.rules.readings import Fact

# A day on which Beijing's calendar of the year is not recorded, as in every year until its notice is read.
DAY = date(2026, 7, 1)

HEAD = """# Readiness: how far two jurisdictions are from a link

This page is printed from the code's own tables by `./dev manage print_readiness`; a test compares.

`GET /api/v1/readiness/CN-BJ/JP-13` compares two jurisdictions by the dated rules in force on a day (`?as_of=2016-07-01`; else on
today in each one's own calendar), `GET /api/v1/readiness` every two at a glance, and the administration shows both to all staff
under *Readiness for a link*. Nothing is changed by asking. Only the day on which a rule holds is kept, not when it became known,
so there is no `known_at`.

- Each outcome carries the facts it was read from, with their mark and source. What rests on a fact that was recalled and not read
  (RM, RL) is *to be confirmed*.
- Facts are the words of the law. The comparison knows a few of them; what is in other words, or not recorded, is told as missing
  and never guessed. A value may name its kind itself: `{"kind": "absolute"}`.
- A link rests on a law of each side and on verified emissions: where no rule in force says so, the point blocks.
- Points that block stand in the way of raising a degree (`linking.readiness_queries.open_blocks`).
- *What if*: `?rule_of=CN-BJ&rule_key=verification&rule_value=verified by a third party&rule_from=2027-01-01` tells which points a
  rule would turn on its first day, and from what to what. Without `rule_value` the rule would hold no more.

## Outcomes
| outcome | means |
|---|---|"""
MEANINGS = {
    Outcome.SAME: "both say the same, or both say that there is none",
    Outcome.COMPATIBLE: "the two are of one kind, or differ in what needs no agreement",
    Outcome.NEEDS_RULE: "the two differ, and a term of the agreement takes care of it",
    Outcome.MISSING: "a fact is not recorded, or in words that the comparison does not know",
    Outcome.BLOCKS: "no agreement makes it good: the law of one side has to change, or to be recorded",
}


class Command(BaseCommand):
    help = "Prints docs/readiness.md; --check only says whether it is out of date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, fail when something would change")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            page = printed_page(seeded_comparisons())
        file = Path(settings.BASE_DIR) / "docs" / "readiness.md"
        stale = not file.exists() or file.read_text(encoding="utf-8") != page
        if stale and options["check"]:
            raise CommandError("Not as the code says: readiness.md. Run ./dev manage print_readiness.")
        if stale:
            file.write_text(page, encoding="utf-8")
        self.stdout.write(f"printed: {'readiness.md' if stale else 'nothing to do'}")


def seeded_comparisons() -> tuple[Comparison, ...]:
    """Return the pilot's three pairs as its facts say, without a database."""
    sides = []
    for name, told in read_facts().items():
        rules = [
            Fact(rule.key, rule.value, rule.confidence, rule.source, rule.valid_from, rule.valid_to)
            for rule in rules_of(name, told) + default_rules(name)
            if rule.valid_from <= DAY and (rule.valid_to is None or rule.valid_to > DAY)
        ]
        code = next(str(fact.value) for fact in rules if fact.key == "code")
        sides.append((Side(code, CAVEATS.get(code, ""), DAY), rules))
    sides.sort(key=lambda side: side[0].code)
    return tuple(
        Comparison(first, second, compare(facts, others)) for (first, facts), (second, others) in combinations(sides, 2)
    )


def printed_page(comparisons: tuple[Comparison, ...]) -> str:
    """Return the page, in the active language."""
    return "\n".join([HEAD, *_outcomes(), *_points(), *_pairs([printed_comparison(one) for one in comparisons])])


def _outcomes() -> Iterator[str]:
    for outcome, means in MEANINGS.items():
        yield f"| {text(f'readiness.outcome.{outcome}')} | {means} |"


def _points() -> Iterator[str]:
    yield "\n## Points\n| point | reads the rules | where the two differ | term of the agreement | the agreement must say |"
    yield "|---|---|---|---|---|"
    for code, point in POINTS.items():
        terms = ", ".join(f"`{term}`" for term in point.terms)
        says = text(f"readiness.says.{code}") if terms else ""
        unlike = text(f"readiness.outcome.{point.unlike}")
        yield f"| {point_name(code)} | {', '.join(f'`{key}`' for key in point.keys)} | {unlike} | {terms} | {says} |"


def _pairs(pairs: list[Printed]) -> Iterator[str]:
    yield f"\n## The pilot's three pairs, by its facts of {DAY.isoformat()}"
    yield from dict.fromkeys(caveat for pair in pairs for caveat in pair["caveats"])
    yield "\n? marks what is to be confirmed.\n"
    yield f"| point | {' | '.join(map(_title, pairs))} |\n|---|{'---|' * len(pairs)}"
    for place, code in enumerate(POINTS):
        cells = " | ".join(_cell(pair["points"][place]) for pair in pairs)
        yield f"| {point_name(code)} | {cells} |"
    yield "\n### What blocks and what is missing\n| pair | point | why |\n|---|---|---|"
    for pair in pairs:
        for point in pair["points"]:
            if point["outcome"] in {Outcome.BLOCKS, Outcome.MISSING}:
                yield f"| {_title(pair)} | {point['name']} | {point['outcome_name']}: {point['reason_text']} |"
    yield ""


def _title(pair: Printed) -> str:
    return f"{pair['first']['name']} - {pair['second']['name']}"


def _cell(point: Printed) -> str:
    terms = ", ".join(term["term"] for term in point["terms"])
    return f"{point['outcome_name']}{f' ({terms})' if terms else ''}{' ?' if point['to_be_confirmed'] else ''}"
