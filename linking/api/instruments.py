"""What two sides sign, over HTTP, for their administrators. Translates only; the rules are the operations'."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock
from accounts.api.base import ApiView, page_links, printed_rows, tagged
from accounts.api.errors import RequestError, RequestRefused
from accounts.api.pagination import Order, page, read_integer
from accounts.api.serializers import NoMembers
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.texts import text
from linking import queries
from linking.api.filters import InstrumentQuery
from linking.api.instrument_serializers import (
    ConditionOrderSerializer,
    InstrumentPageSerializer,
    InstrumentSerializer,
    ProposalSerializer,
    SigningSerializer,
    SuspensionOrderSerializer,
    TickedConditionSerializer,
)
from linking.api.link_serializers import CorridorSerializer
from linking.api.links import ID
from linking.api.permissions import AdministerToChange
from linking.instrument_queries import described, instruments
from linking.models import Condition, Instrument, Link, Suspension
from linking.operations.propose_instrument import propose_instrument
from linking.operations.sign_instrument import sign_instrument
from linking.operations.suspend_corridor import suspend_corridor
from linking.operations.tick_condition import tick_condition
from linking.operations.withdraw_instrument import withdraw_instrument
from linking.rules.documents import Document, document_from, kind_of
from linking.rules.strict import Fault
from linking.rules.terms import TermsFault
from registry.api.answers import IDEMPOTENCY_KEY, Answering
from registry.api.lifecycle import answered
from registry.api.orders import digest_of
from registry.operations.answered_once import answered_once

LATEST_FIRST = Order(columns=("id",), readers=(read_integer,), descending=True)
STATES: dict[str, dict[str, bool]] = {
    "open": {"concluded_at__isnull": True, "withdrawn_at__isnull": True},
    "concluded": {"concluded_at__isnull": False},
    "withdrawn": {"withdrawn_at__isnull": False},
}


class Instruments(ApiView):
    """The instruments of the links whose sides the reader administers, oversees or audits, and the way to propose one."""

    query = InstrumentQuery
    permission_classes = (AdministerToChange,)

    @extend_schema(
        operation_id="list_instruments",
        tags=["links"],
        parameters=[InstrumentQuery],
        responses=InstrumentPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List what was proposed for signature on your links, the latest first."""
        rows = instruments(self.actor)
        for name in ("link", "kind"):
            if name in self.parameters:
                rows = rows.filter(**{name: self.parameters[name]})
        rows = rows.filter(**STATES.get(self.parameters.get("state", ""), {}))
        found = page(rows, LATEST_FIRST, self.parameters.get("cursor"), self.parameters["limit"])
        return Response({**page_links(request, found), "results": printed_rows(InstrumentSerializer, found.rows)})

    @extend_schema(
        operation_id="propose_instrument",
        tags=["links"],
        parameters=[IDEMPOTENCY_KEY],
        request=ProposalSerializer,
        responses={201: OpenApiResponse(InstrumentSerializer, description="It waits for signatures.")},
    )
    def post(self, request: Request) -> HttpResponse:
        """Propose a document for signature, as a registry administrator of a side that signs it.

        Every fault of the document is told at once, each with its place. What could not be concluded as things stand is
        refused: a step of the degree that lacks a condition, a version that is not the next.
        """
        answering = Answering(self, request, printer=_printed_instrument, location="instrument")
        members = ProposalSerializer().run_validation(request.data)
        key = answering.key(digest_of("POST", request.path, request.data))
        link = queries.links().filter(pk=members["link"]).first()
        if link is None:
            raise _refused("unknown-link", "link")
        document = _document(members, link.degree)
        actor, now = self.actor, clock.now()
        return answered(
            answering,
            lambda: answered_once(key, lambda: _proposed(link, document, actor, now)),
        )


class InstrumentDetail(ApiView):
    """One instrument."""

    @extend_schema(operation_id="read_instrument", tags=["links"], parameters=[ID], responses=InstrumentSerializer)
    def get(self, request: Request, id: int) -> Response:
        """Read one instrument: its document with the digest to sign, who has signed, and what is missing."""
        found = instruments(self.actor).filter(pk=id).first()
        if found is None:
            raise NotFound
        return tagged(request, Response(printed_rows(InstrumentSerializer, [found])[0]))


class Sign(ApiView):
    """One signature."""

    http_method_names = ["post"]
    permission_classes = (AdministerToChange,)

    @extend_schema(
        operation_id="sign_instrument",
        tags=["links"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=SigningSerializer,
        responses={200: OpenApiResponse(InstrumentSerializer, description="Signed; concluded, where it was the last.")},
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Sign an instrument for the side that you administer, naming the digest of what you have read.

        Two persons of each side sign, the second a senior administrator; nobody signs for both sides.
        """
        members = SigningSerializer().run_validation(request.data)
        actor, now = self.actor, clock.now()
        return _on_instrument(self, request, id, lambda: sign_instrument(id, actor=actor, now=now, **members))


class Withdraw(ApiView):
    """The end of one instrument without effect."""

    http_method_names = ["post"]
    permission_classes = (AdministerToChange,)

    @extend_schema(
        operation_id="withdraw_instrument",
        tags=["links"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=NoMembers,
        responses={200: OpenApiResponse(InstrumentSerializer, description="Taken back.")},
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Take back an instrument that is not concluded. One administrator of a side that signs it is enough."""
        NoMembers().run_validation(request.data)
        actor, now = self.actor, clock.now()
        return _on_instrument(self, request, id, lambda: withdraw_instrument(id, actor=actor, now=now))


class Suspend(ApiView):
    """The suspension of one corridor."""

    http_method_names = ["post"]
    permission_classes = (AdministerToChange,)

    @extend_schema(
        operation_id="suspend_corridor",
        tags=["links"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=SuspensionOrderSerializer,
        responses={200: OpenApiResponse(CorridorSerializer, description="Suspended; nothing enters by it.")},
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Suspend a corridor for the side that you administer, at once: one person is enough, two let it resume.

        Nothing more enters, and what is under way cannot complete; units abroad may go home.
        """
        answering = Answering(self, request, printer=_printed_corridor, success=200)
        members = SuspensionOrderSerializer().run_validation(request.data)
        key = answering.key(digest_of("POST", request.path, request.data))
        if not queries.corridors().filter(pk=id).exists():
            raise NotFound
        actor, now = self.actor, clock.now()
        return answered(
            answering,
            lambda: answered_once(key, lambda: suspend_corridor(id, actor=actor, now=now, **members)),
        )


class Conditions(ApiView):
    """The conditions of a link's degrees."""

    http_method_names = ["post"]
    permission_classes = (AdministerToChange,)

    @extend_schema(
        operation_id="tick_condition",
        tags=["links"],
        parameters=[ID, IDEMPOTENCY_KEY],
        request=ConditionOrderSerializer,
        responses={200: OpenApiResponse(TickedConditionSerializer, description="Ticked; it counts until it expires.")},
    )
    def post(self, request: Request, id: int) -> HttpResponse:
        """Record for the side that you administer that a condition of a degree is met, and on what evidence."""
        answering = Answering(self, request, printer=_printed_condition, success=200)
        members = ConditionOrderSerializer().run_validation(request.data)
        key = answering.key(digest_of("POST", request.path, request.data))
        link = queries.links().filter(pk=id).first()
        if link is None:
            raise NotFound
        actor, now = self.actor, clock.now()
        return answered(
            answering,
            lambda: answered_once(key, lambda: tick_condition(link, actor=actor, now=now, **members)),
        )


def _on_instrument(view: ApiView, request: Request, number: int, act: Callable[[], Instrument]) -> HttpResponse:
    """Carry out an act on an instrument that the reader may know of, and answer with it as it then stands."""
    answering = Answering(view, request, printer=_printed_instrument, success=200)
    key = answering.key(digest_of("POST", request.path, request.data))
    if not instruments(view.actor).filter(pk=number).exists():
        raise NotFound
    return answered(answering, lambda: answered_once(key, act))


def _printed_instrument(row: Instrument) -> Any:
    """Print an instrument as it stands in this database transaction; who acted on it may read it."""
    return printed_rows(InstrumentSerializer, described(Instrument.objects.filter(pk=row.pk)))[0]


def _printed_corridor(made: Suspension) -> Any:
    found = queries.corridors_now(queries.corridors().filter(pk=made.corridor_id), now=made.at)
    return printed_rows(CorridorSerializer, found)[0]


def _printed_condition(made: Condition) -> Any:
    return printed_rows(TickedConditionSerializer, [made])[0]


def _document(members: dict[str, Any], degree: str) -> Document:
    """Return the document of a proposal. Raises: RequestRefused with every fault, each at its place."""
    try:
        document = document_from(members["kind"], members["document"])
    except TermsFault as found:
        raise RequestRefused("refused", *map(_of_document, found.faults)) from None
    if kind_of(document, degree) != members["kind"]:
        raise _refused("kind-is-another", "kind")
    return document


def _proposed(link: Link, document: Document, actor: Actor, now: datetime) -> Instrument:
    """Propose a document. What is refused about a member of it is told at the member's place in the request."""
    try:
        return propose_instrument(link, document, actor=actor, now=now)
    except Refusal as refusal:
        if not refusal.field:
            raise
        detail = text(f"refusal.{refusal.code}", **refusal.params)
        error = RequestError(refusal.code, detail, "document", f"/document/{refusal.field}")
        raise RequestRefused("refused", error) from None


def _of_document(found: Fault) -> RequestError:
    detail = text(f"terms-fault.{found.code}", **dict(found.params))
    pointer = "".join(f"/{part}" for part in found.path.split(".") if part)
    return RequestError(found.code, detail, "document", f"/document{pointer}")


def _refused(code: str, field: str) -> RequestRefused:
    return RequestRefused("refused", RequestError(code, text(f"problem.{code}"), field, f"/{field}"))
