"""The certificate of a transaction: a page to read and to print."""

from collections.abc import Iterable
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.api.base import ApiView
from registry.api.filters import CertificateQuery
from registry.certificates import certificate_of, language_for, page_of


class OneForm(BaseContentNegotiation):
    """A page is a page, whatever a client accepts; only problems are printed by a renderer."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer of problems."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""


class TransactionCertificate(ApiView):
    """The certificate of one transaction."""

    query = CertificateQuery
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="read_certificate",
        tags=["transactions"],
        parameters=[CertificateQuery],
        responses={(200, "text/html"): OpenApiResponse(str, description="A page that needs nothing else.")},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Read the certificate of a completed surrender (10-2) or cancellation (4-0, 4-48): a page for A4.

        Anything else has none, and is not found: other types and states, and what you may not know in full.
        """
        found = certificate_of(self.actor, id)
        if found is None:
            raise NotFound
        language = language_for(found, self.parameters.get("language"), request.headers.get("Accept-Language", ""))
        return page_of(found, language)
