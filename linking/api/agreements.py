"""Agreements and recognitions over HTTP, for everybody with a key: the terms, who signed, the text, what units count as."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock
from accounts.api.base import ApiView, page_links, printed_rows, tagged
from accounts.api.pagination import page
from linking.agreement_text import agreement_text, languages_of
from linking.api.filters import AgreementQuery, RecognitionQuery, TextQuery
from linking.api.instrument_serializers import (
    AgreementDetailSerializer,
    AgreementPageSerializer,
    AgreementSerializer,
    AgreementTextSerializer,
    RecognitionDetailSerializer,
    RecognitionPageSerializer,
)
from linking.api.links import BY_ID, ID
from linking.instrument_queries import agreements, signed
from linking.recognition_queries import (
    described,
    foreign_recognitions,
    recognition_of_unit,
    recognitions,
)
from linking.rules.terms import terms_from

# Of recognitions, whose numbers are PostgreSQL's integers.
GREATEST_RECOGNITION = 2**31 - 1


class Agreements(ApiView):
    """The versions of the corridors' terms."""

    query = AgreementQuery

    @extend_schema(
        operation_id="list_agreements", tags=["links"], parameters=[AgreementQuery], responses=AgreementPageSerializer
    )
    def get(self, request: Request) -> Response:
        """List the versions of terms that were concluded, and how each stands."""
        rows = agreements(now=clock.now())
        columns = {"link": "corridor__link", "corridor": "corridor", "standing": "standing"}
        for name, column in columns.items():
            if name in self.parameters:
                rows = rows.filter(**{column: self.parameters[name]})
        found = page(rows, BY_ID, self.parameters.get("cursor"), self.parameters["limit"])
        return Response({**page_links(request, found), "results": printed_rows(AgreementSerializer, found.rows)})


class AgreementDetail(ApiView):
    """One version of terms."""

    @extend_schema(operation_id="read_agreement", tags=["links"], parameters=[ID], responses=AgreementDetailSerializer)
    def get(self, request: Request, id: int) -> Response:
        """Read one version of terms in full, with its digest and who signed it for which side."""
        found = signed(agreements(now=clock.now())).filter(pk=id).first()
        if found is None:
            raise NotFound
        return tagged(request, Response(AgreementDetailSerializer(found).data))


class AgreementText(ApiView):
    """One version of terms, to be read."""

    query = TextQuery

    @extend_schema(
        operation_id="read_agreement_text",
        tags=["links"],
        parameters=[ID, TextQuery],
        responses=OpenApiResponse(AgreementTextSerializer),
    )
    def get(self, request: Request, id: int) -> Response:
        """Read one version of terms as text, printed from them: in one language, or in those of both sides and English."""
        found = (
            agreements(now=clock.now())
            .select_related("corridor__origin", "corridor__destination")
            .filter(pk=id)
            .first()
        )
        if found is None:
            raise NotFound
        asked = self.parameters.get("language")
        sides = (found.corridor.origin.language, found.corridor.destination.language)
        languages = languages_of(*sides) if asked is None else (asked,)
        told = {
            "agreement": found.pk,
            "digest": found.digest,
            "languages": languages,
            "text": agreement_text(terms_from(found.terms), languages),
        }
        return tagged(request, Response(AgreementTextSerializer(told).data))


class Recognitions(ApiView):
    """What units abroad count as."""

    query = RecognitionQuery

    @extend_schema(
        operation_id="list_recognitions",
        tags=["links"],
        parameters=[RecognitionQuery],
        responses=RecognitionPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List what units abroad count as, by which terms; with `registry` and `serial`, what that unit counts as.

        Of a serial that was never issued there is none.
        """
        if "serial" in self.parameters:
            of_unit = recognition_of_unit(self.parameters["registry"], self.parameters["serial"])
            printed = printed_rows(RecognitionDetailSerializer, described([of_unit] if of_unit else []))
            return Response({"next": None, "previous": None, "results": printed})
        rows = foreign_recognitions(self.parameters.get("registry"))
        found = page(rows, BY_ID, self.parameters.get("cursor"), self.parameters["limit"])
        printed = printed_rows(RecognitionDetailSerializer, described(found.rows))
        return Response({**page_links(request, found), "results": printed})


class RecognitionDetail(ApiView):
    """One recognition."""

    @extend_schema(
        operation_id="read_recognition", tags=["links"], parameters=[ID], responses=RecognitionDetailSerializer
    )
    def get(self, request: Request, id: int) -> Response:
        """Read what units count as: the rate, the version of the terms and its digest, the window, the host."""
        found = recognitions([id]) if id <= GREATEST_RECOGNITION else []
        if not found:
            raise NotFound
        return tagged(request, Response(printed_rows(RecognitionDetailSerializer, found)[0]))
