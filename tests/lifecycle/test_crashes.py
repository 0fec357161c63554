"""A connection that is cut in the midst of a step: the transaction stands as it did, and whoever asks again is answered."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import OperationalError, connection

from config.embedded import addresses
from registry import ledger
from registry.database_transaction import DatabaseTransaction
from registry.operations.approve import approve
from registry.operations.execute import execute, expire
from registry.operations.outcome import AnsweredBefore, AnswerKey, Outcome
from registry.operations.refuse import refuse
from registry.operations.withdraw import withdraw
from registry.rules.states import State
from tests import plugin
from tests.build import NOW, REGISTRY, Beijing
from tests.lifecycle.market import balance, events, state, steps, transfer

DECISIONS: dict[str, Callable[..., Outcome]] = {"approve": approve, "refuse": refuse, "withdraw": withdraw}


def kill(database: str) -> None:
    """End this thread's session from outside, as a failing server would."""
    superuser = addresses.socket_url("postgres", database, str(plugin.SERVERS.sockets))
    with psycopg.connect(superuser, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])


@pytest.mark.parametrize("cut_after", ["waiting", "read", "proceed"])
@pytest.mark.parametrize("decision", DECISIONS)
def test_a_step_that_is_cut_off_was_not_taken_and_is_taken_when_asked_again(
    registry: Beijing, committed_db, monkeypatch, cut_after, decision
):
    """Cut after the lock, after the decision, or after it was written but before COMMIT."""
    proposed = transfer(registry)
    key = AnswerKey(registry.approver.name, "k", "digest", lambda result: (200, "first"))
    before = (events(proposed), steps(proposed), balance(registry, "ava"))
    original = getattr(ledger, cut_after)

    def cut(database: DatabaseTransaction, *arguments: object, **more: object) -> object:
        if cut_after == "proceed":
            # Written, and not committed in the same breath as usual.
            database.ask("registry_proceed", arguments[0].as_json())  # type: ignore[attr-defined]
            result = None
        else:
            result = original(database, *arguments, **more)
        kill(committed_db)
        return result

    def decide() -> Outcome:
        return DECISIONS[decision](proposed.transaction_id, actor=registry.approver, now=NOW, key=key)

    with monkeypatch.context() as patch:
        patch.setattr(ledger, cut_after, cut)
        with pytest.raises(OperationalError):
            decide()
    connection.close()
    assert (events(proposed), steps(proposed), balance(registry, "ava")) == before
    assert state(proposed) == State.AWAITING_APPROVAL
    assert decide().state != State.AWAITING_APPROVAL
    with pytest.raises(AnsweredBefore) as answered:
        decide()
    assert answered.value.answer.body == "first"
    assert len(steps(proposed)) == 1


@pytest.mark.parametrize("cut_after", ["waiting", "read"])
def test_what_was_due_when_a_server_failed_is_due_still(registry: Beijing, committed_db, monkeypatch, cut_after):
    delayed, unapproved = transfer(registry), transfer(registry)
    due = approve(delayed.transaction_id, actor=registry.approver, now=NOW).due_at
    assert due is not None
    assert unapproved.expires_at is not None
    original = getattr(ledger, cut_after)

    def cut(*arguments: object, **more: object) -> object:
        result = original(*arguments, **more)
        kill(committed_db)
        return result

    for act, outcome, at in ((execute, delayed, due), (expire, unapproved, unapproved.expires_at)):
        before = state(outcome)
        with monkeypatch.context() as patch:
            patch.setattr(ledger, cut_after, cut)
            with pytest.raises(OperationalError):
                act(outcome.transaction_id, actor=REGISTRY, now=at)
        connection.close()
        assert state(outcome) == before
        assert act(outcome.transaction_id, actor=REGISTRY, now=at) is not None
    assert (balance(registry, "ava"), balance(registry, "ben")) == ((90, 0), (10, 0))
