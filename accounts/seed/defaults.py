"""The pilot's own rules, for which no jurisdiction's own text was read: recorded as dated rules so that they are seen as data.

They hold from each programme's start and are replaced by `set_rule` like any other. Their mark is D: taken over from a text that
was read, or decided for the pilot; the source says which.
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
    "transaction.reversal-limit": ({"days": 30}, DESIGN),
}


def default_rules(name: str) -> tuple[SeedRule, ...]:
    """Return the pilot's own rules for a jurisdiction of the facts file (BJ, TK, SE), by key."""
    return tuple(
        SeedRule(key, STARTS[name], None, value, "D", source, f"default {key}")
        for key, (value, source) in sorted(DEFAULTS.items())
    )
