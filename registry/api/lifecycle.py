"""Deciding on transactions that wait, undoing what completed, and proposing many at once. Translates only; the rules are the
operations'.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts import clock
from accounts.api.base import ApiView
from accounts.api.errors import RequestError, RequestRefused
from accounts.rules.account_types import ACCOUNT_TYPES
from accounts.rules.identifiers import parse_account_identifier
from accounts.texts import text
from registry import transaction_queries
from registry.api.answers import IDEMPOTENCY_KEY, Answering
from registry.api.lifecycle_serializers import (
    BatchAnswerSerializer,
    BatchSerializer,
    DecisionSerializer,
    ReversalSerializer,
    printed_batch,
)
from registry.api.orders import digest_of, proposal_of
from registry.api.transaction_serializers import TransactionSerializer
from registry.operations.approve import approve
from registry.operations.outcome import AnsweredBefore, Refused
from registry.operations.propose_batch import BatchRefused, propose_batch
from registry.operations.refuse import refuse
from registry.operations.reverse import reverse
from registry.operations.withdraw import withdraw
from registry.rules.proposal import Proposal

# Accounts whose orders may come by the hundred: an exchange settling, and the registry's own.
BATCHING = frozenset(code for code, row in ACCOUNT_TYPES.items() if row.administrative or code == "EXS")


def answered(answering: Answering, act: Callable[[], object]) -> HttpResponse:
    """Carry out an act and give its answer, the first one where its key was used before."""
    try:
        try:
            act()
        except IntegrityError as error:
            cause = getattr(error.__cause__, "diag", None)
            if getattr(cause, "constraint_name", None) != "one_answer_per_key":
                raise
            # Another request with this key answered meanwhile, and no account's lock put the two in a row.
            act()
    except AnsweredBefore as before:
        return answering.again(before.answer)
    except (Refused, BatchRefused) as refusal:
        if not answering.printed(refusal):
            # The key names another request, whose answer is kept.
            raise
    return answering.response()


class _Decision(ApiView):
    """One decision on one transaction that waits."""

    http_method_names = ["post"]
    decide: Callable[..., object]

    def _post(self, request: Request, id: UUID) -> HttpResponse:
        answering = Answering(self, request, success=200)
        members = DecisionSerializer().run_validation(request.data)
        key = answering.key(digest_of("POST", request.path, request.data))
        if transaction_queries.transaction_of(self.actor, id) is None:
            raise NotFound
        actor, now, reason = self.actor, clock.now(), members["reason"]
        return answered(answering, lambda: type(self).decide(id, actor=actor, now=now, reason=reason, key=key))


def _documented(operation_id: str) -> Callable[[Any], Any]:
    return extend_schema(
        operation_id=operation_id,
        tags=["transactions"],
        parameters=[IDEMPOTENCY_KEY],
        request=DecisionSerializer,
        responses={200: OpenApiResponse(TransactionSerializer, description="Done.")},
    )


class Approve(_Decision):
    """Approving what another proposed."""

    decide = staticmethod(approve)

    @_documented("approve_transaction")
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Approve a transaction that another person proposed. All checks run again; where one fails it goes on waiting."""
        return self._post(request, id)


class Refuse(_Decision):
    """Refusing what another proposed."""

    decide = staticmethod(refuse)

    @_documented("refuse_transaction")
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Refuse a transaction that waits for your approval. Its units are free again."""
        return self._post(request, id)


class Withdraw(_Decision):
    """Withdrawing what waits."""

    decide = staticmethod(withdraw)

    @_documented("withdraw_transaction")
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Withdraw a transaction that waits for approval or its delay. Its units are free again. One person is enough."""
        return self._post(request, id)


class Reverse(ApiView):
    """Undoing what completed."""

    http_method_names = ["post"]

    @extend_schema(
        operation_id="reverse_transaction",
        tags=["transactions"],
        parameters=[IDEMPOTENCY_KEY],
        request=ReversalSerializer,
        responses={
            201: OpenApiResponse(TransactionSerializer, description="Proposed; a senior administrator decides.")
        },
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Propose a reversal or a correction of a completed transaction, as a registry administrator of its jurisdiction.

        It is a transaction of its own, with all the same serials or nothing. Once only, within the dated limit; a transfer
        between different holders is undone only with a reference. Others are told that the transaction was not found.
        """
        answering = Answering(self, request)
        members = ReversalSerializer().run_validation(request.data)
        key = answering.key(digest_of("POST", request.path, request.data))
        if transaction_queries.transaction_of(self.actor, id) is None:
            raise NotFound
        actor, now = self.actor, clock.now()
        return answered(answering, lambda: reverse(id, **members, actor=actor, now=now, key=key))


class Batch(ApiView):
    """Many orders of one account."""

    http_method_names = ["post"]

    @extend_schema(
        operation_id="propose_batch",
        tags=["transactions"],
        parameters=[IDEMPOTENCY_KEY],
        request=BatchSerializer,
        responses={200: OpenApiResponse(BatchAnswerSerializer, description="One result per order.")},
    )
    def post(self, request: Request) -> HttpResponse:
        """Propose up to 1,000 transactions of one exchange settlement account, or of one of the registry's own.

        Each on its own, or all or nothing as asked; then one refusal leaves everything as it was and every failure is told.
        """
        answering = Answering(self, request, printer=printed_batch, success=200)
        members = BatchSerializer().run_validation(request.data)
        proposals = _proposals(members["orders"])
        key = answering.key(digest_of("POST", request.path, request.data))
        actor, now, whole = self.actor, clock.now(), members["all_or_nothing"]
        return answered(
            answering, lambda: propose_batch(proposals, actor=actor, now=now, all_or_nothing=whole, key=key)
        )


def _proposals(orders: list[dict[str, Any]]) -> list[Proposal]:
    """Return the proposals of a batch. Raises: RequestRefused naming each order that is none, or comes from another account."""
    proposals: list[Proposal] = []
    errors: list[RequestError] = []
    first = orders[0]["transferring_account"]
    for place, order in enumerate(orders):
        try:
            proposals.append(proposal_of(order))
        except RequestRefused as refused:
            errors += [_at(place, error) for error in refused.errors]
            continue
        sender = order["transferring_account"]
        if sender != first or parse_account_identifier(sender).type_code not in BATCHING:
            field, code = "transferring_account", "no-batch-account"
            errors.append(_at(place, RequestError(code, text(f"problem.{code}"), field, f"/{field}", (sender,))))
    if errors:
        raise RequestRefused("refused", *errors)
    return proposals


def _at(place: int, error: RequestError) -> RequestError:
    return RequestError(
        error.code, error.detail, error.field, f"/orders/{place}{error.pointer}", error.subjects, error.transient
    )
