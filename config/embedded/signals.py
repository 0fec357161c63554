"""Turns the signals that mean "stop" into an exception, which unwinds everything in order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal."""


@contextmanager
def stop_signals() -> Iterator[None]:
    """Raise `Stopped` at the first such signal within."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_stop_signals() -> None:
    """Let no second signal cut off the way back."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
