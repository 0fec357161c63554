"""How management commands name who acts, and tell a refusal as a person reads it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError, CommandParser

from accounts.models import Jurisdiction, User
from accounts.queries import actor_for
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.texts import text
from registry.tabular import Fault, FileRefused


def add_actor(parser: CommandParser) -> None:
    """Ask for the user who acts."""
    parser.add_argument("--as", dest="username", required=True, help="who acts: a user name, with the role it takes")


def actor_named(username: str) -> Actor:
    """Return the actor that a user is.

    Raises: CommandError.
    """
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no user {username}.")
    return actor_for(user)


def jurisdiction_named(code: str) -> Jurisdiction:
    """Return a jurisdiction by its code (CN-BJ).

    Raises: CommandError.
    """
    found = Jurisdiction.objects.filter(code=code).first()
    if found is None:
        raise CommandError(f"There is no jurisdiction {code}.")
    return found


@contextmanager
def refusals_told() -> Iterator[None]:
    """Tell a refusal, or every fault of a file, as the command's error."""
    try:
        yield
    except Refusal as refusal:
        raise CommandError(text(f"refusal.{refusal.code}", **refusal.params)) from None
    except FileRefused as refused:
        raise CommandError("\n".join(["Nothing was loaded.", *map(fault_text, refused.faults)])) from None


def fault_text(fault: Fault) -> str:
    """Return a fault as a person reads it: row, column, reason."""
    where = [f"row {fault.row}"] if fault.row else []
    where += [f"column {fault.column}"] if fault.column else []
    reason = text(f"table.{fault.code}", **fault.params)
    return f"{', '.join(where)}: {reason}" if where else reason
