"""What every address of the API does alike: who asks, with which key, which parameters, and what caches may keep."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed, NotFound
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import clock
from accounts.api.authentication import actor_of
from accounts.api.errors import RequestError, RequestRefused, invalid_query
from accounts.api.fields import QueryInteger
from accounts.api.pagination import LARGEST_PAGE, LONGEST_CURSOR, PAGE_SIZE, Page
from accounts.api.permissions import KeyScope
from accounts.rules.access import Actor


class Query(serializers.Serializer[Any]):
    """The parameters that an address takes in its query string; a subclass names them. Without one there are none."""

    def now(self) -> datetime:
        """Return the registry's time, the same for all parameters of a request; only who asks costs a look at the clock."""
        now: datetime = self.context["now"]()
        return now


class PageQuery(Query):
    """The parameters of a list by pages."""

    cursor = serializers.CharField(
        required=False,
        max_length=LONGEST_CURSOR,
        help_text="The place of a page, from `next` or `previous` of another.",
    )
    limit = QueryInteger(
        required=False, default=PAGE_SIZE, min_value=1, max_value=LARGEST_PAGE, help_text="Rows of a page at most."
    )


class ApiView(APIView):
    """An address for holders of an API key. `query` describes the query string of a read, `write_query` of anything else."""

    permission_classes: Sequence[type[BasePermission]] = (KeyScope,)
    # OPTIONS would describe serializers; the OpenAPI document does that.
    metadata_class = None
    http_method_names = ["get", "post", "head"]
    query: type[Query] = Query
    write_query: type[Query] = Query
    is_public = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse other methods before anything else, then see who asks and with which parameters."""
        method = str(request.method).lower()
        if method not in self.http_method_names or not hasattr(self, method):
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)
        if any("\x00" in str(value) for value in kwargs.values()):
            # PostgreSQL's text cannot hold it, so nothing is named so.
            raise NotFound
        self.parameters: Mapping[str, Any] = _parameters(
            request, self.query if request.method in SAFE_METHODS else self.write_query
        )

    @property
    def actor(self) -> Actor:
        """Who acts, with the roles read together with the key."""
        return actor_of(self.request)

    def finalize_response(  # type: ignore[override]  # the stubs know no answer but their own
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Say what caches may keep: of an authenticated answer nothing."""
        finalized = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        finalized.setdefault("Cache-Control", "no-cache" if self.is_public else "no-store")
        return finalized


class PublicView(ApiView):
    """An address that anybody may read: the law and the tables, no account and no unit."""

    authentication_classes = ()
    permission_classes: Sequence[type[BasePermission]] = ()
    is_public = True


def printed_rows(serializer: type[serializers.Serializer[Any]], rows: Iterable[Any]) -> list[Any]:
    """Return rows as a list prints them."""
    printer = _printer(serializer)
    return [printer.to_representation(row) for row in rows]


@cache
def _printer(serializer: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """One for every request: making one copies all its fields."""
    return serializer()


def tagged(request: Request, answer: Response) -> Response:
    """Let a client ask again for nothing: the answer gets a strong ETag, and is 304 where the client has it already.

    The tag is the digest of what is printed, so it differs between languages as the answer does.
    """

    def tag(rendered: Any) -> None:
        rendered["ETag"] = f'"{hashlib.sha256(rendered.content).hexdigest()[:32]}"'
        known = {name.strip().removeprefix("W/") for name in request.headers.get("If-None-Match", "").split(",")}
        if rendered["ETag"] in known or "*" in known:
            rendered.status_code = 304
            rendered.content = b""
            del rendered["Content-Type"]

    answer.add_post_render_callback(tag)
    return answer


def page_links(request: Request, page: Page[Any]) -> dict[str, str | None]:
    """Return the addresses of the pages around one."""
    return {"next": _link(request, page.next), "previous": _link(request, page.previous)}


def _link(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    parameters = {name: value for name, value in request.query_params.items() if name != "cursor"}
    return request.build_absolute_uri(f"{request.path}?{urlencode({**parameters, 'cursor': cursor})}")


def _parameters(request: Request, query: type[Query]) -> Mapping[str, Any]:
    """Return the query string's parameters. Raises: RequestRefused naming each that is unknown, repeated or wrong."""
    if query is Query and not request.query_params:
        return {}
    serializer = query(data=request.query_params.dict(), context={"now": cache(clock.now)})
    known = serializer.fields
    errors: list[RequestError] = []
    for name, values in request.query_params.lists():
        if name not in known:
            errors.extend(invalid_query("unknown-parameter", name[:100]).errors)
        elif len(values) > 1:
            errors.extend(invalid_query("named-twice", name).errors)
        elif "\x00" in values[0]:
            errors.extend(invalid_query("not-a-text", name).errors)
    if not errors and not serializer.is_valid():
        for name, found in serializer.errors.items():
            errors.extend(RequestError(str(error.code).replace("_", "-"), str(error), field=name) for error in found)
    if errors:
        raise RequestRefused("invalid-query", *errors)
    valid: Mapping[str, Any] = serializer.validated_data
    return valid
