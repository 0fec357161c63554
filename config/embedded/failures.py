"""The one kind of error a user of the launcher meets: a sentence and an exit code, never a traceback."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `./dev` and `manage.py demo`; the table in docs/operate.md is the same."""

    ENVIRONMENT = 10
    PORT_TAKEN = 11
    NO_PERMISSION = 12
    CORRUPT_STATE = 13
    NO_SERVERS = 14
    STATE_IN_USE = 15
    SERVER_FAILED = 16
    DATABASE_REFUSED = 17
    CHECK_FAILED = 18
    NOT_READY = 19
    STOPPED_EARLY = 130


class LaunchFailure(Exception):
    """Something the user can mend; the sentence says what and how."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
