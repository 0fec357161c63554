"""What of the API belongs to no app: its document and the page to try it, the kinds of problem, and unknown addresses."""

from functools import cache
from typing import Any

from django.http import HttpResponseBase
from django.templatetags.static import static
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import PublicView, tagged
from config.problems import KINDS, kinds

# Swagger UI draws small pictures from data: addresses; all else is our own files.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ProblemKindSerializer(serializers.Serializer[Any]):
    """A kind of problem that the API tells of."""

    kind = serializers.CharField()
    status = serializers.IntegerField()
    title = serializers.CharField()
    detail = serializers.CharField()


class ProblemKindListSerializer(serializers.Serializer[Any]):
    """Every kind of problem."""

    results = ProblemKindSerializer(many=True)


class ProblemKinds(PublicView):
    """The kinds of problem."""

    @extend_schema(operation_id="list_problems", tags=["problems"], responses=ProblemKindListSerializer)
    def get(self, request: Request) -> Response:
        """List the kinds of problem that an answer may be."""
        return tagged(request, Response({"results": [_printed(*row) for row in kinds()]}))


class ProblemKind(PublicView):
    """One kind of problem: where the `type` of a problem document points."""

    @extend_schema(operation_id="read_problem", tags=["problems"], responses=ProblemKindSerializer)
    def get(self, request: Request, kind: str) -> Response:
        """Read what a kind of problem means."""
        if kind not in KINDS:
            raise NotFound
        return tagged(request, Response(next(_printed(*row) for row in kinds() if row[0] == kind)))


class UnknownAddress(PublicView):
    """Whatever else is asked below /api/: not found, told as every problem is."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse, whatever the method or the parameters."""
        raise NotFound


@cache
def _document(language: str) -> dict[str, Any]:
    """Return the OpenAPI document. It is the same for everybody until the program changes, and costs half a second."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


class Document(SpectacularAPIView):
    """The OpenAPI document, as YAML or, where it is accepted, JSON."""

    authentication_classes = ()
    permission_classes = ()

    def _get_schema_response(self, request: Request) -> Response:
        return Response(_document(translation.get_language() or "en"))


class DocumentPage(SpectacularSwaggerSplitView):
    """The document to look at and to try, without a line of inline script."""

    authentication_classes = ()
    permission_classes = ()
    template_name = "config/api_docs.html"

    def finalize_response(  # type: ignore[override]  # the stubs know no answer but their own
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Add the page's own style and the policy that lets nothing else in."""
        if isinstance(response, Response) and isinstance(response.data, dict):
            response.data["page_css"] = static("config/api-docs.css")
        finalized = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        finalized["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return finalized


def _printed(kind: str, status: int, title: str, detail: str) -> dict[str, Any]:
    return {"kind": kind, "status": status, "title": title, "detail": detail}
