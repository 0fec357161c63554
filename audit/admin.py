"""The log, to be read: by what it is about (an account's identifier, a transaction's id), by event and by actor."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from audit.models import Entry


class ReadOnly:
    """Pages of rows that nobody adds, changes or deletes there, whatever else they may: mixed into a ModelAdmin or an inline."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is added here, by nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed here, by nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted, by nobody."""
        return False


@admin.register(Entry)
class EntryAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
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

    @admin.display(description="part")
    def part_of(self, entry: Entry) -> str:
        """Which part of how many."""
        return f"{entry.part}/{entry.parts}"

    @admin.display(description="content")
    def content(self, entry: Entry) -> str:
        """The canonical JSON, as it stands."""
        return bytes(entry.body).decode()
