"""How a corridor stands: open, or everything that stands in the way of units that would enter by it."""

from collections.abc import Collection, Iterator
from enum import StrEnum

from linking.rules.degrees import Degree, corridor_is_open


class Standing(StrEnum):
    """How a corridor stands. Texts: `corridor-standing.<standing>`."""

    OPEN = "open"
    # Its last terms have ended, and none follow.
    ENDED = "ended"
    # No terms are in force yet.
    NO_TERMS = "no-terms"
    # The origin does not let its units out.
    NO_LEAVE = "no-leave"
    SUSPENDED = "suspended"
    # The degree of the link opens it for nothing, or for units of a listed common mechanism only.
    CLOSED = "closed"
    MECHANISMS_ONLY = "mechanisms-only"


def standings(
    *,
    has_terms: bool,
    has_ended: bool,
    has_leave: bool,
    suspended_by: Collection[str],
    degree: Degree,
    is_the_open_one: bool,
    lists_mechanisms: bool,
) -> tuple[Standing, ...]:
    """Return everything that stands in the way, the gravest first; `(OPEN,)` where nothing does. Source: linking.md 1 and 2."""
    return tuple(
        _obstacles(has_terms, has_ended, has_leave, suspended_by, degree, is_the_open_one, lists_mechanisms)
    ) or (Standing.OPEN,)


def _obstacles(
    has_terms: bool,
    has_ended: bool,
    has_leave: bool,
    suspended_by: Collection[str],
    degree: Degree,
    is_the_open_one: bool,
    lists_mechanisms: bool,
) -> Iterator[Standing]:
    if not has_terms:
        yield Standing.ENDED if has_ended else Standing.NO_TERMS
    if not has_leave:
        yield Standing.NO_LEAVE
    if suspended_by:
        yield Standing.SUSPENDED
    if not corridor_is_open(degree, is_the_unilateral_one=is_the_open_one, of_listed_mechanism=False):
        of_mechanisms = corridor_is_open(
            degree, is_the_unilateral_one=is_the_open_one, of_listed_mechanism=lists_mechanisms
        )
        yield Standing.MECHANISMS_ONLY if of_mechanisms else Standing.CLOSED
