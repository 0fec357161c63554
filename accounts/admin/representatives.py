"""Representatives and trusted accounts: who acts for an account, and where it may send at once."""

from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import clock, models
from accounts.admin.base import ReadOnlyAdmin, ReasonForm, actor_of, reason_of
from accounts.operations.change_representative_state import change_representative_state
from accounts.operations.decide_trusted_account import decide_trusted_account
from accounts.operations.remove_trusted_account import remove_trusted_account
from accounts.rules.representatives import RepresentativeState


def _to_state(state: RepresentativeState) -> Callable[..., None]:
    @admin.action(description=gettext_lazy(f"admin.representative-to.{state}"))
    def action(self: "RepresentativeAdmin", request: HttpRequest, rows: QuerySet[models.Representative]) -> None:
        actor = actor_of(request)
        self.act(
            request,
            rows,
            lambda row: change_representative_state(representative=row, state=state, actor=actor, now=clock.now()),
        )

    action.__name__ = f"to_{state.lower()}"
    return action


@admin.register(models.Representative)
class RepresentativeAdmin(ReadOnlyAdmin):
    """Authorised representatives; a nomination is decided here."""

    within = "account__jurisdiction__code"
    list_display = ("account", "user", "rights", "state")
    list_select_related = ("account", "user")
    list_filter = ("state", "rights")
    search_fields = ("account__identifier", "user__username")
    actions = tuple(
        _to_state(state)
        for state in (
            RepresentativeState.ACTIVE,
            RepresentativeState.SUSPENDED,
            RepresentativeState.REMOVED,
            RepresentativeState.REJECTED,
        )
    )


@admin.register(models.TrustedAccount)
class TrustedAccountAdmin(ReadOnlyAdmin):
    """Trusted accounts. Those of administrative accounts are approved here; any is removed here by order."""

    within = "account__jurisdiction__code"
    list_display = ("account", "trusted_identifier", "state", "active_from", "requested_by", "decided_by")
    list_select_related = ("account", "requested_by", "decided_by")
    list_filter = ("state", "account__jurisdiction")
    search_fields = ("account__identifier", "trusted_identifier")
    action_form = ReasonForm
    actions = ("approve", "remove")

    @admin.action(description=gettext_lazy("admin.approve"))
    def approve(self, request: HttpRequest, rows: QuerySet[models.TrustedAccount]) -> None:
        """Approve requests, as the second person."""
        actor = actor_of(request)
        self.act(
            request,
            rows,
            lambda row: decide_trusted_account(
                identifier=row.account.identifier, number=row.pk, approved=True, actor=actor, now=clock.now()
            ),
        )

    @admin.action(description=gettext_lazy("admin.remove-trusted-account"))
    def remove(self, request: HttpRequest, rows: QuerySet[models.TrustedAccount]) -> None:
        """Remove accounts from lists, by order."""
        actor, reason = actor_of(request), reason_of(request)
        self.act(
            request,
            rows,
            lambda row: remove_trusted_account(
                identifier=row.account.identifier, number=row.pk, reason=reason, actor=actor, now=clock.now()
            ),
        )
