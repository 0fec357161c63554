"""All the checks: every one runs, and every failure is reported, by code."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache

from registry.rules import checks_by_type, checks_of_accounts, checks_of_form
from registry.rules.check_table import CHECKS, Check, CodeUsedTwice, Failure, Finding, Group, Judge, add
from registry.rules.facts import Context
from registry.rules.states import FINAL, State, Step, may_take

__all__ = [
    "CHECKS",
    "GROUPS",
    "Check",
    "CodeUsedTwice",
    "Failure",
    "Group",
    "approval_came_too_late",
    "failures_of",
    "key_names_one_request",
    "not_undone",
    "run",
    "step_may_be_taken",
]

# Where the rows of each group are declared.
GROUPS = {Group.FORM: checks_of_form, Group.GENERAL: checks_of_accounts, Group.TYPE: checks_by_type}

_TRANSITION_IS_LEGAL, _FINAL_IS_FINAL = 3002, 3003
_KEY_NAMES_ONE_REQUEST = 3004
_UNDOING_IS_PERMITTED = 5014
# Found before a step is judged, where the transaction is read.
add(Check(_TRANSITION_IS_LEGAL, "transition_is_legal", Group.SEQUENCE, False, "domain.md 5", None))
add(Check(_FINAL_IS_FINAL, "final_is_final", Group.SEQUENCE, False, "domain.md 5", None))
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


def step_may_be_taken(step: Step, state: State, transaction: str) -> tuple[Failure, ...]:
    """Return the failure of a step that a transaction in this state does not take; none where it does."""
    if may_take(step, state):
        return ()
    code = _FINAL_IS_FINAL if state in FINAL else _TRANSITION_IS_LEGAL
    return (Failure(code, {"state": state, "step": step}, (transaction,)),)


def approval_came_too_late(transaction: str, expires_at: datetime) -> tuple[Failure, ...]:
    """Return the failure of an approval after the proposal's time, of which the registry has not taken note yet."""
    return (Failure(_TRANSITION_IS_LEGAL, {"state": expires_at.isoformat(), "step": Step.APPROVED}, (transaction,)),)


def not_undone(transaction: str) -> tuple[Failure, ...]:
    """Return the failure of a transaction of a type that nothing undoes."""
    return (Failure(_UNDOING_IS_PERMITTED, {"transaction": transaction}, (transaction,)),)


def failures_of(code: int, findings: Iterable[Finding]) -> tuple[Failure, ...]:
    """Return findings as failures of one check."""
    return tuple(Failure(code, finding.params, finding.subjects) for finding in findings)


def key_names_one_request(key: str) -> Failure:
    """Return the failure of an idempotency key that was used for another request."""
    return Failure(_KEY_NAMES_ONE_REQUEST, {"key": key}, (key,))
