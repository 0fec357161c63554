"""The conditions that nobody ticks since the registry sees them itself: from the terms and leaves in force and the comparison.

linking.md section 2. They are computed at the instant a step is signed, so nothing of them is stored and nothing can be outdated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from linking.rules.degrees import Tick, has_quota, is_restricted
from linking.rules.flows import Corridor
from linking.rules.rates import AT_HOME
from linking.rules.terms import Terms


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What is in force of a link at an instant.

    `corridor`: the one that a step is about (to *unilateral*: the named one). `terms` and `leaves`: those in force, by corridor;
    `open_blocks`: points of the readiness comparison that block; None: there is no comparison.
    """

    corridor: Corridor
    terms: Mapping[Corridor, Terms]
    leaves: frozenset[Corridor]
    open_blocks: int | None

    @property
    def both(self) -> frozenset[Corridor]:
        """The two corridors of the link."""
        origin, destination = self.corridor
        return frozenset({(origin, destination), (destination, origin)})


def _has_both(facts: LinkFacts) -> bool:
    return facts.both <= facts.terms.keys()


COMPUTED: Mapping[str, Callable[[LinkFacts], bool]] = {
    "nothing-blocks": lambda facts: facts.open_blocks == 0,
    "leave-signed": lambda facts: facts.corridor in facts.leaves,
    "terms-in-force": lambda facts: facts.corridor in facts.terms,
    "restriction-agreed": lambda facts: bool(facts.terms) and all(map(is_restricted, facts.terms.values())),
    "both-corridors-in-force": _has_both,
    "both-leaves-signed": lambda facts: facts.both <= facts.leaves,
    "one-to-one": lambda facts: _has_both(facts) and all(row.rate.rate == AT_HOME for row in facts.terms.values()),
    "no-quota": lambda facts: _has_both(facts) and not any(map(has_quota, facts.terms.values())),
}


def computed_ticks(facts: LinkFacts, at: datetime) -> tuple[Tick, ...]:
    """Return the conditions that are met as ticks of no side at an instant, for `missing_conditions`."""
    return tuple(Tick(code, None, at) for code, is_met in COMPUTED.items() if is_met(facts))
