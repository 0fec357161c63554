"""Addresses of links, below /api/v1/."""

from django.urls import path

from linking.api import readiness
from linking.api.replay import Replay

urlpatterns = [
    path("corridors/<int:id>/replay", Replay.as_view(), name="replay"),
    path("readiness", readiness.ReadinessList.as_view(), name="readiness"),
    path("readiness/<str:first>/<str:second>", readiness.ReadinessDetail.as_view(), name="readiness-of-two"),
]
