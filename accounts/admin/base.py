"""What every page of the administration rests on: rows that are looked at, actions that run operations, who acts and why."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import models
from accounts.queries import actor_for, readable_jurisdictions
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.texts import text
from audit.admin import ReadOnly


def actor_of(request: HttpRequest) -> Actor:
    """Return who is signed in, with the roles held now."""
    assert isinstance(request.user, models.User)
    return actor_for(request.user)


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that are looked at here and changed elsewhere, or never. `within`: the way to the code of their jurisdiction."""

    within: str | None = None
    list_per_page = 50
    # Counting a million blocks to say "of how many" would cost more than the page.
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the jurisdictions that the reader may read."""
        rows = super().get_queryset(request)
        readable = None if self.within is None else readable_jurisdictions(actor_of(request))
        if readable is None or getattr(request.user, "is_superuser", False):
            return rows
        return rows.filter(**{f"{self.within}__in": readable})

    def act(self, request: HttpRequest, rows: Iterable[Any], operation: Callable[[Any], object]) -> None:
        """Run an operation on each row and tell how it went; a refusal stops nothing but its own row."""
        for row in rows:
            try:
                operation(row)
            except Refusal as refusal:
                reason = text(f"refusal.{refusal.code}", **refusal.params)
                self.message_user(request, f"{row}: {reason}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: {text('admin.done')}", messages.SUCCESS)


class ReadOnlyInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """Rows of what a page is about, to be looked at. Subclasses say which columns, as `fields` and `readonly_fields`."""

    extra = 0
    can_delete = False


class ReasonForm(ActionForm):
    """The form beside the actions of a list, with room for the order by which they are done."""

    reason = forms.CharField(required=False, max_length=500, label=gettext_lazy("admin.reason"))


def reason_of(request: HttpRequest) -> str:
    """Return the reason given with an action."""
    return str(request.POST.get("reason", "")).strip()[:500]
