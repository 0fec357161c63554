"""Users, their roles and their API keys."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import clock, models
from accounts.admin.base import ReadOnlyAdmin, actor_of
from accounts.operations.revoke_api_key import revoke_api_key


class RoleInline(admin.TabularInline):  # type: ignore[type-arg]
    """The roles of a user."""

    model = models.UserRole
    extra = 0


@admin.register(models.User)
class UsersAdmin(UserAdmin):  # type: ignore[type-arg]
    """Users and their roles: the system administrator's."""

    inlines = (RoleInline,)
    list_display = ("username", "is_active", "is_staff", "is_superuser", "last_login")


@admin.register(models.ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys: whose, for what, until when. The secret is nowhere to be seen."""

    list_display = ("prefix", "user", "name", "scopes", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("prefix", "user__username", "name")
    exclude = ("secret_hash",)
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return every key for the system administrator, one's own for others."""
        rows = super().get_queryset(request)
        return rows if getattr(request.user, "is_superuser", False) else rows.filter(user_id=request.user.pk)

    @admin.action(description=gettext_lazy("admin.revoke"))
    def revoke(self, request: HttpRequest, rows: QuerySet[models.ApiKey]) -> None:
        """Revoke keys."""
        actor = actor_of(request)
        self.act(
            request,
            rows,
            lambda row: revoke_api_key(prefix=row.prefix, actor=actor, now=clock.now(), real_now=clock.real_now()),
        )
