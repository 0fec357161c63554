"""Units and transactions over HTTP: authenticate, parse, one call, print. No rule is held here."""

from collections.abc import Iterable
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock
from accounts import queries as people
from accounts.api.base import ApiView, PublicView, page_links, printed_rows, tagged
from accounts.api.pagination import Order, page, read_integer, read_uuid
from accounts.models import Account
from registry import compliance_queries, limit_queries, queries, transaction_queries
from registry.api import serializers
from registry.api.answers import IDEMPOTENCY_KEY, Answering
from registry.api.compliance_serializers import ObligationListSerializer, ObligationSerializer
from registry.api.filters import BlockQuery, HoldingsQuery, TransactionQuery, UnitTypeQuery
from registry.api.lifecycle import answered
from registry.api.lifecycle_serializers import DryRunQuery, ExplanationSerializer
from registry.api.orders import OrderSerializer, digest_of, proposal_of, read_order
from registry.api.refusals import check_table
from registry.api.transaction_serializers import (
    TransactionDetailSerializer,
    TransactionPageSerializer,
    TransactionSerializer,
    TransactionSummarySerializer,
)
from registry.models import Holding
from registry.operations.explain import explain
from registry.operations.propose import propose
from registry.rules.serials import GREATEST_SERIAL
from registry.rules.warnings import WAITING
from registry.statements import PastHolding, holdings_as_of

LATEST_FIRST = Order(columns=("id",), readers=(read_uuid,), descending=True)
BY_SERIAL = Order(columns=("origin_id", "start_no"), readers=(read_integer, read_integer))


class UnitTypeList(PublicView):
    """The unit types of the registries hosted here."""

    query = UnitTypeQuery

    @extend_schema(
        operation_id="list_unit_types",
        tags=["units"],
        parameters=[UnitTypeQuery],
        responses=serializers.UnitTypeListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the unit types."""
        types = queries.unit_types(**self.parameters)
        return tagged(request, Response({"results": printed_rows(serializers.UnitTypeSerializer, types)}))


class CheckList(PublicView):
    """The check table."""

    @extend_schema(operation_id="list_checks", tags=["checks"], responses=serializers.CheckListSerializer)
    def get(self, request: Request) -> Response:
        """List every check that a transaction has to pass, with its code and text."""
        return tagged(request, Response({"results": printed_rows(serializers.CheckSerializer, check_table())}))


class Holdings(ApiView):
    """The balances of one account."""

    query = HoldingsQuery

    @extend_schema(
        operation_id="list_holdings",
        tags=["accounts"],
        parameters=[HoldingsQuery],
        responses=serializers.HoldingListSerializer,
    )
    def get(self, request: Request, identifier: str) -> Response:
        """List the balances of an account by registry, unit type, vintage and recognition, now or at a past instant."""
        account = known_account(self, identifier)
        at = self.parameters.get("as_of")
        counting = queries.Counting(self.parameters.get("recognition"), self.parameters.get("rate"))
        found: Iterable[Holding | PastHolding] = (
            queries.holdings_of(account, counting)
            if at is None
            else [row for row in holdings_as_of(account, at) if counting.takes(row.recognition)]
        )
        answer = {"account": account.identifier} | ({} if at is None else {"as_of": at})
        rows = printed_rows(serializers.HoldingSerializer, found)
        return tagged(request, Response(answer | {"results": rows}))


class Limits(ApiView):
    """What limits one account."""

    @extend_schema(operation_id="read_limits", tags=["accounts"], responses=serializers.LimitsSerializer)
    def get(self, request: Request, identifier: str) -> Response:
        """Read what may leave the account per transaction and per day, what did today, and what its holder may hold.

        The least of all levels counts. What waits is counted until it ends without effect.
        """
        found = limit_queries.limits_of(known_account(self, identifier), now=clock.now())
        return tagged(request, Response(printed_rows(serializers.LimitsSerializer, [found])[0]))


class Obligations(ApiView):
    """The obligations of one account's installation."""

    @extend_schema(
        operation_id="list_obligations",
        tags=["accounts"],
        responses=ObligationListSerializer,
    )
    def get(self, request: Request, identifier: str) -> Response:
        """List the obligations of the account's installation by year, what counts for each, and how it stands."""
        account = known_account(self, identifier)
        place = account.installation
        found = [] if place is None else compliance_queries.obligations_of(place, at=clock.now())
        rows = printed_rows(ObligationSerializer, found)
        number = None if place is None else place.number
        return tagged(request, Response({"account": account.identifier, "installation": number, "results": rows}))


class Blocks(ApiView):
    """The unit blocks of one account."""

    query = BlockQuery

    @extend_schema(
        operation_id="list_blocks",
        tags=["accounts"],
        parameters=[BlockQuery],
        responses=serializers.BlockPageSerializer,
    )
    def get(self, request: Request, identifier: str) -> Response:
        """List the unit blocks that an account holds, by issuing registry and serial."""
        account = known_account(self, identifier)
        named = {name: self.parameters.get(name) for name in ("registry", "unit_type", "vintage", "recognition")}
        blocks = queries.blocks_of(account, **named)
        found = page(blocks, BY_SERIAL, self.parameters.get("cursor"), self.parameters["limit"])
        rows = printed_rows(serializers.BlockSerializer, found.rows)
        return Response({**page_links(request, found), "results": rows})


class Transactions(ApiView):
    """The transactions that the reader may know of, and the way to propose one."""

    query = TransactionQuery
    write_query = DryRunQuery

    @extend_schema(
        operation_id="list_transactions",
        tags=["transactions"],
        parameters=[TransactionQuery],
        responses=TransactionPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the transactions of the accounts you may know of, the latest first."""
        wanted = {name: value for name, value in self.parameters.items() if name not in ("cursor", "limit")}
        transactions = transaction_queries.transactions_of(self.actor, transaction_queries.TransactionFilter(**wanted))
        found = page(
            transactions.rows,
            LATEST_FIRST,
            self.parameters.get("cursor"),
            self.parameters["limit"],
            among=transactions.among,
        )
        outcomes = transaction_queries.outcomes_without_ranges(found.rows, now=clock.now)
        rows = printed_rows(TransactionSummarySerializer, outcomes)
        return Response({**page_links(request, found), "results": rows})

    @extend_schema(
        operation_id="propose_transaction",
        tags=["transactions"],
        parameters=[IDEMPOTENCY_KEY, DryRunQuery],
        request=OrderSerializer,
        responses={
            201: OpenApiResponse(TransactionSerializer, description="Carried out, or accepted and waiting."),
            200: OpenApiResponse(ExplanationSerializer, description="Explained (`dry_run`); nothing was changed."),
        },
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Propose a transaction. It is judged at once; all its failures are told together, and then nothing has moved.

        What needs another person's approval, or goes to an account that is not trusted, waits with its units reserved.

        Repeat a request with the same `Idempotency-Key` after any doubt: it is carried out once, and the first answer is
        given again byte for byte.
        """
        answering = Answering(self, request)
        if self.parameters.get("dry_run"):
            explained = explain(proposal_of(read_order(request.data)), actor=self.actor, now=clock.now())
            return Response(ExplanationSerializer(explained).data)
        order = read_order(request.data)
        key = answering.key(digest_of("POST", request.path, request.data))
        proposal, actor, now = proposal_of(order), self.actor, clock.now()
        return answered(answering, lambda: propose(proposal, actor=actor, now=now, key=key))


class TransactionDetail(ApiView):
    """One transaction."""

    @extend_schema(operation_id="read_transaction", tags=["transactions"], responses=TransactionDetailSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read one transaction with the blocks it moves, and what happened to it: who, when, from, to, why."""
        found = transaction_queries.transaction_of(self.actor, id)
        if found is None:
            raise NotFound
        if found.state in WAITING:
            found = transaction_queries.with_warnings(found, now=clock.now())
        return tagged(request, Response(TransactionDetailSerializer(found).data))


class UnitDetail(ApiView):
    """The life of one unit."""

    @extend_schema(
        operation_id="read_unit",
        tags=["units"],
        parameters=[
            OpenApiParameter("serial", int, OpenApiParameter.PATH, description="From 1; below 10^15."),
        ],
        responses=serializers.UnitSerializer,
    )
    def get(self, request: Request, registry: str, serial: int) -> Response:
        """Read the life of a unit: every transaction that moved it, and its holder, as far as you may know."""
        life = queries.life_of(self.actor, registry, serial) if 1 <= serial <= GREATEST_SERIAL else None
        if life is None:
            raise NotFound
        return tagged(request, Response(printed_rows(serializers.UnitSerializer, [life])[0]))


def known_account(view: ApiView, identifier: str) -> Account:
    """Return an account that the reader may know of. Raises: NotFound, in the same words for any other."""
    account = people.visible_accounts(view.actor).select_related("installation").filter(identifier=identifier).first()
    if account is None:
        raise NotFound
    return account
