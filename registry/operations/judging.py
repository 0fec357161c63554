"""What every order has in common: the answer it was given before, the judgement of it, and what becomes of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from accounts.rules.access import Actor
from registry import ledger
from registry.database_transaction import DatabaseTransaction
from registry.facts import StoredAnswer
from registry.operations.outcome import AnsweredBefore, AnswerKey, Outcome, Refused, accepted, refused, with_answer
from registry.operations.terms import terms_of_proposal
from registry.rules import checks
from registry.rules.checks import Failure
from registry.rules.facts import Context
from registry.settlement import settlement_of


def names_of(key: AnswerKey | None) -> tuple[str, str] | None:
    """Return what an idempotency key is found by."""
    return None if key is None else (key.principal, key.key)


def refuse_what_was_answered(key: AnswerKey | None, answer: StoredAnswer | None) -> None:
    """Give the first answer to the same request again. Raises: AnsweredBefore; Refused where the key named another request."""
    if key is not None and answer is not None:
        if answer.digest != key.digest:
            raise Refused((checks.key_names_one_request(key.key),))
        raise AnsweredBefore(answer)


def settled(database: DatabaseTransaction, judged: Context, *, lock: bool = True) -> Context:
    """Add what the settlement knows, locked after the accounts; inside one registry there is nothing to add."""
    found = settlement_of(judged).read(database, judged, lock=lock)
    return judged if found is None else replace(judged, settled_by=found)


def failures_of(judged: Context) -> tuple[Failure, ...]:
    """Return every failure of every check, the registry's own and those of who settles it."""
    return checks.run(judged) + settlement_of(judged).checks(judged)


def decide(
    database: DatabaseTransaction,
    judged: Context,
    *,
    actor: Actor,
    now: datetime,
    key: AnswerKey | None,
    series: Callable[[], int] | None = None,
) -> Outcome | Refused:
    """Carry a proposal out, let it wait, or refuse it; write what became of it with its answer, and commit.

    `series` gives the series of units that are issued, once it is known that they are.
    """
    failures = failures_of(judged)
    if failures:
        refusal, plan = refused(judged, failures, actor=actor, now=now)
        ledger.record(database, with_answer(plan, key, refusal))
        return refusal
    terms = terms_of_proposal(judged)
    # After this point it must succeed.
    series_id = None if series is None else series()
    outcome, plan = accepted(judged, actor=actor, now=now, terms=terms, series_id=series_id)
    ledger.apply(database, with_answer(plan, key, outcome))
    return outcome


def told(result: Outcome | Refused) -> Outcome:
    """Return what became of an order. Raises: Refused, which was recorded and is told after its commit."""
    if isinstance(result, Refused):
        raise result
    return result
