"""Every address of the service."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from config import api, health

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    # Before the site's own addresses, which end with one that takes whatever is left.
    path("admin/", include("linking.admin.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", api.Document.as_view(), name="schema"),
    path("api/docs/", api.DocumentPage.as_view(url_name="schema"), name="docs"),
    path("api/problems", api.ProblemKinds.as_view(), name="problems"),
    path("api/problems/<str:kind>", api.ProblemKind.as_view(), name="problem"),
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("registry.api.urls")),
    path("api/v1/", include("linking.api.urls")),
    # Last: what no app answers is still told as a problem document, and nothing redirects to a slash.
    re_path("^api(/|$)", api.UnknownAddress.as_view()),
]
handler400 = "config.problems.bad_request"
handler403 = "config.problems.permission_denied"
handler404 = "config.problems.page_not_found"
handler500 = "config.problems.server_error"
