"""The log, to be read: by what it is about (an account's identifier, a transaction's id), by event and by actor."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from audit.models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Log entries; nobody adds, changes or deletes one."""

    list_display = ("id", "occurred_at", "registry", "event", "actor", "subject", "part_of")
    fields = readonly_fields = (
        "id", "registry", "event", "part_of", "occurred_at", "recorded_at", "actor", "subject", "content",
    )  # fmt: skip
    list_filter = ("registry", "event")
    search_fields = ("subject", "event", "actor")
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only what happens adds entries."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """An entry never changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """An entry is never deleted."""
        return False

    @admin.display(description="part")
    def part_of(self, entry: Entry) -> str:
        """Which part of how many."""
        return f"{entry.part}/{entry.parts}"

    @admin.display(description="content")
    def content(self, entry: Entry) -> str:
        """The canonical JSON, as it stands."""
        return bytes(entry.body).decode()
