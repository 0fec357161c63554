"""Addresses of people and places, below /api/v1/."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from accounts.api import trusted_views, views


class RowConverter(IntConverter):
    """A row's number as it is printed: no leading nought, and none that PostgreSQL cannot hold."""

    regex = "[1-9][0-9]{0,17}"


register_converter(RowConverter, "row")

urlpatterns = [
    path("jurisdictions", views.JurisdictionList.as_view(), name="jurisdictions"),
    path("jurisdictions/<str:code>", views.JurisdictionDetail.as_view(), name="jurisdiction"),
    path("jurisdictions/<str:code>/working-days", views.WorkingDayList.as_view(), name="working-days"),
    path("accounts", views.AccountList.as_view(), name="accounts"),
    path("accounts/<str:identifier>", views.AccountDetail.as_view(), name="account"),
    path(
        "accounts/<str:identifier>/trusted-accounts", trusted_views.TrustedAccounts.as_view(), name="trusted-accounts"
    ),
    path("accounts/<str:identifier>/trusted-accounts/<row:id>/approve", trusted_views.Approve.as_view()),
    path("accounts/<str:identifier>/trusted-accounts/<row:id>/reject", trusted_views.Reject.as_view()),
    path("accounts/<str:identifier>/trusted-accounts/<row:id>/withdraw", trusted_views.Withdraw.as_view()),
    path("accounts/<str:identifier>/trusted-accounts/<row:id>/remove", trusted_views.Remove.as_view()),
]
