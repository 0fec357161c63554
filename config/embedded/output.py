"""Says things to a person who may have left: a closed pipe or terminal must not cut off the way back."""

import os
import sys


def say(sentence: str, *, to_error: bool = False) -> None:
    """Print and flush; once nobody listens, all further output goes nowhere."""
    stream = sys.stderr if to_error else sys.stdout
    try:
        print(sentence, file=stream, flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
