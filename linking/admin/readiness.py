"""Readiness in the administration: every pair of jurisdictions at a glance, and one pair point by point. All staff read it."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from rest_framework import serializers

from accounts import clock, queries
from accounts.api.errors import RequestRefused
from accounts.texts import text
from linking.api.readiness_serializers import ReadinessListQuery, ReadinessQuery, proposed_by
from linking.readiness_printing import point_name, printed_comparison, printed_summary, printed_what_if
from linking.readiness_queries import compare, compare_pairs, what_if
from linking.rules.readiness import POINTS


def every_pair(request: HttpRequest) -> HttpResponse:
    """Show the outcome of every point for every two jurisdictions hosted here."""
    asked, errors = _asked(request, ReadinessListQuery)
    among = list(queries.jurisdictions().filter(is_test=False))
    compared = compare_pairs(among, now=clock.now(), as_of=asked.get("as_of"))
    pairs = [printed_summary(comparison) for comparison in compared]
    points = [
        {"name": point_name(code), "found": [pair["points"][place] for pair in pairs]}
        for place, code in enumerate(POINTS)
    ]
    caveats = sorted({caveat for pair in pairs for caveat in pair["caveats"]})
    shown = {"pairs": pairs, "points": points, "caveats": caveats}
    return _page(request, "readiness.html", errors, shown | {"title": text("readiness.title")})


def one_pair(request: HttpRequest, first: str, second: str) -> HttpResponse:
    """Show two jurisdictions point by point, and what a proposed rule would turn where the address names one."""
    found = {row.code: row for row in queries.jurisdictions().filter(code__in=_named(first, second))}
    if first == second or len(found) < 2:
        raise Http404
    asked, errors = _asked(request, ReadinessQuery)
    one, other = found[first], found[second]
    comparison = compare(one, other, now=clock.now(), as_of=asked.get("as_of"))
    answer = None
    try:
        proposed = proposed_by(asked, comparison)
        if proposed is not None:
            answer = printed_what_if(what_if(one, other, proposed), comparison)
    except RequestRefused as refused:
        errors += [f"{error.field}: {error.detail}" for error in refused.errors]
    printed = printed_comparison(comparison)
    shown = {
        "pair": printed,
        "sides": [printed["first"], printed["second"]],
        "what_if": answer,
        "keys": sorted({key for point in POINTS.values() for key in point.keys}),
        "title": f"{text('readiness.title')}: {printed['first']['name']}, {printed['second']['name']}",
    }
    return _page(request, "readiness_pair.html", errors, shown)


def _named(*codes: str) -> list[str]:
    # PostgreSQL's text cannot hold NUL, so nothing is named so.
    return [code for code in codes if "\0" not in code]


def _asked(request: HttpRequest, query: type[serializers.Serializer[Any]]) -> tuple[Mapping[str, Any], list[str]]:
    """Return what the address asks, and what is wrong with it; a field left empty asks nothing."""
    told = {name: value for name, value in request.GET.items() if name in query().fields and str(value).strip()}
    serializer = query(data=told)
    if serializer.is_valid():
        return serializer.validated_data, []
    return {}, [f"{name}: {error}" for name, found in serializer.errors.items() for error in found]


def _page(request: HttpRequest, template: str, errors: list[str], shown: Mapping[str, Any]) -> HttpResponse:
    context = {**admin.site.each_context(request), "errors": errors, "asked": request.GET, **shown}
    return TemplateResponse(request, f"admin/linking/{template}", context, status=400 if errors else 200)
