"""The pages of docs/ that are printed from the link's tables: the terms field by field, and the degrees with their conditions."""

from collections.abc import Callable, Iterator, Mapping

from accounts.texts import text
from linking.rules.degrees import CONDITIONS, Degree
from linking.rules.strict import Form, members_of
from linking.rules.terms import Terms
from registry.management.commands.print_tables import PRINTED

_TERMS = (
    "A corridor lets units of its *origin* enter its *destination*. What both sides sign is one JSON document, its *terms*; what",
    "identifies it is the SHA-256 digest of its canonical form (RFC 8785). The document is refused as a whole, with every fault",
    "and its field, where a member is unknown, missing, of another form, or does not agree with another; what is accepted prints",
    "back to the same bytes. The text that people read is printed from the document, one sentence for each term, in the",
    "languages of both sides and in English, with the digest in each: the document is what is signed, and the text says it.",
    "",
    "Lists that are sets are rising and name nothing twice, ratios are in lowest terms, quantities are units of 1 t CO2e, and",
    "instants are in UTC, so that terms have one way to be written.",
    "",
)
_DEGREES = (
    "A degree is raised one step at a time, when the step's conditions are met and both sides have signed, and lowered by any",
    "number of steps at once. Whatever a degree lets through, the terms of the corridor still have to allow.",
    "",
)
_NUMBERS = (
    "",
    "Entries round up and returns round down, so neither splitting a transfer nor going there and back gains anything, and a",
    "quota never counts less than what is abroad is worth.",
    "",
)


def pages() -> Mapping[str, str]:
    """Return the pages by their file name in docs/, in the active language."""
    return {"agreements.md": "\n".join(_agreements())}


def fields_of(made: Callable[..., object], path: str = "") -> Iterator[tuple[str, Form]]:
    """Yield every field of a dataclass of forms by its path, each before what is inside it; `[]` stands for each item."""
    for name, (_, form) in members_of(made).items():
        yield f"{path}{name}", form
        if form.inside is not None:
            yield from fields_of(form.inside, f"{path}{name}{'[]' if form.says.startswith('list') else ''}.")


def _agreements() -> Iterator[str]:
    yield f"# Agreements: the terms of a corridor, and the degrees of a link\n\n{PRINTED}"
    yield from _terms()
    yield from _degrees()
    yield from _numbers()


def _terms() -> Iterator[str]:
    yield from _TERMS
    yield "| field | form | means |\n|---|---|---|"
    for path, form in fields_of(Terms):
        yield f"| `{path}` | {form.says} | {text(f'term.{path}')} |"
    yield "\nWhat single terms must agree in:\n"
    for rule in text("term-rules").split("; "):
        yield f"- {rule}"
    yield ""


def _degrees() -> Iterator[str]:
    yield "## The degrees\n"
    yield from _DEGREES
    yield "| degree | name | what it lets through |\n|---|---|---|"
    for degree in Degree:
        yield f"| {degree} | {text(f'degree.{degree}')} | {text(f'degree-lets.{degree}')} |"
    yield "\nThe conditions of each step. A tick of one side never stands for the other's.\n"
    yield "| to | code | condition | evidence | said by | counts for |\n|---|---|---|---|---|---|"
    for row in CONDITIONS:
        days = "" if row.valid_days is None else f"{row.valid_days} days"
        said_by = text(f"condition-ticked-by.{row.ticked_by}")
        told, evidence = text(f"condition.{row.code}"), text(f"condition-evidence.{row.code}")
        yield f"| {row.step} | {row.code} | {told} | {evidence} | {said_by} | {days} |"
    yield ""


def _numbers() -> Iterator[str]:
    yield "## How quantities are counted\n"
    yield "| what | counts | rounded |\n|---|---|---|"
    for name in ("entry", "return", "value", "taper", "use"):
        yield f"| {text(f'count.{name}')} | {text(f'count.{name}.formula')} | {text(f'count.{name}.rounded')} |"
    yield from _NUMBERS
