"""Links, corridors, quotas, flows over HTTP, for everybody with a key: one read, and how it is printed."""

from collections.abc import Iterable

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock
from accounts.api.base import ApiView, PageQuery, page_links, printed_rows, tagged
from accounts.api.pagination import Order, page, read_integer
from linking import queries
from linking.api.filters import CorridorQuery, FlowQuery, QuotaQuery
from linking.api.flow_serializers import FlowListSerializer
from linking.api.link_serializers import (
    CorridorPageSerializer,
    CorridorSerializer,
    LinkDetailSerializer,
    LinkPageSerializer,
    LinkSerializer,
    ListedQuotaSerializer,
    QuotaPageSerializer,
    printed_link,
)
from linking.condition_queries import conditions_now
from linking.flow_queries import flows
from linking.instrument_queries import reads_side_of
from linking.quota_list_queries import listed_quotas
from linking.quota_queries import visible_quotas

BY_ID = Order(columns=("id",), readers=(read_integer,))
ID = OpenApiParameter("id", {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}, OpenApiParameter.PATH)


class Links(ApiView):
    """The links between the registries hosted here."""

    query = PageQuery

    @extend_schema(operation_id="list_links", tags=["links"], parameters=[PageQuery], responses=LinkPageSerializer)
    def get(self, request: Request) -> Response:
        """List the links: the degree of each, both corridors with their quotas and imbalance, and the margin."""
        found = page(queries.links(), BY_ID, self.parameters.get("cursor"), self.parameters["limit"])
        rows = printed_rows(LinkSerializer, queries.links_now(found.rows, now=clock.now()))
        return Response({**page_links(request, found), "results": rows})


class LinkDetail(ApiView):
    """One link."""

    @extend_schema(operation_id="read_link", tags=["links"], parameters=[ID], responses=LinkDetailSerializer)
    def get(self, request: Request, id: int) -> Response:
        """Read one link with the conditions of its next step and of those before; the staff of its sides also what waits."""
        link, now = queries.links().filter(pk=id).first(), clock.now()
        if link is None:
            raise NotFound
        (found,) = queries.links_now([link], now=now)
        printed = printed_link(found, conditions_now(link, now=now), in_full=reads_side_of(self.actor, link))
        return tagged(request, Response(printed))


class Corridors(ApiView):
    """The corridors."""

    query = CorridorQuery

    @extend_schema(
        operation_id="list_corridors", tags=["links"], parameters=[CorridorQuery], responses=CorridorPageSerializer
    )
    def get(self, request: Request) -> Response:
        """List the corridors as they stand: terms, leave, suspensions, quotas, imbalance."""
        rows = queries.corridors()
        if "link" in self.parameters:
            rows = rows.filter(link=self.parameters["link"])
        found = page(rows, BY_ID, self.parameters.get("cursor"), self.parameters["limit"])
        printed = printed_rows(CorridorSerializer, queries.corridors_now(found.rows, now=clock.now()))
        return Response({**page_links(request, found), "results": printed})


class CorridorDetail(ApiView):
    """One corridor."""

    @extend_schema(operation_id="read_corridor", tags=["links"], parameters=[ID], responses=CorridorSerializer)
    def get(self, request: Request, id: int) -> Response:
        """Read one corridor as it stands."""
        found = queries.corridors_now(queries.corridors().filter(pk=id), now=clock.now())
        if not found:
            raise NotFound
        return tagged(request, Response(printed_rows(CorridorSerializer, found)[0]))


class Quotas(ApiView):
    """The quotas that the reader may know of."""

    query = QuotaQuery

    @extend_schema(operation_id="list_quotas", tags=["links"], parameters=[QuotaQuery], responses=QuotaPageSerializer)
    def get(self, request: Request) -> Response:
        """List quotas that were used: of corridors, and of the holders and operators whose accounts you may know of.

        A quota of which nothing was used yet is told with its corridor.
        """
        rows = visible_quotas(self.actor)
        columns = {"link": "corridor__link", "corridor": "corridor", "kind": "kind", "year": "year"}
        for name, column in columns.items():
            if name in self.parameters:
                rows = rows.filter(**{column: self.parameters[name]})
        found = page(rows, BY_ID, self.parameters.get("cursor"), self.parameters["limit"])
        printed = printed_rows(ListedQuotaSerializer, listed_quotas(found.rows, now=clock.now()))
        return Response({**page_links(request, found), "results": printed})


class Flows(ApiView):
    """What crossed."""

    query = FlowQuery

    @extend_schema(operation_id="list_flows", tags=["links"], parameters=[FlowQuery], responses=FlowListSerializer)
    def get(self, request: Request) -> Response:
        """List what entered and went home by corridor and month, by transfers that completed by an instant.

        Sums only: no account, holder or transaction is named.
        """
        rows = queries.corridors()
        for name, column in {"link": "link", "corridor": "pk"}.items():
            if name in self.parameters:
                rows = rows.filter(**{column: self.parameters[name]})
        found: Iterable[object] = flows([row.pk for row in rows], as_of=self.parameters["as_of"])
        answer = {"as_of": self.parameters["as_of"], "results": found}
        return tagged(request, Response(FlowListSerializer(answer).data))
