"""Jurisdictions and accounts over HTTP: who asks, one read, and how it is printed."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries
from accounts.api.base import ApiView, PublicView, page_links, printed_rows, tagged
from accounts.api.errors import invalid_query
from accounts.api.pagination import Order, page, read_text
from accounts.api.serializers import (
    MOST_DAYS,
    AccountPageSerializer,
    AccountQuery,
    AccountSerializer,
    JurisdictionDetailSerializer,
    JurisdictionListSerializer,
    JurisdictionSerializer,
    RuleQuery,
    RuleSerializer,
    WorkingDayListSerializer,
    WorkingDayQuery,
    WorkingDaySerializer,
)
from accounts.calendars import described_days

# Public holidays of earlier and later years are not known for every country.
YEARS = range(2000, 2100)
BY_IDENTIFIER = Order(columns=("identifier",), readers=(read_text,))


class JurisdictionList(PublicView):
    """The jurisdictions hosted here."""

    @extend_schema(operation_id="list_jurisdictions", tags=["jurisdictions"], responses=JurisdictionListSerializer)
    def get(self, request: Request) -> Response:
        """List the jurisdictions hosted here."""
        return tagged(request, Response({"results": printed_rows(JurisdictionSerializer, queries.jurisdictions())}))


class JurisdictionDetail(PublicView):
    """One jurisdiction with its dated rules."""

    query = RuleQuery

    @extend_schema(
        operation_id="read_jurisdiction",
        tags=["jurisdictions"],
        parameters=[RuleQuery],
        responses=JurisdictionDetailSerializer,
    )
    def get(self, request: Request, code: str) -> Response:
        """Read one jurisdiction with its dated rules, each with its confidence and source."""
        jurisdiction = queries.jurisdictions().filter(code=code).first()
        if jurisdiction is None:
            raise NotFound
        rules = queries.dated_rules(jurisdiction, **self.parameters)
        printed = JurisdictionSerializer(jurisdiction).data | {"rules": printed_rows(RuleSerializer, rules)}
        return tagged(request, Response(printed))


class WorkingDayList(PublicView):
    """The working days of one jurisdiction."""

    query = WorkingDayQuery

    @extend_schema(
        operation_id="list_working_days",
        tags=["jurisdictions"],
        parameters=[WorkingDayQuery],
        responses=WorkingDayListSerializer,
    )
    def get(self, request: Request, code: str) -> Response:
        """List the days of a jurisdiction's calendar: which of them work, why, and who says so."""
        jurisdiction = queries.jurisdictions().filter(code=code).first()
        if jurisdiction is None:
            raise NotFound
        first, last = self.parameters["from"], self.parameters["to"]
        for name, day in (("from", first), ("to", last)):
            if day.year not in YEARS:
                raise invalid_query("year-not-told", name, first=YEARS[0], last=YEARS[-1])
        if not 0 <= (last - first).days < MOST_DAYS:
            raise invalid_query("days-not-told", "to", most=MOST_DAYS)
        days = described_days(jurisdiction, first, last)
        return tagged(request, Response({"results": printed_rows(WorkingDaySerializer, days)}))


class AccountList(ApiView):
    """The accounts that the reader may know of."""

    query = AccountQuery

    @extend_schema(
        operation_id="list_accounts", tags=["accounts"], parameters=[AccountQuery], responses=AccountPageSerializer
    )
    def get(self, request: Request) -> Response:
        """List the accounts you represent; a registry administrator, authority or auditor sees all of the jurisdiction."""
        accounts = queries.described_accounts(self.actor)
        for parameter, column in (("jurisdiction", "jurisdiction__code"), ("type", "type"), ("status", "status")):
            if parameter in self.parameters:
                accounts = accounts.filter(**{column: self.parameters[parameter]})
        found = page(accounts, BY_IDENTIFIER, self.parameters.get("cursor"), self.parameters["limit"])
        return Response({**page_links(request, found), "results": printed_rows(AccountSerializer, found.rows)})


class AccountDetail(ApiView):
    """One account."""

    @extend_schema(operation_id="read_account", tags=["accounts"], responses=AccountSerializer)
    def get(self, request: Request, identifier: str) -> Response:
        """Read one account."""
        account = queries.described_accounts(self.actor).filter(identifier=identifier).first()
        if account is None:
            raise NotFound
        return tagged(request, Response(AccountSerializer(account).data))
