"""The terms of a corridor: what two authorities sign, field by field, and nothing else (linking.md section 3).

A document is canonical JSON of integers, texts and lists; its digest is what both sides sign. It is refused as a whole with every
fault named, and what is accepted prints back to the same bytes. That single terms agree with each other is `terms_consistency`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from audit.canonical import NotCanonical, canonical_json
from linking.rules import strict
from linking.rules.rates import GREATEST_TERM, Rate
from linking.rules.strict import DAY, FLAG, INSTANT, Called, Fault, Faults, Form, fault

GREATEST_UNITS = 10**15 - 1
GREATEST_DAYS = 3650

UNITS = strict.integer(0, GREATEST_UNITS)
DAYS = strict.integer(0, GREATEST_DAYS)
VINTAGE = replace(strict.integer(1000, 9999), says="year, 1000 to 9999")
POSITIVE = strict.integer(1, GREATEST_TERM)
SHARE = strict.integer(0, GREATEST_TERM)
JURISDICTION = strict.code(r"[A-Z]{2}-[A-Z0-9]{1,3}", "CN-BJ")
UNIT_TYPE = strict.code(r"[A-Z][A-Z0-9]{1,9}", "BEA")
ACCOUNT_TYPE = strict.code(r"[A-Z]{3}", "OHA")
NODE = strict.code(r"[a-z][a-z0-9-]{0,39}", "linked")


class RateKind(StrEnum):
    """A discount is at most 1; an exchange may exceed it, where it says so and has a reserve."""

    DISCOUNT = "discount"
    EXCHANGE = "exchange"


class Measure(StrEnum):
    """What an entry quota counts: units, or the recognised t CO2e that they are worth."""

    UNITS = "units"
    RECOGNISED = "recognised"


class Window(StrEnum):
    """Over what an entry quota runs: a calendar year of the destination, or the whole life of the corridor."""

    YEAR = "year"
    LIFE = "life"


class UseBase(StrEnum):
    """What an operator's use quota is a share of."""

    VERIFIED_EMISSIONS = "verified-emissions"
    ALLOCATION = "allocation"
    REQUIRED_REDUCTION = "required-reduction"


class UseWindow(StrEnum):
    """Over what a use quota runs: a year, or the compliance period."""

    YEAR = "year"
    PERIOD = "period"


class Settling(StrEnum):
    """On which days transfers settle, where no days are listed: any, or working days of both registries."""

    ANY = "any"
    WORKING = "working"


class Margin(StrEnum):
    """What becomes of the atmospheric margin: retired, or pooled as the link's reserve against reversal."""

    RETIRED = "retired"
    POOLED = "pooled"


class GoodFaith(StrEnum):
    """What becomes of units that were stolen and bought in good faith."""

    BUYER_KEEPS = "buyer-keeps"
    UNITS_GO_BACK = "units-go-back"


class Policy(StrEnum):
    """What becomes of units held abroad when a corridor ends."""

    HONOUR = "honour"
    SUNSET = "sunset"
    REVERT = "revert"
    FREEZE = "freeze"


class UnderWay(StrEnum):
    """What becomes of transfers under way when a corridor ends."""

    SETTLE = "settle"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class Direction:
    """From whose units to whose recognition: two jurisdictions by ISO 3166-2."""

    origin: Annotated[str, JURISDICTION]
    destination: Annotated[str, JURISDICTION]


@dataclass(frozen=True, slots=True)
class Value:
    """What a unit was found to be worth, in recognised t CO2e, and who says so."""

    numerator: Annotated[int, POSITIVE]
    denominator: Annotated[int, POSITIVE]
    source: Annotated[str, strict.prose(1, 500)]

    @property
    def rate(self) -> Rate:
        """The value as a rate."""
        return Rate(self.numerator, self.denominator)


@dataclass(frozen=True, slots=True)
class RateTerms:
    """What one unit counts abroad, in recognised t CO2e. `reserve`: units that cover what a rate above one adds."""

    kind: Annotated[RateKind, strict.choice(RateKind)]
    numerator: Annotated[int, POSITIVE]
    denominator: Annotated[int, POSITIVE]
    exceeds_one: Annotated[bool, FLAG]
    reserve: Annotated[int, UNITS]
    mitigation_value: Annotated[Value, strict.part(Value)]
    compliance_value: Annotated[Value, strict.part(Value)]

    @property
    def rate(self) -> Rate:
        """The rate at which units are pinned on entry."""
        return Rate(self.numerator, self.denominator)


@dataclass(frozen=True, slots=True)
class EntryQuota:
    """How much may be let in, net of returns. `limit`: in `measure`."""

    limit: Annotated[int, UNITS]
    measure: Annotated[Measure, strict.choice(Measure)]
    window: Annotated[Window, strict.choice(Window)]


@dataclass(frozen=True, slots=True)
class UseQuotaNode:
    """A share of each operator's obligation that units of these origins and types may cover. No unit types: all of them."""

    name: Annotated[str, NODE]
    within: Annotated[str | None, strict.or_null(NODE)]
    origins: Annotated[tuple[str, ...], strict.listed(JURISDICTION, 1, 100, in_order=True)]
    unit_types: Annotated[tuple[str, ...], strict.listed(UNIT_TYPE, 0, 100, in_order=True)]
    base: Annotated[UseBase, strict.choice(UseBase)]
    numerator: Annotated[int, SHARE]
    denominator: Annotated[int, POSITIVE]
    window: Annotated[UseWindow, strict.choice(UseWindow)]

    def counts(self, origin: str, unit_type: str) -> bool:
        """Whether units of an origin and type count under this node."""
        return origin in self.origins and (not self.unit_types or unit_type in self.unit_types)


@dataclass(frozen=True, slots=True)
class Taper:
    """From an imbalance of `starts_at` units on, the entry quota is this share of its limit, rounded down."""

    starts_at: Annotated[int, UNITS, Called("from")]
    numerator: Annotated[int, SHARE]
    denominator: Annotated[int, POSITIVE]


@dataclass(frozen=True, slots=True)
class ReciprocityClause:
    """The imbalances, in units, at which the corridor warns, tapers and lets nothing in any more."""

    warn: Annotated[int, UNITS]
    taper: Annotated[tuple[Taper, ...], strict.listed(strict.part(Taper), 0, 20, in_order=False)]
    suspend: Annotated[int, strict.integer(1, GREATEST_UNITS)]


@dataclass(frozen=True, slots=True)
class DelinkingTerms:
    """How the corridor ends: after what notice, and what becomes of units held and of transfers under way."""

    policy: Annotated[Policy, strict.choice(Policy)]
    notice_days: Annotated[int, DAYS]
    sunset_days: Annotated[int, DAYS]
    under_way: Annotated[UnderWay, strict.choice(UnderWay)]


@dataclass(frozen=True, slots=True)
class VintageLimit:
    """How many units of one vintage may be let in, in the window of the entry quota."""

    vintage: int
    limit: int


def _read_vintage_limits(value: object, path: str, faults: Faults) -> object:
    if not isinstance(value, dict):
        faults.append(fault(path, "not-an-object"))
        return None
    limits = []
    for name, limit in sorted(value.items(), key=lambda member: str(member[0])):
        if not (isinstance(name, str) and len(name) == 4 and name.isascii() and name.isdigit() and name >= "1000"):
            faults.append(fault(f"{path}.{name}", "not-a-vintage"))
            continue
        limits.append(VintageLimit(int(name), limit))
        UNITS.read(limit, f"{path}.{name}", faults)
    return tuple(limits)


def _show_vintage_limits(value: object) -> object:
    assert isinstance(value, tuple)
    return {str(row.vintage): row.limit for row in value}


_DAY_LIST = strict.listed(DAY, 1, 1000, in_order=True)
_SETTLING = strict.choice(Settling)


def _read_settlement_days(value: object, path: str, faults: Faults) -> object:
    return (_DAY_LIST if isinstance(value, list) else _SETTLING).read(value, path, faults)


def _show_settlement_days(value: object) -> object:
    return (_DAY_LIST if isinstance(value, tuple) else _SETTLING).show(value)


VINTAGE_LIMITS = Form(f"object, vintage to {UNITS.says}", _read_vintage_limits, _show_vintage_limits)
SETTLEMENT_DAYS = Form(f"{_SETTLING.says}; or a {_DAY_LIST.says}", _read_settlement_days, _show_settlement_days)


@dataclass(frozen=True, slots=True)
class Terms:
    """All terms of one version of a corridor's agreement. Limits are in units of 1 t CO2e unless they say their measure."""

    corridor: Annotated[Direction, strict.part(Direction)]
    version: Annotated[int, POSITIVE]
    effective_from: Annotated[datetime, INSTANT]
    notice_days: Annotated[int, DAYS]
    last_settlement_days: Annotated[int, DAYS]
    unit_types: Annotated[tuple[str, ...], strict.listed(UNIT_TYPE, 1, 100, in_order=True)]
    first_vintage: Annotated[int | None, strict.or_null(VINTAGE)]
    last_vintage: Annotated[int | None, strict.or_null(VINTAGE)]
    account_types: Annotated[tuple[str, ...], strict.listed(ACCOUNT_TYPE, 1, 100, in_order=True)]
    rate: Annotated[RateTerms, strict.part(RateTerms)]
    entry_quota: Annotated[EntryQuota | None, strict.or_null(strict.part(EntryQuota))]
    net_flow_limit: Annotated[int | None, strict.or_null(UNITS)]
    vintage_limits: Annotated[tuple[VintageLimit, ...], VINTAGE_LIMITS]
    holder_limit: Annotated[int | None, strict.or_null(UNITS)]
    use_quota: Annotated[tuple[UseQuotaNode, ...], strict.listed(strict.part(UseQuotaNode), 0, 50, in_order=False)]
    reciprocity: Annotated[ReciprocityClause | None, strict.or_null(strict.part(ReciprocityClause))]
    settlement_days: Annotated[Settling | tuple[date, ...], SETTLEMENT_DAYS]
    margin: Annotated[Margin, strict.choice(Margin)]
    hold_on_freeze_days: Annotated[int, DAYS]
    good_faith: Annotated[GoodFaith, strict.choice(GoodFaith)]
    delinking: Annotated[DelinkingTerms, strict.part(DelinkingTerms)]
    instrument: Annotated[str, strict.prose(0, 500)]

    def recognises_vintage(self, vintage: int) -> bool:
        """Whether units of a vintage may enter; without a first or a last one that side is open."""
        after_first = self.first_vintage is None or self.first_vintage <= vintage
        return after_first and (self.last_vintage is None or vintage <= self.last_vintage)

    def limit_of_vintage(self, vintage: int) -> int | None:
        """Return how many units of a vintage may enter in the window of the entry quota; None: no limit of its own."""
        return next((row.limit for row in self.vintage_limits if row.vintage == vintage), None)


class TermsFault(ValueError):
    """A document is no terms; `faults` are all that was found, in the order of the document."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{row.path}: {row.code}" for row in faults))
        self.faults = tuple(faults)


def terms_from(document: object) -> Terms:
    """Return the terms that a document (JSON as read: dicts, lists, texts, integers) says.

    Raises: TermsFault with every fault of form; where there is none, with every term that does not agree with another.
    """
    # Imported here: it is about the dataclasses above and imports them.
    from linking.rules.terms_consistency import inconsistencies

    faults: Faults = []
    terms = strict.read_part(Terms, document, "", faults)
    if terms is None:
        raise TermsFault(faults)
    if found := tuple(inconsistencies(terms)):
        raise TermsFault(found)
    if not _prints_back(terms, document):
        raise TermsFault([fault("", "not-as-printed")])
    return terms


def document_of(terms: Terms) -> dict[str, object]:
    """Return the document that `terms_from` reads as these terms."""
    return strict.show_part(terms)


def digest_of(terms: Terms | Mapping[str, object]) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical JSON of terms or of their document: what is signed."""
    document = document_of(terms) if isinstance(terms, Terms) else terms
    return hashlib.sha256(canonical_json(document)).hexdigest()


def _prints_back(terms: Terms, document: object) -> bool:
    try:
        return canonical_json(document_of(terms)) == canonical_json(document)
    except NotCanonical:
        return False
