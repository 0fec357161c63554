"""`manage.py api_document [--check]`: writes docs/openapi.yaml from the code, or compares the two."""

import difflib
import io
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

DOCUMENT = settings.BASE_DIR / "docs" / "openapi.yaml"


class Command(BaseCommand):
    help = "Writes the committed OpenAPI document; --check only prints how it differs from the code."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, fail when something would change")

    def handle(self, *args: Any, **options: Any) -> None:
        printed = io.StringIO()
        call_command("spectacular", "--validate", "--fail-on-warn", stdout=printed)
        new = printed.getvalue()
        old = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
        if options["check"] and new != old:
            names = ("docs/openapi.yaml", "the code")
            difference = difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="")
            self.stdout.write("\n".join(list(difference)[:200]))
            raise CommandError("docs/openapi.yaml is not what the code says. Run ./dev manage api_document.")
        if new != old:
            DOCUMENT.write_text(new, encoding="utf-8")
        self.stdout.write("docs/openapi.yaml is what the code says")
