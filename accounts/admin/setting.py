"""Rows with a page that records one of them: a form, and the operation that is the same as everywhere."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.admin.base import ReadOnlyAdmin, actor_of
from accounts.models import Jurisdiction
from accounts.refusals import Refusal
from accounts.rules.access import Act, Actor
from accounts.texts import text


class SettingAdmin(ReadOnlyAdmin):
    """Rows that are looked at, with a page that records one by an operation. `act_needed` is what it takes to see that page."""

    change_list_template = "admin/list_with_set.html"
    act_needed: Act
    form_class: type[forms.Form]
    # The text of the page's title and button; empty: that of the act.
    set_title = ""

    def set_by(self, form: forms.Form, actor: Actor) -> str:
        """Run the operation on what was entered and return what to tell. Raises: Refusal; ValidationError."""
        raise NotImplementedError

    @property
    def _set_title(self) -> str:
        return text(self.set_title or f"act.{self.act_needed}")

    @property
    def _address_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_set"

    def _may_set(self, request: HttpRequest) -> bool:
        actor, places = actor_of(request), Jurisdiction.objects.values_list("code", flat=True)
        return actor.may(self.act_needed) or any(actor.may(self.act_needed, code) for code in places)

    def get_urls(self) -> list[URLPattern]:
        """Add the page that sets."""
        setting = path("set/", self.admin_site.admin_view(self.set_page), name=self._address_name)
        return [setting, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with the way to the page that sets."""
        address = reverse(f"admin:{self._address_name}")
        told = {"set_address": address, "set_title": self._set_title}
        return super().changelist_view(request, {**(extra_context or {}), **told})

    def set_page(self, request: HttpRequest) -> HttpResponse:
        """Ask, and run the operation; a refusal is told and nothing changes."""
        if not self._may_set(request):
            raise PermissionDenied
        form = self.form_class(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                told = self.set_by(form, actor_of(request))
            except Refusal as refusal:
                form.add_error(None, text(f"refusal.{refusal.code}", **refusal.params))
            except forms.ValidationError as error:
                form.add_error(None, error)
            else:
                self.message_user(request, told, messages.SUCCESS)
                return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": self._set_title,
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/set.html", context)
