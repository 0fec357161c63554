"""The pilot's own rules, for which no jurisdiction's own text was read: recorded as dated rules so that they are seen as data.

They hold from each programme's start and are replaced by `set_rule` like any other. The mark of most is D: taken over from a text
that was read, or decided for the pilot; the source says which.
"""

from collections.abc import Mapping

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

# What only one jurisdiction has, with its mark: recalled, and to be confirmed before anybody relies on it.
OF_ONE: Mapping[str, Mapping[str, tuple[Json, str, str]]] = {
    "BJ": {
        # An operator may hold its own allocation and this much more; any other holder this much. Units of 1 t CO2e.
        "holding.limit": (
            {"others": 1_000_000, "operators_above_allocation": 1_000_000},
            "RM",
            "Beijing's limit on holdings as recalled; no text of it was read",
        )
    }
}


def default_rules(name: str) -> tuple[SeedRule, ...]:
    """Return the pilot's own rules for a jurisdiction of the facts file (BJ, TK, SE), by key."""
    rules = {key: (value, "D", source) for key, (value, source) in DEFAULTS.items()} | dict(OF_ONE.get(name, {}))
    return tuple(
        SeedRule(key, STARTS[name], None, value, mark, source, f"default {key}")
        for key, (value, mark, source) in sorted(rules.items())
    )
