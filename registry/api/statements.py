"""The statement of an account: by pages for programs, as a file for people."""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock
from accounts.api.base import ApiView
from accounts.api.errors import invalid_query
from accounts.api.pagination import LONGEST_CURSOR
from accounts.models import Account
from registry.api.filters import StatementQuery
from registry.api.statement_serializers import StatementSerializer
from registry.api.views import known_account
from registry.statement_file import file_name, file_of, statement_rows
from registry.statements import Total, in_one_snapshot, movements_of, totals_of
from registry.turnovers import Place

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FILE = {"type": "string", "format": "binary"}


class FormIsAParameter(DefaultContentNegotiation):
    """`format` says which form is wanted; `Accept` is asked only where it is JSON, and need not name what a file is."""

    # Django REST framework would read a parameter of this name itself, and say of `csv` that nothing is there.
    settings = SimpleNamespace(URL_FORMAT_OVERRIDE=None)  # type: ignore[assignment]  # all of them that it reads

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer of answers that are no file. Raises: NotAcceptable."""
        if request.query_params.get("format") in MEDIA_TYPES:
            of_problems = next(iter(renderers))
            return of_problems, of_problems.media_type or ""
        chosen: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return chosen


class Statement(ApiView):
    """What came and went in an account."""

    query = StatementQuery
    content_negotiation_class = FormIsAParameter

    @extend_schema(
        operation_id="read_statement",
        tags=["accounts"],
        parameters=[StatementQuery],
        responses={
            (200, "application/json"): StatementSerializer,
            (200, "text/csv"): OpenApiResponse(_FILE),
            (200, MEDIA_TYPES["xlsx"]): OpenApiResponse(_FILE),
        },
    )
    def get(self, request: Request, identifier: str) -> HttpResponseBase:
        """Read an account's statement for a period: opening balances, every block that entered or left, closing balances.

        Units count by completed transactions, when they completed. All the balances add up, for each series and in total.
        """
        account = known_account(self, identifier)
        start, end = self.parameters["from"], self.parameters["to"]
        if self.parameters["format"] == "json":
            return self._page(request, account, start, end)
        return _file(account, start, end, self.parameters["format"])

    def _page(self, request: Request, account: Account, start: datetime, end: datetime) -> Response:
        limit = self.parameters["limit"]
        cursor = self.parameters.get("cursor")
        place = Place(start) if cursor is None else _read(cursor, start, end)
        with in_one_snapshot():
            totals = totals_of(account, start, end)
            lines = movements_of(account, place, end, limit + 1)
        more = _print(lines[limit - 1].place) if len(lines) > limit else None
        found = {
            "account": account.identifier,
            "from": start,
            "to": end,
            "exercise": clock.is_exercise(),
            "totals": totals,
            "total": _sum(totals),
            "next": more and _link(request, more, end),
            "results": lines[:limit],
        }
        return Response(StatementSerializer(found).data)


def _file(account: Account, start: datetime, end: datetime, form: str) -> StreamingHttpResponse:
    """Return the whole statement as a file, sent as it is read: of one snapshot, some thousand rows in memory."""
    exercise = clock.is_exercise()
    rows = statement_rows(account, start, end, exercise=exercise)
    answer = StreamingHttpResponse(file_of(form, account, rows), content_type=MEDIA_TYPES[form])
    name = file_name(account, start, end, form, exercise=exercise)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _sum(totals: Sequence[Total]) -> dict[str, int]:
    return {name: sum(getattr(total, name) for total in totals) for name in ("opening", "entered", "left", "closing")}


def _link(request: Request, cursor: str, end: datetime) -> str:
    """Return the address of the next page, of a period that ends when this page's does."""
    own = request.query_params.dict() | {"to": end.isoformat(), "cursor": cursor}
    return str(request.build_absolute_uri(f"{request.path}?{urlencode(own)}"))


def _print(place: Place) -> str:
    columns = [place.at.astimezone(UTC).isoformat(), str(place.transaction_id), place.range_id, place.enters]
    return base64.urlsafe_b64encode(json.dumps(columns).encode()).decode().rstrip("=")


def _read(cursor: str, start: datetime, end: datetime) -> Place:
    """Return the place of a page. Raises: RequestRefused for a cursor that this statement never gave."""
    try:
        padded = cursor[:LONGEST_CURSOR] + "=" * (-len(cursor) % 4)
        at, transaction, range_id, enters = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        place = Place(datetime.fromisoformat(at), UUID(transaction), range_id, enters)
        if (
            type(range_id) is not int
            or not 0 <= range_id < 2**63
            or enters not in (0, 1)
            or not start <= place.at < end
        ):
            raise ValueError("no place in the period")
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise invalid_query("unknown-cursor", "cursor") from None
    return place
