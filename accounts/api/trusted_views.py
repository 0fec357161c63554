"""Trusted accounts over HTTP: who asks, one read or one operation, and how it is printed.

They move no units, so no Idempotency-Key is asked for: the operations answer a repeated request with what the first one made.
"""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock, queries
from accounts.api.base import ApiView, page_links, printed_rows
from accounts.api.pagination import Order, page, read_integer
from accounts.api.serializers import (
    NoMembers,
    RemovalSerializer,
    TrustedAccountPageSerializer,
    TrustedAccountQuery,
    TrustedAccountSerializer,
    TrustRequestSerializer,
)
from accounts.models import Account, TrustedAccount
from accounts.operations.decide_trusted_account import decide_trusted_account
from accounts.operations.remove_trusted_account import remove_trusted_account
from accounts.operations.request_trusted_account import request_trusted_account
from accounts.operations.withdraw_trusted_account import withdraw_trusted_account
from accounts.trusted_queries import trusted_list

BY_REQUEST = Order(columns=("id",), readers=(read_integer,))
ID = OpenApiParameter("id", int, OpenApiParameter.PATH, description="The `id` of an account on the list.")


class TrustedAccounts(ApiView):
    """The list of one account, and the way onto it."""

    query = TrustedAccountQuery

    @extend_schema(
        operation_id="list_trusted_accounts",
        tags=["trusted accounts"],
        parameters=[TrustedAccountQuery],
        responses=TrustedAccountPageSerializer,
    )
    def get(self, request: Request, identifier: str) -> Response:
        """List every account that was asked to be trusted by an account, and what became of each request."""
        rows = trusted_list(_known(self, identifier))
        if "state" in self.parameters:
            rows = rows.filter(state=self.parameters["state"])
        found = page(rows, BY_REQUEST, self.parameters.get("cursor"), self.parameters["limit"])
        return Response({**page_links(request, found), "results": printed_rows(TrustedAccountSerializer, found.rows)})

    @extend_schema(
        operation_id="request_trusted_account",
        tags=["trusted accounts"],
        request=TrustRequestSerializer,
        responses={201: OpenApiResponse(TrustedAccountSerializer, description="It waits for a second person.")},
    )
    def post(self, request: Request, identifier: str) -> Response:
        """Ask that an account be trusted. Another representative approves it; it counts some working days later.

        The same request again is answered with the one that waits already.
        """
        account = _known(self, identifier)
        asked = TrustRequestSerializer().run_validation(request.data)
        addition = request_trusted_account(
            identifier=account.identifier,
            trusted=asked["account"],
            note=asked["note"],
            actor=self.actor,
            now=clock.now(),
        )
        return _printed(addition, status=201)


class Approve(ApiView):
    """The approval of one request."""

    @extend_schema(
        operation_id="approve_trusted_account",
        tags=["trusted accounts"],
        parameters=[ID],
        request=None,
        responses=TrustedAccountSerializer,
    )
    def post(self, request: Request, identifier: str, id: int) -> Response:
        """Approve a request that another person made. The answer says from when the account is trusted."""
        return _decide(self, request, identifier, id, approved=True)


class Reject(ApiView):
    """The rejection of one request."""

    @extend_schema(
        operation_id="reject_trusted_account",
        tags=["trusted accounts"],
        parameters=[ID],
        request=None,
        responses=TrustedAccountSerializer,
    )
    def post(self, request: Request, identifier: str, id: int) -> Response:
        """Reject a request that another person made."""
        return _decide(self, request, identifier, id, approved=False)


class Withdraw(ApiView):
    """The withdrawal of one request."""

    @extend_schema(
        operation_id="withdraw_trusted_account",
        tags=["trusted accounts"],
        parameters=[ID],
        request=None,
        responses=TrustedAccountSerializer,
    )
    def post(self, request: Request, identifier: str, id: int) -> Response:
        """Take back a request that is not decided yet."""
        account = _known(self, identifier)
        NoMembers().run_validation(request.data)
        return _printed(
            withdraw_trusted_account(identifier=account.identifier, number=id, actor=self.actor, now=clock.now())
        )


class Remove(ApiView):
    """The removal of one account from the list."""

    @extend_schema(
        operation_id="remove_trusted_account",
        tags=["trusted accounts"],
        parameters=[ID],
        request=RemovalSerializer,
        responses=TrustedAccountSerializer,
    )
    def post(self, request: Request, identifier: str, id: int) -> Response:
        """Take an approved account off the list, at once. One person is enough."""
        account = _known(self, identifier)
        told = RemovalSerializer().run_validation(request.data)
        return _printed(
            remove_trusted_account(
                identifier=account.identifier, number=id, reason=told["reason"], actor=self.actor, now=clock.now()
            )
        )


def _decide(view: ApiView, request: Request, identifier: str, number: int, *, approved: bool) -> Response:
    account = _known(view, identifier)
    NoMembers().run_validation(request.data)
    return _printed(
        decide_trusted_account(
            identifier=account.identifier, number=number, approved=approved, actor=view.actor, now=clock.now()
        )
    )


def _known(view: ApiView, identifier: str) -> Account:
    """Return an account that the reader may know of. Raises: NotFound, in the same words for any other."""
    account = queries.visible_accounts(view.actor).filter(identifier=identifier).first()
    if account is None:
        raise NotFound
    return account


def _printed(addition: TrustedAccount, status: int = 200) -> Response:
    return Response(TrustedAccountSerializer(addition).data, status=status)
