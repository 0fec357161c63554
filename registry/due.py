"""What can fall due: one thing with its instant and its act. Who finds such things hands them to `run_due`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that is due: when, what (for people and the log), and the act. Ordered by instant, then text."""

    at: datetime
    what: str
    run: Callable[[datetime], object]
