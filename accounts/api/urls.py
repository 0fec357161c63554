"""Addresses of people and places, below /api/v1/."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("jurisdictions", views.JurisdictionList.as_view(), name="jurisdictions"),
    path("jurisdictions/<str:code>", views.JurisdictionDetail.as_view(), name="jurisdiction"),
    path("jurisdictions/<str:code>/working-days", views.WorkingDayList.as_view(), name="working-days"),
    path("accounts", views.AccountList.as_view(), name="accounts"),
    path("accounts/<str:identifier>", views.AccountDetail.as_view(), name="account"),
]
