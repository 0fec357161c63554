"""What was stated of the ends of a link, and the books of both issuers, over HTTP: reads, and how they are printed."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ApiView, tagged
from accounts.refusals import NotPermitted
from accounts.rules.access import Act
from linking import queries
from linking.api.end_serializers import BothBooksSerializer, FinalStatementListSerializer
from linking.api.filters import BooksQuery
from linking.api.links import ID
from linking.books import issuer_books
from linking.instrument_queries import reads_side_of
from linking.statement_queries import final_statements


class FinalStatements(ApiView):
    """The final statements of one link."""

    @extend_schema(
        operation_id="list_final_statements", tags=["links"], parameters=[ID], responses=FinalStatementListSerializer
    )
    def get(self, request: Request, id: int) -> Response:
        """Read what was stated of each end of a corridor of a link, in the order of the ends: once, the same for either side.

        Sums only: no account, holder or transaction is named.
        """
        link = queries.links().filter(pk=id).first()
        if link is None:
            raise NotFound
        return tagged(request, Response(FinalStatementListSerializer({"results": final_statements(link)}).data))


class IssuersBooks(ApiView):
    """The books of the two issuers of one link."""

    query = BooksQuery

    @extend_schema(
        operation_id="read_books", tags=["links"], parameters=[ID, BooksQuery], responses=BothBooksSerializer
    )
    def get(self, request: Request, id: int) -> Response:
        """Read where everything is that each side has issued, now by the balances or at a past instant by the transactions.

        For whoever administers, oversees or audits a side.
        """
        link = queries.links().filter(pk=id).first()
        if link is None:
            raise NotFound
        if not reads_side_of(self.actor, link):
            raise NotPermitted(Act.READ_EVERY_ACCOUNT)
        at = self.parameters.get("as_of")
        books = [issuer_books(side.code, at) for side in (link.first, link.second)]
        return tagged(request, Response(BothBooksSerializer({"as_of": at, "results": books}).data))
