"""Readiness over HTTP: how far two jurisdictions are from a link. Open to anybody, as the rules compared are."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock, queries
from accounts.api.base import PublicView, tagged
from linking.api.readiness_serializers import (
    ReadinessListQuery,
    ReadinessListSerializer,
    ReadinessQuery,
    ReadinessSerializer,
    ReadinessSummarySerializer,
    proposed_by,
    same_twice,
)
from linking.readiness_printing import printed_comparison, printed_summary, printed_what_if
from linking.readiness_queries import compare, compare_pairs, what_if


class ReadinessList(PublicView):
    """Every two of the jurisdictions hosted here."""

    query = ReadinessListQuery

    @extend_schema(
        operation_id="list_readiness",
        tags=["readiness"],
        parameters=[ReadinessListQuery],
        responses=ReadinessListSerializer,
    )
    def get(self, request: Request) -> Response:
        """Compare every two of the jurisdictions hosted here: the outcome of each point, and which of them block."""
        among = list(queries.jurisdictions().filter(is_test=False))
        compared = compare_pairs(among, now=clock.now(), as_of=self.parameters.get("as_of"))
        rows = ReadinessSummarySerializer([printed_summary(comparison) for comparison in compared], many=True).data
        return tagged(request, Response({"results": rows}))


class ReadinessDetail(PublicView):
    """Two jurisdictions compared point by point."""

    query = ReadinessQuery

    @extend_schema(
        operation_id="read_readiness", tags=["readiness"], parameters=[ReadinessQuery], responses=ReadinessSerializer
    )
    def get(self, request: Request, first: str, second: str) -> Response:
        """Compare two jurisdictions by their rules of a day; with `rule_...` tell also what a proposed rule would turn."""
        found = {row.code: row for row in queries.jurisdictions().filter(code__in=[first, second])}
        if not {first, second} <= set(found):
            raise NotFound
        if first == second:
            raise same_twice()
        one, other = found[first], found[second]
        comparison = compare(one, other, now=clock.now(), as_of=self.parameters.get("as_of"))
        proposed = proposed_by(self.parameters, comparison)
        answer = None if proposed is None else printed_what_if(what_if(one, other, proposed), comparison)
        printed = printed_comparison(comparison) | {"what_if": answer}
        return tagged(request, Response(ReadinessSerializer(printed).data))
