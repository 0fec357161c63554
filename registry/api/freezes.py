"""Freezes over HTTP, for the staff of a jurisdiction. Translates only; the rules are the operations'."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock
from accounts import queries as people
from accounts.api.base import ApiView, page_links, printed_rows, tagged
from accounts.api.errors import RequestError, RequestRefused
from accounts.api.pagination import Order, page, read_integer
from accounts.api.serializers import NoMembers
from accounts.models import Jurisdiction
from accounts.texts import text
from registry import freezes
from registry.api.answers import IDEMPOTENCY_KEY, Answering
from registry.api.freeze_serializers import (
    ConfirmationSerializer,
    FreezeOrderSerializer,
    FreezePageSerializer,
    FreezeQuery,
    FreezeSerializer,
    ListedFreezeSerializer,
    ReleaseRequestSerializer,
    named_by,
    wrong,
)
from registry.api.lifecycle import answered
from registry.api.orders import digest_of
from registry.operations.confirm_hold import confirm_hold
from registry.operations.freeze import freeze_account, freeze_serials, freeze_transaction
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.operations.withdraw_release_request import withdraw_release_request
from registry.rules.freezes import FreezeRecord, Named
from registry.transaction_queries import transaction_of

LATEST_FIRST = Order(columns=("id",), readers=(read_integer,), descending=True)
ID = OpenApiParameter("id", {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, OpenApiParameter.PATH)


class Freezes(ApiView):
    """The freezes of the reader's jurisdictions, and the way to set one."""

    query = FreezeQuery

    @extend_schema(
        operation_id="list_freezes", tags=["freezes"], parameters=[FreezeQuery], responses=FreezePageSerializer
    )
    def get(self, request: Request) -> Response:
        """List the freezes of your jurisdictions, the latest first; with `active`, only those that still stop something."""
        rows = freezes.with_review(freezes.freezes_for(self.actor), now=clock.now())
        if (active := self.parameters.get("active")) is not None:
            rows = rows.filter(released_at__isnull=active)
        if (review_due := self.parameters.get("review_due")) is not None:
            rows = rows.filter(review_due=review_due)
        found = page(rows, LATEST_FIRST, self.parameters.get("cursor"), self.parameters["limit"])
        printed = printed_rows(ListedFreezeSerializer, map(freezes.record_of, found.rows))
        return Response({**page_links(request, found), "results": printed})

    @extend_schema(
        operation_id="freeze",
        tags=["freezes"],
        parameters=[IDEMPOTENCY_KEY],
        request=FreezeOrderSerializer,
        responses={201: OpenApiResponse(FreezeSerializer, description="Frozen, as of now.")},
    )
    def post(self, request: Request) -> HttpResponse:
        """Freeze a transaction, an account or a block of serials, at once. One person is enough; two release it.

        A transaction is held with its units reserved and its clock standing. Of an account nothing leaves and nothing arrives.
        Serials are frozen in one registry, whoever holds them; in another they are held as the terms say that they came by.
        """
        answering = Answering(self, request, printer=FreezeSerializer().to_representation, location="freeze")
        members = FreezeOrderSerializer().run_validation(request.data)
        named = named_by(members)
        key = answering.key(digest_of("POST", request.path, request.data))
        self._refuse_what_is_unknown(named, members)
        told = {name: members[name] for name in ("reason", "reference", "review_on", "jurisdiction") if name in members}
        act = _act_on(named)
        return answered(answering, lambda: act(**told, actor=self.actor, now=clock.now(), key=key))

    def _refuse_what_is_unknown(self, named: Named, members: dict[str, Any]) -> None:
        """Raise RequestRefused, in the same words, for what does not exist and what the reader may not know of."""
        if named.serials is not None:
            if not Jurisdiction.objects.filter(registry_code=named.serials.registry).exists():
                raise wrong("unknown-registry", members)
            if "jurisdiction" in members and not Jurisdiction.objects.filter(code=members["jurisdiction"]).exists():
                raise _about_jurisdiction("unknown-registry")
        elif "jurisdiction" in members:
            raise _about_jurisdiction("serials-are-frozen-by-registry")
        elif named.account is not None:
            if not people.visible_accounts(self.actor).filter(identifier=named.account).exists():
                raise wrong("unknown-account", members)
        elif named.transaction is not None and transaction_of(self.actor, named.transaction) is None:
            raise wrong("unknown-transaction", members)


class FreezeDetail(ApiView):
    """One freeze."""

    @extend_schema(operation_id="read_freeze", tags=["freezes"], parameters=[ID], responses=ListedFreezeSerializer)
    def get(self, request: Request, id: int) -> Response:
        """Read one freeze: what it stops and why, who set it, and how far its release has come."""
        return tagged(request, Response(ListedFreezeSerializer(_known(self, id)).data))


class RequestRelease(ApiView):
    """The first of two steps out."""

    http_method_names = ["post"]

    @extend_schema(
        operation_id="request_release",
        tags=["freezes"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=ReleaseRequestSerializer,
        responses={200: OpenApiResponse(FreezeSerializer, description="It waits for another person.")},
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Ask that a freeze be released. Everything stays as it is until another person, a senior administrator, agrees."""
        members = ReleaseRequestSerializer().run_validation(request.data)
        return _stepped(self, request, id, partial(request_release, reason=members["reason"]))


class WithdrawReleaseRequest(ApiView):
    """The way back from the first step."""

    http_method_names = ["post"]

    @extend_schema(
        operation_id="withdraw_release_request",
        tags=["freezes"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=NoMembers,
        responses={200: OpenApiResponse(FreezeSerializer, description="It stands as if nobody had asked.")},
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Take back your own request that a freeze be released. Anybody who may can ask again."""
        NoMembers().run_validation(request.data)
        return _stepped(self, request, id, withdraw_release_request)


class ConfirmHold(ApiView):
    """A freeze of one's own in the place of a hold for another registry."""

    http_method_names = ["post"]

    @extend_schema(
        operation_id="confirm_hold",
        tags=["freezes"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=ConfirmationSerializer,
        responses={201: OpenApiResponse(FreezeSerializer, description="The freeze that does not expire.")},
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Freeze the serials of a hold by yourself, before it expires: it ends, and two release the freeze in its place."""
        members = ConfirmationSerializer().run_validation(request.data)
        answering = Answering(self, request, printer=FreezeSerializer().to_representation, location="freeze")
        key = answering.key(digest_of("POST", request.path, request.data))
        _known(self, id)
        actor, now = self.actor, clock.now()
        return answered(answering, lambda: confirm_hold(id, **members, actor=actor, now=now, key=key))


class Release(ApiView):
    """The second step."""

    http_method_names = ["post"]

    @extend_schema(
        operation_id="release_freeze",
        tags=["freezes"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=NoMembers,
        responses={200: OpenApiResponse(FreezeSerializer, description="Released.")},
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Release a freeze that another person asked to release. What no other freeze stops may move again."""
        NoMembers().run_validation(request.data)
        return _stepped(self, request, id, release)


def _stepped(view: ApiView, request: Request, number: int, operation: Callable[..., FreezeRecord]) -> HttpResponse:
    """Take a step of the release of a freeze that the reader may know of, and answer with the freeze."""
    answering = Answering(view, request, printer=FreezeSerializer().to_representation, success=200)
    key = answering.key(digest_of("POST", request.path, request.data))
    _known(view, number)
    actor, now = view.actor, clock.now()
    return answered(answering, lambda: operation(number, actor=actor, now=now, key=key))


def _known(view: ApiView, number: int) -> FreezeRecord:
    """Return a freeze that the reader may know of. Raises: NotFound, in the same words for any other."""
    rows = freezes.with_review(freezes.freezes_for(view.actor), now=clock.now())
    row = rows.filter(pk=number).first() if number < 2**63 else None
    if row is None:
        raise NotFound
    return freezes.record_of(row)


def _about_jurisdiction(code: str) -> RequestRefused:
    return RequestRefused("refused", RequestError(code, text(f"problem.{code}"), "jurisdiction", "/jurisdiction"))


def _act_on(named: Named) -> Callable[..., FreezeRecord]:
    if (block := named.serials) is not None:
        return lambda **told: freeze_serials(block, **told)
    if (identifier := named.account) is not None:
        return lambda **told: freeze_account(identifier, **told)
    transaction = named.transaction
    assert transaction is not None
    return lambda **told: freeze_transaction(transaction, **told)
