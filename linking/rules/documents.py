"""The documents that are signed about a link beside the terms of a corridor: small, exact, printed back as they were read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from linking.rules import strict, terms
from linking.rules.degrees import Degree
from linking.rules.strict import INSTANT, Faults
from linking.rules.terms import JURISDICTION, UNIT_TYPE, UNITS, Direction, Terms, TermsFault

REASON = strict.prose(1, 500)
DEGREE = strict.choice(Degree)


@dataclass(frozen=True, slots=True)
class LeaveDocument:
    """The origin's consent that its units may leave by a corridor. `limit`: units a year of the destination; None: no limit."""

    corridor: Annotated[Direction, strict.part(Direction)]
    limit: Annotated[int | None, strict.or_null(UNITS)]
    valid_from: Annotated[datetime, INSTANT]
    valid_to: Annotated[datetime | None, strict.or_null(INSTANT)]


@dataclass(frozen=True, slots=True)
class DegreeDocument:
    """A step of the degree of a link, up or down. `open`: the one corridor that is open at *unilateral*."""

    before: Annotated[Degree, DEGREE, strict.Called("from")]
    to: Annotated[Degree, DEGREE]
    open: Annotated[Direction | None, strict.or_null(strict.part(Direction))]
    reason: Annotated[str, REASON]

    @property
    def lowers(self) -> bool:
        """Whether it goes down: any number of steps, by one side, at once."""
        return self.to.rank < self.before.rank


@dataclass(frozen=True, slots=True)
class MechanismsDocument:
    """The unit types of common mechanisms that both sides list, each as [issuer, unit type]."""

    unit_types: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ResumeDocument:
    """A side lets a corridor resume that it had suspended."""

    corridor: Annotated[Direction, strict.part(Direction)]
    reason: Annotated[str, REASON]


@dataclass(frozen=True, slots=True)
class DelinkDocument:
    """A side ends a corridor after the notice of its terms, or both corridors of the link (None)."""

    corridor: Annotated[Direction | None, strict.or_null(strict.part(Direction))]
    reason: Annotated[str, REASON]


Document = Terms | LeaveDocument | DegreeDocument | MechanismsDocument | ResumeDocument | DelinkDocument
Small = TypeVar("Small", LeaveDocument, DegreeDocument, ResumeDocument, DelinkDocument)

_KINDS: dict[type[object], str] = {
    Terms: "terms",
    LeaveDocument: "leave",
    MechanismsDocument: "mechanisms",
    ResumeDocument: "resume",
    DelinkDocument: "delink",
}
FORMS: dict[str, type[object]] = {
    "leave": LeaveDocument,
    "raise": DegreeDocument,
    "lower": DegreeDocument,
    "resume": ResumeDocument,
    "delink": DelinkDocument,
}
KINDS = ("terms", *FORMS, "mechanisms")


def kind_of(document: Document, degree: str) -> str:
    """Return the kind of an instrument that says a document."""
    if isinstance(document, DegreeDocument):
        return "lower" if document.lowers else "raise"
    return _KINDS[type(document)]


def document_of(document: Document) -> dict[str, object]:
    """Return the JSON of a document, which `document_from` reads as the same."""
    if isinstance(document, MechanismsDocument):
        return {"unit_types": [list(row) for row in document.unit_types]}
    return strict.show_part(document)


def document_from(kind: str, content: object) -> Document:
    """Read a document of a kind. Raises: TermsFault with every fault of form."""
    if kind == "terms":
        return terms.terms_from(content)
    if kind == "mechanisms":
        return _mechanisms_from(content)
    faults: Faults = []
    read: Document | None = strict.read_part(FORMS[kind], content, "", faults)  # type: ignore[assignment]
    if read is None or faults:
        raise TermsFault(faults)
    return read


def _mechanisms_from(content: object) -> MechanismsDocument:
    rows = content.get("unit_types") if isinstance(content, dict) and set(content) == {"unit_types"} else None
    if not isinstance(rows, list):
        raise TermsFault([strict.fault("unit_types", "not-a-list")])
    faults: Faults = []
    listed: list[tuple[str, str]] = []
    for place, row in enumerate(rows):
        pair = row if isinstance(row, list) and len(row) == len(("issuer", "unit_type")) else [None, None]
        issuer = JURISDICTION.read(pair[0], f"unit_types.{place}.0", faults)
        unit_type = UNIT_TYPE.read(pair[1], f"unit_types.{place}.1", faults)
        listed.append((str(issuer), str(unit_type)))
    if not faults and listed != sorted(set(listed)):
        faults.append(strict.fault("unit_types", "not-in-order"))
    if faults:
        raise TermsFault(faults)
    return MechanismsDocument(tuple(listed))
