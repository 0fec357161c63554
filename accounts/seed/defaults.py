"""The pilot's own rules, for which no jurisdiction's own text was read: recorded as dated rules so that they are seen as data.

They hold from each programme's start and are replaced by `set_rule` like any other. The mark of most is D: taken over from a text
that was read, or decided for the pilot; the source says which.
"""

from collections.abc import Mapping
from datetime import date

from accounts.seed.facts import STARTS, Json, SeedRule

REGULATION = "Regulation (EU) 2019/1122"
DESIGN = "design of the pilot"

# key: value, source.
DEFAULTS: Mapping[str, tuple[Json, str]] = {
    "transaction.delay": ({"kind": "noon", "hour": 12}, f"{REGULATION}, Article 35, taken over by the {DESIGN}"),
    "trusted-account.activation": (
        {"working_days": 4, "hour": 12},
        f"{DESIGN}, after the trusted account lists of {REGULATION}",
    ),
    "transaction.approval-expiry": ({"days": 14}, DESIGN),
    "freeze.review-period": ({"days": 90}, DESIGN),
    "transaction.deadline-warning": ({"working_days": 5}, DESIGN),
    "transaction.reversal-limit": ({"days": 30}, DESIGN),
}

Row = tuple[str, date | None, date | None, Json, str, str]

# Of fiscal years, each called by the calendar year in which it begins.
_TOKYO_PERIODS: tuple[Row, ...] = tuple(
    (
        "compliance.period",
        date(first, 4, 1),
        date(first + 5, 4, 1),
        {"first_year": first, "last_year": first + 4, "begins": "04-01"},
        "V",
        f"seed facts /TK/periods/{number}",
    )
    for number, first in enumerate((2010, 2015, 2020, 2025))
)

# What only one jurisdiction has, with its mark: recalled, and to be confirmed before anybody relies on it. From a day until a
# day; None: from the programme's start, and for ever.
OF_ONE: Mapping[str, tuple[Row, ...]] = {
    "BJ": (
        # An operator may hold its own allocation and this much more; any other holder this much. Units of 1 t CO2e.
        (
            "holding.limit",
            None,
            None,
            {"others": 1_000_000, "operators_above_allocation": 1_000_000},
            "RM",
            "Beijing's limit on holdings as recalled; no text of it was read",
        ),
    ),
    # Its own rule of compliance.
    "TK": (
        ("compliance.rule", None, None, "cover-the-excess", "V", "seed facts /TK/issuance_rule and /TK/cap_type"),
        ("compliance.excess-unit-type", None, None, "TER", "V", "seed facts /TK/units"),
        *_TOKYO_PERIODS,
    ),
    # One for one, by an operator. That the window became five years in 2024 was read; the day, and that the years are counted
    # from the vintage to the end of a year, were not.
    "SE": tuple(
        (
            f"conversion.{code}",
            since,
            until,
            {"to": to, "years": years},
            "RM",
            "seed facts /SE/conversion_rule; the day of the change and the end of the window as recalled",
        )
        for code, to in (("IKOC", "IKCU"), ("KOC", "KCU"))
        for since, until, years in ((None, date(2024, 1, 1), 2), (date(2024, 1, 1), None, 5))
    ),
}


def default_rules(name: str) -> tuple[SeedRule, ...]:
    """Return the pilot's own rules for a jurisdiction of the facts file (BJ, TK, SE), by key and day."""
    rules = [(key, None, None, value, "D", source) for key, (value, source) in DEFAULTS.items()]
    return tuple(
        SeedRule(key, since or STARTS[name], until, value, mark, source, f"default {key}")
        for key, since, until, value, mark, source in sorted(
            (*rules, *OF_ONE.get(name, ())), key=lambda row: (row[0], row[1] or STARTS[name])
        )
    )
