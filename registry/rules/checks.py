"""All the checks: every one runs, and every failure is reported, by code."""

from functools import cache

from registry.rules import checks_by_type, checks_of_accounts, checks_of_form
from registry.rules.check_table import CHECKS, Check, CodeUsedTwice, Failure, Group, Judge, add
from registry.rules.facts import Context

__all__ = ["CHECKS", "GROUPS", "Check", "CodeUsedTwice", "Failure", "Group", "key_names_one_request", "run"]

# Where the rows of each group are declared.
GROUPS = {Group.FORM: checks_of_form, Group.GENERAL: checks_of_accounts, Group.TYPE: checks_by_type}

_KEY_NAMES_ONE_REQUEST = 3004
# Found before a proposal is judged, where its idempotency key is looked up; the table tells it with the others.
add(Check(_KEY_NAMES_ONE_REQUEST, "key_names_one_request", Group.SEQUENCE, False, "domain.md 6", None))


@cache
def _judges() -> tuple[tuple[int, Judge], ...]:
    """The checks to run in the order of their codes; the table is complete once this module is imported."""
    return tuple((code, row.judge) for code, row in sorted(CHECKS.items()) if row.judge is not None)


def run(context: Context) -> tuple[Failure, ...]:
    """Return every failure of every check, in the order of their codes; none means the proposal may be carried out."""
    return tuple(
        Failure(code, finding.params, finding.subjects) for code, judge in _judges() for finding in judge(context)
    )


def key_names_one_request(key: str) -> Failure:
    """Return the failure of an idempotency key that was used for another request."""
    return Failure(_KEY_NAMES_ONE_REQUEST, {"key": key}, (key,))
