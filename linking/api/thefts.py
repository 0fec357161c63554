"""Theft across a link over HTTP, for the staff and auditors of both sides. Translates only; the rules are the operations'."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock
from accounts.api.base import ApiView, page_links, printed_rows, tagged
from accounts.api.errors import RequestError, RequestRefused
from accounts.api.pagination import page
from accounts.api.serializers import NoMembers
from accounts.models import Account
from accounts.rules.access import Actor
from accounts.texts import text
from linking.api.filters import NoticeQuery, TheftCaseQuery
from linking.api.instruments import LATEST_FIRST
from linking.api.links import ID
from linking.api.permissions import AdministerToChange
from linking.api.theft_serializers import (
    NoticePageSerializer,
    NoticeSerializer,
    ReadCase,
    TheftCaseOrderSerializer,
    TheftCasePageSerializer,
    TheftCaseSerializer,
)
from linking.models import TheftCase
from linking.operations.decide_theft_case import decide_theft_case
from linking.operations.propose_theft_case import propose_theft_case
from linking.operations.withdraw_theft_case import withdraw_theft_case
from linking.theft_queries import cases_for, may_read, notices_for
from registry import freezes
from registry.api.answers import IDEMPOTENCY_KEY, Answering
from registry.api.lifecycle import answered
from registry.api.orders import digest_of
from registry.operations.answered_once import answered_once

STATES: dict[str, dict[str, bool]] = {
    "open": {"decided_at__isnull": True, "withdrawn_at__isnull": True},
    "decided": {"decided_at__isnull": False},
    "withdrawn": {"withdrawn_at__isnull": False},
}


class Notices(ApiView):
    """The notices from and to the jurisdictions that the reader administers, oversees or audits."""

    query = NoticeQuery

    @extend_schema(
        operation_id="list_notices", tags=["freezes"], parameters=[NoticeQuery], responses=NoticePageSerializer
    )
    def get(self, request: Request) -> Response:
        """List what your jurisdictions told others, or were told, as a freeze held units abroad; the latest first."""
        rows = notices_for(self.actor, everything=False)
        if "freeze" in self.parameters:
            rows = rows.filter(freeze=self.parameters["freeze"])
        found = page(rows, LATEST_FIRST, self.parameters.get("cursor"), self.parameters["limit"])
        return Response({**page_links(request, found), "results": printed_rows(NoticeSerializer, found.rows)})


class NoticeDetail(ApiView):
    """One notice."""

    @extend_schema(operation_id="read_notice", tags=["freezes"], parameters=[ID], responses=NoticeSerializer)
    def get(self, request: Request, id: int) -> Response:
        """Read one notice: its document with the digest, and what became of each hold."""
        found = notices_for(self.actor, everything=False).filter(pk=id).first()
        if found is None:
            raise NotFound
        return tagged(request, Response(printed_rows(NoticeSerializer, [found])[0]))


class TheftCases(ApiView):
    """The cases of the reader's jurisdictions, and the way to propose one."""

    query = TheftCaseQuery
    permission_classes = (AdministerToChange,)

    @extend_schema(
        operation_id="list_theft_cases",
        tags=["freezes"],
        parameters=[TheftCaseQuery],
        responses=TheftCasePageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the cases about units that lie in your jurisdictions, or were held there for yours; the latest first."""
        rows = cases_for(self.actor, everything=False).filter(**STATES.get(self.parameters.get("state", ""), {}))
        if "hold" in self.parameters:
            rows = rows.filter(hold=self.parameters["hold"])
        found = page(rows, LATEST_FIRST, self.parameters.get("cursor"), self.parameters["limit"])
        printed = printed_rows(TheftCaseSerializer, [_read(self.actor, row) for row in found.rows])
        return Response({**page_links(request, found), "results": printed})

    @extend_schema(
        operation_id="propose_theft_case",
        tags=["freezes"],
        parameters=[IDEMPOTENCY_KEY],
        request=TheftCaseOrderSerializer,
        responses={201: OpenApiResponse(TheftCaseSerializer, description="It waits for another person.")},
    )
    def post(self, request: Request) -> HttpResponse:
        """Propose what becomes of the units of a hold that was confirmed, as a registry administrator where they lie.

        You answer for one fact, with evidence; the good-faith clause of the terms that the units came by says the outcome.
        Nothing moves until another person, a senior administrator, decides.
        """
        answering = _answering(self, request, success=201)
        members = TheftCaseOrderSerializer().run_validation(request.data)
        key = answering.key(digest_of("POST", request.path, request.data))
        hold = members.pop("hold")
        if not freezes.freezes_for(self.actor).filter(pk=hold, notice_of__isnull=False).exists():
            raise _refused("problem.unknown-hold", "hold")
        if "victim" in members and not Account.objects.filter(identifier=members["victim"]).exists():
            # In the words of an account that is somewhere else: who asks learns of no account.
            raise _refused("refusal.victim-is-not-at-home", "victim")
        actor, now = self.actor, clock.now()
        return answered(
            answering,
            lambda: answered_once(key, lambda: propose_theft_case(hold, actor=actor, now=now, **members)),
        )


class TheftCaseDetail(ApiView):
    """One case."""

    @extend_schema(operation_id="read_theft_case", tags=["freezes"], parameters=[ID], responses=TheftCaseSerializer)
    def get(self, request: Request, id: int) -> Response:
        """Read one case: what it is about, what the clause makes of it, and who proposed and decided it."""
        found = cases_for(self.actor, everything=False).filter(pk=id).first()
        if found is None:
            raise NotFound
        return tagged(request, Response(printed_rows(TheftCaseSerializer, [_read(self.actor, found)])[0]))


class DecideTheftCase(ApiView):
    """The second of two persons."""

    http_method_names = ["post"]
    permission_classes = (AdministerToChange,)

    @extend_schema(
        operation_id="decide_theft_case",
        tags=["freezes"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=NoMembers,
        responses={
            200: OpenApiResponse(TheftCaseSerializer, description="Decided; where they go home, they are there.")
        },
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Decide a case that another person proposed, as a senior administrator where the units lie.

        The freeze is released, and where the clause sends the units home a restitution takes them there, all or nothing.
        """

        def act(actor: Actor) -> object:
            return decide_theft_case(id, actor=actor, now=clock.now())

        return _on_case(self, request, id, act)


class WithdrawTheftCase(ApiView):
    """The end of one case without effect."""

    http_method_names = ["post"]
    permission_classes = (AdministerToChange,)

    @extend_schema(
        operation_id="withdraw_theft_case",
        tags=["freezes"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=NoMembers,
        responses={200: OpenApiResponse(TheftCaseSerializer, description="Taken back; the units stay frozen.")},
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Take back a case that nobody has decided. One administrator of the registry in which the units lie is enough."""

        def act(actor: Actor) -> object:
            return withdraw_theft_case(id, actor=actor, now=clock.now())

        return _on_case(self, request, id, act)


def _on_case(view: ApiView, request: Request, number: int, act: Callable[[Actor], object]) -> HttpResponse:
    """Carry out an act on a case that the reader may know of, and answer with it as it then stands."""
    answering = _answering(view, request, success=200)
    NoMembers().run_validation(request.data)
    key = answering.key(digest_of("POST", request.path, request.data))
    if not cases_for(view.actor, everything=False).filter(pk=number).exists():
        raise NotFound

    def decided() -> TheftCase:
        act(view.actor)
        return TheftCase.objects.get(pk=number)

    return answered(answering, lambda: answered_once(key, decided))


def _answering(view: ApiView, request: Request, *, success: int) -> Answering:
    def printed(made: TheftCase) -> Any:
        """Print a case as it stands in this database transaction; who acted on it may read it."""
        row = cases_for(view.actor, everything=True).get(pk=made.pk)
        return printed_rows(TheftCaseSerializer, [_read(view.actor, row)])[0]

    return Answering(view, request, printer=printed, success=success, location="theft-case")


def _read(actor: Actor, row: TheftCase) -> ReadCase:
    return ReadCase(row, in_full=may_read(actor, row.hold.jurisdiction.code, everything=False))


def _refused(code: str, field: str) -> RequestRefused:
    error = RequestError(code.partition(".")[2], text(code), field, f"/{field}")
    return RequestRefused("refused", error)
