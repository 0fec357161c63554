"""Addresses of the administration's pages on links that belong to no table, below /admin/."""

from django.contrib import admin
from django.urls import path

from linking.admin import readiness

urlpatterns = [
    path("readiness/", admin.site.admin_view(readiness.every_pair), name="readiness-pages"),
    path("readiness/<str:first>/<str:second>/", admin.site.admin_view(readiness.one_pair), name="readiness-page"),
]
