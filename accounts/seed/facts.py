"""Turns the facts file into dated rules: every fact one rule, or one per year or part where the law sets it so.

The mapping, by section of the file (a test counts that no fact is lost):

| in the file | rule key | valid |
|---|---|---|
| `[value, mark]` or an object with `conf` | the section's key, `currency` | from the programme's start |
| a list of those | numbered, `legal-basis.1` | from the programme's start |
| `units` | `unit.<code>` | from the programme's start |
| `periods`, `phases`, `cap_MtCO2` | `period`, `phase`, `cap` | the years they name |
| `offset_limits` | `offset.limit`, `offset.limit.outside` | from the year or phase named to the next |
| `banking` of Seoul | `banking.limit` | from the year or phase named to the next |
| `calendar` | `calendar.report`, `calendar.surrender`, ... | one rule for each year of obligation |
| `prices_*`, `entities` | `price.<period>`, `entities.<when>` | the time they name |
| `caveat` | `caveat` | from the programme's start |

A decimal of the file is kept as its text ("0.05"). The confidence is the weakest mark a fact names; `source` points to the
fact and repeats its remark.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

FILE = Path(__file__).parent / "jurisdictions.json"
# From the strongest to the weakest.
MARKS = ("V", "D", "RH", "RM", "RL")

Json = int | str | None | Sequence["Json"] | Mapping[str, "Json"]
Section = Mapping[str, Json]
Span = tuple[date, date | None]

# When each programme began: the day from which a fact holds that names no other.
STARTS = {"BJ": date(2013, 11, 28), "TK": date(2010, 4, 1), "SE": date(2015, 1, 1)}

# Sections whose rules are called otherwise than the section itself with dashes.
KEYS = {
    "iso_3166_2": "code",
    "timezone": "time-zone",
    "cap_MtCO2": "cap",
    "cap_type": "cap.type",
    "offset_limits": "offset.limit",
    "price_management": "price.management",
    "prices_CNY": "price",
    "prices_JPY": "price",
    "prices_KRW": "price",
    "units": "unit",
    "periods": "period",
    "phases": "phase",
    "factor_modifiers": "factor.modifier",
    "cross_region_precedent": "precedent.cross-region",
    "conversion_precedent": "precedent.conversion",
    "p1_trade_fact": "precedent.trade",
    "registry_systems": "registry-system",
    "issuance_rule": "issuance",
    "quantity_limits": "quantity-limit",
    "conversion_rule": "conversion",
}
# Facts that are told apart by what they say and not by their place, with the ratio that their text gives.
NAMED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "/BJ/offset_limits/0": ("offset.limit", {"limit": "0.05"}),
    "/BJ/offset_limits/1": ("offset.limit.outside", {"limit": "0.025"}),
    "/BJ/offset_limits/2": ("offset.limit", {"limit": "0.05"}),
    "/TK/account_types/0": ("account-type.OHA", {}),
    "/TK/account_types/1": ("account-type.TRA", {}),
    "/TK/account_types/2": ("account-type.CAN", {}),
    "/SE/banking/0": ("banking.limit", {}),
    "/SE/banking/1": ("banking.limit", {}),
    "/SE/banking/2": ("banking.limit", {}),
}
# Times as the file names them; it writes years and months alike, so each is spelled out.
SPANS: Mapping[str, Span] = {
    "2011-12": (date(2011, 1, 1), date(2013, 1, 1)),
    "2013-16": (date(2013, 1, 1), date(2017, 1, 1)),
    "2015-16": (date(2015, 1, 1), date(2017, 1, 1)),
    "2018-24": (date(2018, 1, 1), date(2025, 1, 1)),
    "2019-20": (date(2019, 1, 1), date(2021, 1, 1)),
    "2022-23": (date(2022, 1, 1), date(2024, 1, 1)),
    "2024-25": (date(2024, 1, 1), date(2026, 1, 1)),
    "2009-10": (date(2009, 10, 1), date(2009, 11, 1)),
    "2019-07": (date(2019, 7, 1), date(2019, 8, 1)),
    "2024-09 auction": (date(2024, 9, 1), date(2024, 10, 1)),
    "2015": (date(2015, 1, 1), date(2016, 1, 1)),
    "2019": (date(2019, 1, 1), date(2020, 1, 1)),
    "2021": (date(2021, 1, 1), date(2022, 1, 1)),
    "2020 peak": (date(2020, 1, 1), date(2021, 1, 1)),
    "2023 low": (date(2023, 1, 1), date(2024, 1, 1)),
}


@dataclass(frozen=True, slots=True)
class SeedRule:
    """One dated rule made of a fact. `pointer` is the fact's place in the file, `/BJ/calendar/0`."""

    key: str
    valid_from: date
    valid_to: date | None
    value: Json
    confidence: str
    source: str
    pointer: str


def read_facts() -> Mapping[str, Section]:
    """Return the facts file by jurisdiction (BJ, TK, SE), its decimals as texts."""
    facts = json.loads(FILE.read_text(encoding="utf-8"), parse_float=str)
    return {name: section for name, section in facts.items() if not name.startswith("_")}


def rules_of(name: str, facts: Section) -> tuple[SeedRule, ...]:
    """Return the dated rules of one jurisdiction's facts, by key and day, none overlapping another of its key."""
    made = [rule for section, content in facts.items() for rule in _of_section(name, section, content, facts)]
    made.sort(key=lambda rule: (rule.key, rule.valid_from))
    for place, (earlier, later) in enumerate(pairwise(made)):
        if earlier.key == later.key and (earlier.valid_to is None or earlier.valid_to > later.valid_from):
            made[place] = replace(earlier, valid_to=later.valid_from)
    return tuple(made)


def is_marked(content: Json) -> bool:
    """Return whether a part of the file is one fact with its confidence mark."""
    if isinstance(content, Mapping):
        return "conf" in content
    return isinstance(content, list) and len(content) == 2 and isinstance(content[1], str) and _marks(content[1]) != []


def weakest_mark(remark: str) -> str:
    """Return the weakest confidence mark that a remark names ("V name, RM date": RM)."""
    return max(_marks(remark), key=MARKS.index)


def _marks(remark: str) -> list[str]:
    return re.findall(r"\b(?:V|D|RH|RM|RL)\b", remark) if re.match(r"(?:V|D|RH|RM|RL)\b", remark) else []


def _of_section(name: str, section: str, content: Json, facts: Section) -> Iterator[SeedRule]:
    key, pointer = KEYS.get(section, section.replace("_", "-")), f"/{name}/{section}"
    if isinstance(content, str):  # the caveat: a text that ends with its mark
        text, _, remark = content.rpartition(" conf ")
        yield _rule(key, (STARTS[name], None), text, remark, pointer)
    elif is_marked(content):
        yield _rule(key, (STARTS[name], None), *_parted(content), pointer)
    elif isinstance(content, list):
        for place, fact in enumerate(content):
            if section == "calendar":
                yield from _of_calendar(key, fact, facts, f"{pointer}/{place}")
            else:
                yield _of_item(key, section, place, fact, len(content), facts, f"{pointer}/{place}", STARTS[name])


def _of_item(
    key: str, section: str, place: int, fact: Json, of: int, facts: Section, pointer: str, start: date
) -> SeedRule:
    value, remark = _parted(fact)
    span = _span(value, facts) or (start, None)
    if pointer in NAMED:
        key, ratio = NAMED[pointer]
        return _rule(key, span, {**_mapping(value), **ratio}, remark, pointer)
    if section == "units":
        key = f"{key}.{_mapping(value)['code']}"
    elif section.startswith("prices_") or section == "entities":
        members = _mapping(value)
        key = f"{key}.{str(members.get('period', members.get('when'))).replace(' ', '-')}"
    elif section not in {"periods", "phases", "cap_MtCO2", "offset_limits"} and of > 1:
        key = f"{key}.{place + 1}"
    return _rule(key, span, value, remark, pointer)


def _of_calendar(key: str, fact: Json, facts: Section, pointer: str) -> Iterator[SeedRule]:
    """A calendar is set for years of obligation: one rule for each day it names and each year."""
    value, remark = _parted(fact)
    for member, day in _mapping(value).items():
        if member in {"year_of_obligation", "phases"}:
            continue
        said = f"{remark}; the fact says {day!r}" if isinstance(day, str) and day.startswith("about ") else remark
        if isinstance(day, str):
            day = day.removeprefix("about ")
        for year in _years(_mapping(value), facts):
            span = (date(year, 1, 1), date(year + 1, 1, 1))
            yield _rule(f"{key}.{member.replace('_', '-')}", span, day, said, pointer)


def _years(value: Section, facts: Section) -> Sequence[int]:
    if "phases" in value:
        return [year for number in _numbers(value["phases"]) for year in _years_of_phase(number, facts)]
    years = [int(year) for year in re.findall(r"\d{4}", str(value["year_of_obligation"]))]
    return range(years[0], years[-1] + 1)


def _years_of_phase(number: int, facts: Section) -> Sequence[int]:
    phases = facts["phases"]
    assert isinstance(phases, list)
    return next(_numbers(phase["years"]) for phase in phases if phase["n"] == number)


def _span(value: Json, facts: Section) -> Span | None:
    """Return the time that a fact names itself, if it does; Tokyo's periods end on their last day, rules on the next."""
    if not isinstance(value, Mapping):
        return None
    if "to" in value:
        return date.fromisoformat(str(value["from"])), date.fromisoformat(str(value["to"])) + timedelta(days=1)
    if "from" in value:
        return date(_number(value["from"]), 1, 1), None
    if "year" in value:
        return date(_number(value["year"]), 1, 1), date(_number(value["year"]) + 1, 1, 1)
    if "years" in value or "phases" in value or "phase" in value:
        numbers = [_number(value["phase"])] if "phase" in value else _numbers(value.get("phases", []))
        years = _numbers(value.get("years", [])) or [y for n in numbers for y in _years_of_phase(n, facts)]
        return date(years[0], 1, 1), date(years[-1] + 1, 1, 1)
    if isinstance(value.get("period"), int):
        periods = facts["periods"]
        assert isinstance(periods, list)
        return _span(next(period for period in periods if period["n"] == value["period"]), facts)
    label = value.get("period", value.get("when"))
    return None if label is None else SPANS[str(label)]


def _parted(fact: Json) -> tuple[Json, str]:
    """Part a fact into its value and the remark that carries its mark."""
    if isinstance(fact, Mapping):
        return {member: value for member, value in fact.items() if member != "conf"}, str(fact["conf"])
    assert isinstance(fact, list)
    return fact[0], str(fact[1])


def _rule(key: str, span: Span, value: Json, remark: str, pointer: str) -> SeedRule:
    return SeedRule(key, *span, value, weakest_mark(remark), f"seed facts {pointer}: {remark}", pointer)


def _mapping(value: Json) -> Section:
    assert isinstance(value, Mapping)
    return value


def _number(value: Json) -> int:
    assert isinstance(value, int)
    return value


def _numbers(value: Json) -> Sequence[int]:
    assert isinstance(value, Sequence)
    return [_number(item) for item in value]
