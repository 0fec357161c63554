"""Addresses of links, below /api/v1/."""

from django.urls import path

from linking.api import readiness

urlpatterns = [
    path("readiness", readiness.ReadinessList.as_view(), name="readiness"),
    path("readiness/<str:first>/<str:second>", readiness.ReadinessDetail.as_view(), name="readiness-of-two"),
]
