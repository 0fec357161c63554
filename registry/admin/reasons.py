"""What a person reads of a refusal."""

from accounts.texts import text
from registry.operations.outcome import Refused


def reasons_of(refused: Refused) -> list[str]:
    """Return the text of each check that failed."""
    return [f"{failure.code}: {text(f'check.{failure.code}.failed', **failure.params)}" for failure in refused.failures]
