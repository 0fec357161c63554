"""Carry out an act that writes itself, and keep its answer under the idempotency key of whoever asked."""

import json
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, connection, transaction

from registry.facts import StoredAnswer
from registry.models import Answer
from registry.operations.judging import refuse_what_was_answered
from registry.operations.outcome import AnswerKey

Result = TypeVar("Result")


def answered_once(key: AnswerKey | None, act: Callable[[], Result]) -> Result:
    """Carry out an act and store its answer, all or nothing.

    Nothing is stored of a refusal, not even under its key: asked again, it is judged again. Where a concurrent act made this one
    stale, or took its key, it is done anew once; then the reason is told.

    Commit point: before COMMIT neither the act nor its answer is there, after it both are. A crash in between is one or the
    other; whoever asked finds out by the key. Raises: AnsweredBefore; Refused where the key named another request; as `act`.
    """
    nested = connection.in_atomic_block
    try:
        return _once(key, act)
    except IntegrityError:
        if nested:
            raise
        return _once(key, act)


def _once(key: AnswerKey | None, act: Callable[[], Result]) -> Result:
    with transaction.atomic():
        if key is not None:
            # Of requests with one key at once, the second waits here and then finds the answer of the first.
            with connection.cursor() as cursor:
                lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
                cursor.execute(lock, [f"{key.principal} {key.key}"])
            found = Answer.objects.filter(principal=key.principal, key=key.key).first()
            refuse_what_was_answered(
                key, None if found is None else StoredAnswer(found.digest, found.status, found.body)
            )
        result = act()
        if key is not None:
            _keep(key, *key.print_answer(result))
    return result


def _keep(key: AnswerKey, status: int, body: str) -> None:
    row = {"principal": key.principal, "key": key.key, "digest": key.digest, "status": status, "body": body}
    with connection.cursor() as cursor:
        cursor.execute("SELECT registry_keep_answer(%s::jsonb)", [json.dumps(row)])
