"""Addresses of units and transactions, below /api/v1/."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from registry.api import freezes, lifecycle, views
from registry.api.certificates import TransactionCertificate
from registry.api.periods import Periods
from registry.api.statements import Statement


class SerialConverter(IntConverter):
    """A serial as it is printed: no leading nought, and no number that a serial cannot be."""

    regex = "[1-9][0-9]{0,14}"


register_converter(SerialConverter, "serial")

urlpatterns = [
    path("unit-types", views.UnitTypeList.as_view(), name="unit-types"),
    path("checks", views.CheckList.as_view(), name="checks"),
    path("accounts/<str:identifier>/holdings", views.Holdings.as_view(), name="holdings"),
    path("accounts/<str:identifier>/blocks", views.Blocks.as_view(), name="blocks"),
    path("accounts/<str:identifier>/obligations", views.Obligations.as_view(), name="obligations"),
    path("accounts/<str:identifier>/periods", Periods.as_view(), name="periods"),
    path("accounts/<str:identifier>/statement", Statement.as_view(), name="statement"),
    path("accounts/<str:identifier>/limits", views.Limits.as_view(), name="limits"),
    path("transactions", views.Transactions.as_view(), name="transactions"),
    path("transactions/batch", lifecycle.Batch.as_view(), name="batch"),
    path("transactions/<uuid:id>/approve", lifecycle.Approve.as_view(), name="approve"),
    path("transactions/<uuid:id>/refuse", lifecycle.Refuse.as_view(), name="refuse"),
    path("transactions/<uuid:id>/withdraw", lifecycle.Withdraw.as_view(), name="withdraw"),
    path("transactions/<uuid:id>/reverse", lifecycle.Reverse.as_view(), name="reverse"),
    path("transactions/<uuid:id>", views.TransactionDetail.as_view(), name="transaction"),
    path("transactions/<uuid:id>/certificate", TransactionCertificate.as_view(), name="certificate"),
    path("freezes", freezes.Freezes.as_view(), name="freezes"),
    path("freezes/<int:id>", freezes.FreezeDetail.as_view(), name="freeze"),
    path("freezes/<int:id>/request-release", freezes.RequestRelease.as_view(), name="request-release"),
    path(
        "freezes/<int:id>/withdraw-release-request",
        freezes.WithdrawReleaseRequest.as_view(),
        name="withdraw-release-request",
    ),
    path("freezes/<int:id>/release", freezes.Release.as_view(), name="release"),
    path("units/<str:registry>/<serial:serial>", views.UnitDetail.as_view(), name="unit"),
]
