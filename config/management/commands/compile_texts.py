"""`manage.py compile_texts [--check]`: makes the .mo files that are read at run time from the .po files that are edited.

Without the gettext programs, so that a fresh machine needs none; Babel comes with requirements-dev.txt.
"""

import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

# A text's places to fill: {name}.
_PLACES = re.compile(r"\{\w+\}")


class Command(BaseCommand):
    help = "Compiles the translation files; --check only says which compiled files are out of date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, fail when something would change")

    def handle(self, *args: Any, **options: Any) -> None:
        stale = []
        for folder in settings.LOCALE_PATHS:
            refuse_strangers(Path(folder))
            for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
                content, target = compiled(source), source.with_suffix(".mo")
                if target.exists() and target.read_bytes() == content:
                    continue
                stale.append(str(target.relative_to(folder)))
                if not options["check"]:
                    target.write_bytes(content)
        if stale and options["check"]:
            raise CommandError(f"Not compiled from their .po: {', '.join(stale)}. Run ./dev manage compile_texts.")
        self.stdout.write(f"compiled: {', '.join(stale) or 'nothing to do'}")


def refuse_strangers(folder: Path) -> None:
    """Compare every language with English, which has every code.

    Raises: CommandError for a code that English lacks, an empty text, or other places to fill than English has.
    """
    english = texts(folder / settings.LANGUAGE_CODE / "LC_MESSAGES" / "django.po")
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        for code, told in texts(source).items():
            if code not in english:
                raise CommandError(f"{source}: {code} is no code of {settings.LANGUAGE_CODE}")
            if not told or sorted(_PLACES.findall(told)) != sorted(_PLACES.findall(english[code])):
                raise CommandError(f"{source}: {code} does not fill the places of {settings.LANGUAGE_CODE}")


def texts(source: Path) -> dict[str, str]:
    """Return the text of each code of a .po file. Raises: CommandError when the file has a fault."""
    from babel.messages.pofile import PoFileError, read_po

    try:
        with source.open("rb") as file:
            catalog = read_po(file, abort_invalid=True)
    except PoFileError as error:
        raise CommandError(f"{source}: {error}") from None
    return {str(message.id): str(message.string) for message in catalog if message.id}


def compiled(source: Path) -> bytes:
    """Return the .mo content of a .po file.

    Raises: CommandError when the file has a fault or a text twice.
    """
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import PoFileError, read_po

    seen: set[str] = set()
    for line in source.read_text(encoding="utf-8").splitlines():
        if line.startswith("msgid ") and line != 'msgid ""':
            if line in seen:
                raise CommandError(f"{source}: {line} is there twice")
            seen.add(line)
    try:
        with source.open("rb") as file:
            catalog = read_po(file, abort_invalid=True)
    except PoFileError as error:
        raise CommandError(f"{source}: {error}") from None
    # Else the hour of compiling would be in the file, and the same texts would never compile to the same bytes again.
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    output = io.BytesIO()
    write_mo(output, catalog)
    return output.getvalue()
