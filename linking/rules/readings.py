"""How the comparison reads a jurisdiction's dated facts: each reader finds what kind of thing they say on one point.

Facts are the words of the law, recorded as texts. A reader looks for the few words that it knows; where it finds none it says
so (`kind` is None) and never guesses. A value that is an object may name its kind itself, `{"kind": "absolute"}`.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

Value = int | str | None | Sequence["Value"] | Mapping[str, "Value"]
Words = Sequence[tuple[str, str]]

# What a side says when it has no such rule and says so; not the same as saying nothing.
NONE = "none"
_MEASURE = re.compile(r"tCO2e?\b")


@dataclass(frozen=True, slots=True)
class Fact:
    """A dated rule as it stood on a day, with the mark that says how sure it is (`to_be_confirmed`: RM or RL)."""

    key: str
    value: Value
    confidence: str
    source: str
    valid_from: date
    valid_to: date | None = None

    @property
    def to_be_confirmed(self) -> bool:
        """Whether it was recalled rather than read, and must be shown as such (domain.md section 2)."""
        return self.confidence in {"RM", "RL"}

    @property
    def printed(self) -> str:
        """The value as a text, as it was recorded."""
        return printed(self.value)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the facts of one side say on a point. `kind` is None where they say nothing that is known here.

    `has` and `forbids` are kinds of offset: what one side forbids and the other has cannot be linked.
    """

    facts: tuple[Fact, ...] = ()
    kind: str | None = None
    has: frozenset[str] = frozenset()
    forbids: frozenset[str] = frozenset()

    @property
    def printed(self) -> str:
        """The values as one text."""
        return "; ".join(fact.printed for fact in self.facts)


Reader = Callable[[tuple[Fact, ...]], Reading]


def printed(value: Value) -> str:
    """Return a value as a text: texts as they are, the members of an object with their names."""
    if isinstance(value, Mapping):
        # Sorted: PostgreSQL keeps the members of an object in an order of its own.
        return ", ".join(f"{name} {printed(member)}" for name, member in sorted(value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "/".join(map(printed, value))
    return value if isinstance(value, str) else json.dumps(value)


def parse_value(text: str) -> Value:
    """Return the value that somebody types for a rule: an object or a list where it begins as JSON does, else the text itself.

    Raises: ValueError for JSON of anything but integers and texts (a ratio is the text of its decimal), or of more than three
    levels.
    """
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        value = json.loads(text, parse_float=_refuse, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("too many levels") from None
    return _plain(value, levels=3)


def under(keys: Collection[str], facts: Collection[Fact]) -> tuple[Fact, ...]:
    """Return the facts of some keys and of the keys below them (`unit` has `unit.BEA`), by key."""
    found = (fact for fact in facts if any(fact.key == key or fact.key.startswith(f"{key}.") for key in keys))
    return tuple(sorted(found, key=lambda fact: fact.key))


def by_words(*words: tuple[str, str]) -> Reader:
    """Return a reader that takes the kind of the first fact in which one of the words is found; earlier words win."""

    def read(facts: tuple[Fact, ...]) -> Reading:
        return Reading(facts, next(filter(None, (_kind(fact.value, words) for fact in facts)), None))

    return read


def by_text(facts: tuple[Fact, ...]) -> Reading:
    """Read a point on which every other wording is another kind, but for a side that says it has no such rule."""
    if not facts:
        return Reading()
    said = [NONE if _kind(fact.value, ((NONE, NONE),), whole=True) else _told(fact.value) for fact in facts]
    return Reading(facts, NONE if set(said) == {NONE} else "; ".join(sorted(said)))


def cap_type(facts: tuple[Fact, ...]) -> Reading:
    """Read the kind of cap; a phase that names its total in Mt has an absolute one, whatever else is said of it."""
    named = tuple(_only(fact, "n", "total_Mt", "cap_Mt") if fact.key == "phase" else fact for fact in facts)
    reading = by_words(("no cap", NONE), ("absolute", "absolute"), ("hybrid", "hybrid"), ("intensity", "intensity"))(
        named
    )
    totals = any(fact.key == "phase" and {"total_Mt", "cap_Mt"} & set(_members(fact.value)) for fact in named)
    return replace(reading, kind="absolute") if reading.kind is None and totals else reading


def legal_basis(facts: tuple[Fact, ...]) -> Reading:
    """Read whether the scheme rests on a law of the jurisdiction's own: a caveat that denies it outweighs every text."""
    denied = any(fact.key == "caveat" and "no legal ets of its own" in _told(fact.value).lower() for fact in facts)
    texts = [fact for fact in facts if fact.key != "caveat"]
    own = any(_kind(fact.value, ((NONE, NONE),), whole=True) is None for fact in texts)
    return Reading(facts, NONE if denied or (texts and not own) else "own" if own else None)


def verification(facts: tuple[Fact, ...]) -> Reading:
    """Read whether emissions are verified by a third party. A day for reports alone does not say so."""
    words = (("no verif", NONE), ("not verif", NONE), ("unverif", NONE), ("verif", "verified"), ("certif", "verified"))
    reading = by_words(*words)(facts)
    if reading.kind is None and any(
        fact.key in {"calendar.verified-report", "calendar.certification"} for fact in facts
    ):
        return replace(reading, kind="verified")
    return reading


def allocation(facts: tuple[Fact, ...]) -> Reading:
    """Read whether units are given out before the emission or issued after it."""
    named = tuple(_only(fact, "n", "free", "auction", "auction_power", "auction_other") for fact in facts)
    words = (("no up-front", "afterwards"), ("afterwards", "afterwards"), ("free", "up front"), ("auction", "up front"))
    return by_words(*words)(named)


def offsets(facts: tuple[Fact, ...]) -> Reading:
    """Read the limits on offsets and on what they are counted, which kinds there are, and which are forbidden."""
    named = tuple(fact for fact in facts if not fact.key.startswith("unit.") or _is_offset(fact))
    limits = [fact for fact in named if fact.key.startswith(("offset.limit", "quantity-limit"))]
    has = frozenset(word for fact in named if fact.key.startswith("unit.") for word in _kinds_of_offset(fact))
    forbids = {word for fact in under(("offset.forbidden",), named) for word in _listed(fact.value)}
    if any(_is_nought(_members(fact.value).get("international")) for fact in limits):
        forbids.add("international")
    kind = "; ".join(sorted(map(_limit, limits))) or None
    return Reading(named, kind, has, frozenset(forbids))


def banking(facts: tuple[Fact, ...]) -> Reading:
    """Read whether units may be carried over: not, freely, or within a limit, each limit being a kind of its own."""
    words = ((NONE, NONE), ("not allowed", NONE), ("unlimited", "allowed"), ("next period only", "limited"))
    more = (("limit", "limited"), ("<=", "limited"), ("carried over", "allowed"), ("allowed", "allowed"))
    reading = by_words(*words, *more)(facts)
    if any(fact.key == "banking.limit" for fact in facts) or reading.kind == "limited":
        return replace(reading, kind=f"limited: {reading.printed}")
    return reading


def compliance_period(facts: tuple[Fact, ...]) -> Reading:
    """Read over which time an operator complies."""
    named = tuple(_only(fact, "n", "from", "to", "years") for fact in facts)
    times = [fact for fact in named if fact.key != "fiscal-year"]
    return Reading(named, "; ".join(_told(fact.value) for fact in times) or None)


def deadline(facts: tuple[Fact, ...]) -> Reading:
    """Read by when units are surrendered."""
    named = tuple(_only(fact, "true_up") for fact in facts if fact.key != "period" or "true_up" in _members(fact.value))
    return Reading(named, "; ".join(_told(fact.value) for fact in named) or None)


def crossing_units(facts: tuple[Fact, ...]) -> Reading:
    """Read which unit types could cross a link: all but those that only their first owner may use."""
    codes = [fact.key.partition(".")[2] for fact in facts if not _members(fact.value).get("own_use_only")]
    return Reading(facts, (", ".join(codes) or NONE) if facts else None)


def measures(facts: tuple[Fact, ...]) -> Reading:
    """Read which gases a unit counts: a tonne of CO2, or of CO2 equivalents."""
    named = tuple(fact for fact in facts if _MEASURE.search(_told(fact.value)))
    found = sorted({measure for fact in named for measure in _MEASURE.findall(_told(fact.value))})
    return Reading(named, "/".join(found) or None)


def _refuse(number: str) -> Value:
    raise ValueError(f"{number} is no integer")


def _plain(value: object, levels: int) -> Value:
    """Return a value of integers and texts. Raises: ValueError for any other."""
    if isinstance(value, str | int):
        return value
    if levels and isinstance(value, dict):
        return {name: _plain(member, levels - 1) for name, member in value.items()}
    if levels and isinstance(value, list):
        return [_plain(item, levels - 1) for item in value]
    raise ValueError("a rule's value is of integers and texts")


def _kind(value: Value, words: Words, *, whole: bool = False) -> str | None:
    """Return the kind of a value. `whole`: only where the text is the word itself."""
    named = _members(value).get("kind")
    if isinstance(named, str) and named in {kind for _, kind in words}:
        return named
    told = _told(value).lower().strip()
    for word, kind in words:
        # "none" is a word of its own, never a part of another.
        if told == word if whole or word == NONE else word in told:
            return kind
    return None


def _told(value: Value) -> str:
    return printed(value)


def _members(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, Mapping) else {}


def _only(fact: Fact, *names: str) -> Fact:
    """Return a fact with those members of its object that a point is about; a fact of another form stays as it is."""
    kept = {name: member for name, member in _members(fact.value).items() if name in (*names, "kind")}
    return replace(fact, value=kept) if kept else fact


def _is_offset(fact: Fact) -> bool:
    return "offset" in str(_members(fact.value).get("kind", ""))


def _kinds_of_offset(fact: Fact) -> tuple[str, ...]:
    """Return the unit type's code and the words its kind adds to "offset": `offset credit, international`."""
    told = str(_members(fact.value)["kind"]).partition(";")[0]
    return fact.key.partition(".")[2], *(word.strip() for word in told.split(",")[1:])


def _listed(value: Value) -> tuple[str, ...]:
    """Return the kinds that a rule forbids: a text, a list of them, or an object's `kinds`."""
    listed = _members(value).get("kinds", value)
    if isinstance(listed, Sequence) and not isinstance(listed, str):
        return tuple(map(printed, listed))
    return (printed(listed),)


def _is_nought(value: Value) -> bool:
    return value == 0 or (isinstance(value, str) and re.fullmatch(r"0(\.0+)?", value) is not None)


def _limit(fact: Fact) -> str:
    members = _members(fact.value)
    if "limit" not in members:
        return _told(fact.value)
    return f"{fact.key} {printed(members['limit'])} of {printed(members.get('base', 'an unstated base'))}"
