"""Strategies for terms: any document that is one, and any with one thing changed."""

import unicodedata
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from math import gcd
from typing import Any

from hypothesis import strategies as st

from linking.rules.terms import (
    GoodFaith,
    Margin,
    Measure,
    Policy,
    RateKind,
    Settling,
    UnderWay,
    UseBase,
    UseWindow,
    Window,
)
from tests.linking.terms_samples import document

Json = dict[str, Any]


def ratios(least: int, greatest: int) -> st.SearchStrategy[tuple[int, int]]:
    """Ratios in lowest terms, at most one where `greatest` is the denominator's."""
    return st.builds(
        lambda a, b: (a // gcd(a, b), b // gcd(a, b)), st.integers(least, greatest), st.integers(1, greatest)
    )


def shares() -> st.SearchStrategy[tuple[int, int]]:
    return ratios(0, 1_000).map(lambda ratio: ratio if ratio[0] <= ratio[1] else (ratio[1], ratio[0]))


SOURCES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20).map(
    lambda told: unicodedata.normalize("NFC", told)
)
LIMITS = st.integers(0, 10**15 - 1)
VALUES = st.builds(lambda ratio, source: ratio_of(ratio) | {"source": source}, ratios(1, 1_000), SOURCES)


def ratio_of(ratio: tuple[int, int]) -> Json:
    return {"numerator": ratio[0], "denominator": ratio[1]}


@st.composite
def rates(draw: st.DrawFn) -> Json:
    ratio = draw(ratios(1, 1_000))
    exceeds = ratio[0] > ratio[1]
    return ratio_of(ratio) | {
        "kind": "exchange" if exceeds else draw(st.sampled_from(["discount", "exchange"])),
        "exceeds_one": exceeds,
        "reserve": draw(st.integers(1, 10**6)) if exceeds else 0,
        "mitigation_value": draw(VALUES),
        "compliance_value": draw(VALUES),
    }


@st.composite
def trees(draw: st.DrawFn) -> list[Json]:
    """Use quotas of which each lies in an earlier one or in none, and counts no more than it."""
    nodes: list[Json] = []
    for place in range(draw(st.integers(0, 4))):
        around = draw(st.none() | st.sampled_from(nodes)) if nodes else None
        of_all = around["unit_types"] if around else []
        nodes.append(
            ratio_of(draw(shares()))
            | {
                "name": f"node-{place}",
                "within": around["name"] if around else None,
                "origins": around["origins"] if around else draw(st.sampled_from([["CN-BJ"], ["CN-BJ", "KR-11"]])),
                "unit_types": of_all or draw(st.sampled_from([[], ["BEA"], ["BEA", "PHR"]])),
                "base": draw(st.sampled_from(["verified-emissions", "allocation", "required-reduction"])),
                "window": draw(st.sampled_from(["year", "period"])),
            }
        )
    return nodes


@st.composite
def clauses(draw: st.DrawFn, tapers: bool) -> Json:
    warn, *starts, suspend = sorted(draw(st.sets(st.integers(1, 60_000), min_size=2, max_size=5 if tapers else 2)))
    falling = sorted(draw(st.sets(st.integers(0, 30), min_size=len(starts), max_size=len(starts))), reverse=True)
    taper = [
        {"from": at, "numerator": n // gcd(n, 30), "denominator": 30 // gcd(n, 30)}
        for at, n in zip(starts, falling, strict=True)
    ]
    return {"warn": warn, "taper": taper, "suspend": suspend}


@st.composite
def documents(draw: st.DrawFn) -> Json:
    """Any document that is terms."""
    quota = draw(
        st.none()
        | st.fixed_dictionaries(
            {
                "limit": LIMITS,
                "measure": st.sampled_from(["units", "recognised"]),
                "window": st.sampled_from(["year", "life"]),
            }
        )
    )
    first, last = sorted(draw(st.tuples(st.integers(2000, 2030), st.integers(2000, 2030))))
    vintages = st.dictionaries(st.integers(first, last).map(str), LIMITS, max_size=3)
    days = st.sets(st.dates(date(2026, 1, 1), date(2030, 12, 31)).map(date.isoformat), min_size=1, max_size=4).map(
        sorted
    )
    return document(
        version=draw(st.integers(1, 1_000)),
        effective_from=f"{draw(st.dates(date(2020, 1, 1), date(2040, 1, 1)))}T{draw(st.times()):%H:%M:%S}Z",
        first_vintage=first,
        last_vintage=last,
        rate=draw(rates()),
        entry_quota=quota,
        net_flow_limit=draw(st.none() | LIMITS),
        vintage_limits=draw(vintages) if quota else {},
        holder_limit=draw(st.none() | LIMITS) if quota else None,
        use_quota=draw(trees()),
        reciprocity=draw(st.none() | clauses(tapers=quota is not None)),
        settlement_days=draw(st.sampled_from(["any", "working"]) | days),
        margin=draw(st.sampled_from(["retired", "pooled"])),
        good_faith=draw(st.sampled_from(["buyer-keeps", "units-go-back"])),
        delinking={
            "policy": draw(st.sampled_from(["honour", "sunset", "revert", "freeze"])),
            "notice_days": draw(st.integers(0, 3650)),
            "sunset_days": draw(st.integers(1, 3650)),
            "under_way": draw(st.sampled_from(["settle", "reverse"])),
        },
        instrument=draw(st.just("") | SOURCES),
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, deepest last."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in inside:
        yield from places(member, (*path, name))


WORDS = (RateKind, Measure, Window, UseBase, UseWindow, Settling, Margin, GoodFaith, Policy, UnderWay)
SCALARS = st.one_of(
    st.sampled_from([str(word) for words in WORDS for word in words]),
    st.none(),
    st.booleans(),
    st.integers(-2, 10**6),
    st.sampled_from(["CN-BJ", "BEA", "1", "", "2026-07-15", "2027-01-01T00:00:00Z"]),
    st.just(1.0),
    st.just([]),
    st.just({}),
)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[Json, Any]:
    """A valid document and the same with one thing changed: replaced, left out, added, doubled, or in another order."""
    valid = draw(documents())
    changed_one = deepcopy(valid)
    above, last = draw(st.sampled_from([(path[:-1], path[-1]) for path in places(valid) if path]))
    place: Any = changed_one
    for step in above:
        place = place[step]
    how = draw(st.sampled_from(["replace", "leave out", "add", "double", "turn", "nudge"]))
    if how == "replace":
        place[last] = draw(SCALARS)
    elif how == "leave out":
        del place[last]
    elif how == "add" and isinstance(place, dict):
        place[draw(st.sampled_from(["x", "note", "2021", "From", ""]))] = draw(SCALARS)
    elif how == "double" and isinstance(place, list):
        place.append(place[last])
    elif how == "turn" and isinstance(place, list):
        place.reverse()
    elif isinstance(place[last], int):
        place[last] += draw(st.sampled_from([-1, 1]))
    return valid, changed_one
