"""`manage.py print_tables [--check]`: the pages of docs/ that are printed from the code's tables."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation
from django.utils.module_loading import module_has_submodule

from accounts.rules.account_types import ACCOUNT_TYPES
from accounts.rules.representatives import PERMITTED
from accounts.rules.statuses import ALLOWED, TRANSITIONS
from accounts.texts import account_type_text, text
from registry.rules import states
from registry.rules.checks import CHECKS
from registry.rules.types import TYPES, Approval

PRINTED = "This page is printed from the code's own table by `./dev manage print_tables`; a test compares.\n"


APPROVED_BY = {
    Approval.RECORD: "the approved table",
    Approval.REPRESENTATIVE: "another representative",
    Approval.ADMINISTRATOR: "a senior administrator",
}


class Command(BaseCommand):
    help = "Prints the documents that are tables of the code; --check only says which are out of date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, fail when something would change")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            printed = all_pages()
            stale = [name for name, page in printed.items() if _differs(name, page)]
            if options["check"] and stale:
                raise CommandError(f"Not as the code says: {', '.join(stale)}. Run ./dev manage print_tables.")
            for name in stale:
                _file(name).write_text(printed[name], encoding="utf-8")
        self.stdout.write(f"printed: {', '.join(stale) or 'nothing to do'}")


def all_pages() -> Mapping[str, str]:
    """Return the pages of every app by their file name in docs/: an app above has its own in `printed_pages.py`."""
    found = dict(pages())
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "printed_pages"):
            found |= import_module(f"{app.name}.printed_pages").pages()
    return found


def pages() -> Mapping[str, str]:
    """Return the registry's own pages by their file name in docs/, in the active language."""
    return {
        "checks.md": "\n".join(_checks()),
        "states.md": "\n".join(_states()),
        "transaction-types.md": "\n".join(_types()),
        "account-types.md": "\n".join(_accounts()),
    }


def _file(name: str) -> Path:
    return Path(settings.BASE_DIR) / "docs" / name


def _differs(name: str, page: str) -> bool:
    return not _file(name).exists() or _file(name).read_text(encoding="utf-8") != page


def _checks() -> Iterator[str]:
    yield f"# The checks\n\n{PRINTED}"
    yield "Every check runs and every failure is told, with its code. A code is public and stable and never means anything else;"
    yield "codes that are missing belong to what is not there yet. *Transient*: the same order can succeed later.\n"
    yield "| code | says | transient | source |\n|---|---|---|---|"
    for code, row in sorted(CHECKS.items()):
        yield f"| {code} | {text(f'check.{code}')} | {'yes' if row.transient else ''} | {row.reference} |"
    yield ""


def _states() -> Iterator[str]:
    yield f"# The states of a transaction\n\n{PRINTED}"
    yield "A transaction whose checks all pass begins in one of the first states, as its type, its account's options and the"
    yield "trusted accounts say; every change after that is a recorded step, which says who, when and why.\n"
    yield "```mermaid\nstateDiagram-v2"
    for state in sorted(states.FIRST):
        yield f"    [*] --> {state}"
    for (step, before), following in states.STEPS.items():
        for after in sorted(following):
            yield f"    {before} --> {after}: {step}"
    for state in sorted(states.FINAL):
        yield f"    {state} --> [*]"
    yield "```\n\n| step | means |\n|---|---|"
    for step in states.Step:
        yield f"| {step} | {text(f'transaction-step.{step}')} |"
    yield "\n| state | name | its units are |\n|---|---|---|"
    for state in states.State:
        yield f"| {state} | {text(f'transaction-state.{state}')} | {states.UNITS_IN[state]} |"
    yield ""


def _types() -> Iterator[str]:
    yield f"# The types of transaction\n\n{PRINTED}"
    yield "| code | name | effect | from | to | proposed by | approved by | waits where not trusted | needs |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for code, row in TYPES.items():
        needs = {"obligation": row.needs_obligation, "allocation": row.needs_allocation, "reason": row.needs_reason}
        yield (
            f"| {code} | {text(f'transaction-type.{code}')} | {row.effect} | {' '.join(row.from_types)} |"
            f" {' '.join(row.to_types)} | {'a registry administrator' if row.by_order else 'whoever may, for the account'} |"
            f" {APPROVED_BY[row.approval]} | {'yes' if row.delayed else ''} |"
            f" {', '.join(name for name, needed in needs.items() if needed)} |"
        )
    yield ""


def _accounts() -> Iterator[str]:
    yield f"# Account types, statuses and rights\n\n{PRINTED}"
    yield "| type | name | holders | units count as | administrative |\n|---|---|---|---|---|"
    for code, row in ACCOUNT_TYPES.items():
        holders = ", ".join(sorted(text(f"holder-kind.{kind}") for kind in row.holders))
        standing = text(f"standing.{row.standing}")
        yield f"| {code} | {account_type_text(code)} | {holders} | {standing} | {'yes' if row.administrative else ''} |"
    yield "\n| status | allows | may become |\n|---|---|---|"
    for status, allowed in ALLOWED.items():
        movements = ", ".join(sorted(text(f"movement.{movement}") for movement in allowed))
        yield f"| {status} | {movements} | {', '.join(sorted(TRANSITIONS[status]))} |"
    yield "\n| right of a representative | permits |\n|---|---|"
    for right, actions in PERMITTED.items():
        yield f"| {right} | {', '.join(sorted(action.replace('_', ' ') for action in actions))} |"
    yield ""
