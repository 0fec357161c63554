"""Replays over HTTP, for the administrators and auditors of either side. Nothing is changed by asking."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import clock
from accounts.api.base import ApiView
from accounts.api.errors import RequestError, RequestRefused
from accounts.api.permissions import key_has
from accounts.refusals import NotPermitted
from accounts.rules.access import Act
from accounts.rules.keys import Scope
from accounts.texts import text
from linking.api.replay_serializers import ReplayOrderSerializer, ReplaySerializer
from linking.models import Corridor
from linking.replay_printing import printed_replay
from linking.replays import NoTermsToChange, OtherCorridor, compare, terms_changed
from linking.rules.degrees import Degree
from linking.rules.strict import Fault
from linking.rules.terms import Terms, TermsFault, terms_from

ID = OpenApiParameter("id", {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, OpenApiParameter.PATH)


class ReadingScope(BasePermission):
    """A replay is a question, however long: it needs the scope `read`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the key was made for reading."""
        return key_has(request, Scope.READ)


class Replay(ApiView):
    """A corridor's recorded flows under other terms, or another degree."""

    http_method_names = ["post"]
    permission_classes = (ReadingScope,)

    @extend_schema(
        operation_id="replay_corridor",
        tags=["links"],
        parameters=[ID],
        request=ReplayOrderSerializer,
        responses={200: OpenApiResponse(ReplaySerializer, description="What would have been; nothing was changed.")},
    )
    def post(self, request: Request, id: int) -> Response:
        """Replay a corridor's recorded flows under changed terms or another degree, and compare with what was.

        For administrators and auditors of either side. Without changes it shows the flows as they were. It assumes that
        nobody behaves differently. Nothing is changed.
        """
        rows = Corridor.objects.select_related("origin", "destination", "link")
        corridor = rows.filter(pk=id).first() if id < 2**63 else None
        if corridor is None:
            raise NotFound
        if not any(
            self.actor.may(Act.READ_EVERY_ACCOUNT, side.code) for side in (corridor.origin, corridor.destination)
        ):
            raise NotPermitted(Act.READ_EVERY_ACCOUNT)
        members = ReplayOrderSerializer().run_validation(request.data)
        try:
            found = compare(
                corridor,
                terms=_terms(corridor, members),
                degree=Degree(members["degree"]) if members.get("degree") else None,
                since=members.get("from"),
                until=members.get("to"),
            )
        except OtherCorridor:
            raise _refused("terms-of-another-corridor", "terms" if "terms" in members else "changes") from None
        return Response(ReplaySerializer(printed_replay(found)).data)


def _terms(corridor: Corridor, members: dict[str, Any]) -> Terms | None:
    """Return the terms asked for, None where none are changed. Raises: RequestRefused with every fault at its place."""
    whole, changes = members.get("terms"), members.get("changes")
    field = "changes" if whole is None else "terms"
    if whole is not None and changes is not None:
        raise _refused("terms-or-changes", "changes")
    try:
        if whole is not None:
            return terms_from(whole)
        return terms_changed(corridor, changes, now=clock.now()) if changes else None
    except TermsFault as found:
        raise RequestRefused("refused", *(_fault(row, field) for row in found.faults)) from None
    except NoTermsToChange:
        raise _refused("no-terms-to-change", "changes") from None


def _fault(found: Fault, field: str) -> RequestError:
    detail = text(f"terms-fault.{found.code}", **dict(found.params))
    pointer = "".join(f"/{part}" for part in found.path.split(".") if part)
    return RequestError(found.code, detail, field, f"/{field}{pointer}")


def _refused(code: str, field: str) -> RequestRefused:
    return RequestRefused("refused", RequestError(code, text(f"problem.{code}"), field, f"/{field}"))
