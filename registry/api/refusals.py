"""How the refusal of a proposal is told: every failure with its text, the member of the order it is about, and its subjects."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from accounts.api.errors import RequestError
from accounts.texts import text
from registry.operations.outcome import Refused
from registry.operations.propose_batch import BatchRefused
from registry.rules.checks import CHECKS, Failure

# Which member of `POST /api/v1/transactions` a check is about; a check that is not here is about the order as a whole.
FIELD_OF_CHECK: Mapping[int, str] = {
    2003: "quantity",
    2004: "serial_blocks",
    2005: "serial_blocks",
    2006: "quantity",
    2007: "unit_type",
    2008: "vintage",
    2009: "serial_blocks",
    2010: "registry",
    2012: "reason",
    3001: "client_reference",
    4001: "transferring_account",
    4002: "acquiring_account",
    4003: "transferring_account",
    4004: "acquiring_account",
    4005: "acquiring_account",
    4006: "transferring_account",
    4007: "acquiring_account",
    4008: "serial_blocks",
    4009: "serial_blocks",
    4010: "quantity",
    4011: "acquiring_account",
    4012: "transferring_account",
    4017: "acquiring_account",
    5001: "quantity",
    5004: "vintage",
    5005: "obligation",
    5008: "returns",
    5013: "serial_blocks",
    5016: "transferring_account",
    5010: "serial_blocks",
    5015: "obligation",
    6001: "acquiring_account",
    6002: "acquiring_account",
    6003: "unit_type",
    6004: "vintage",
    6005: "quantity",
    6006: "quantity",
    6010: "acquiring_account",
    6013: "quantity",
    6014: "registry",
    6016: "acquiring_account",
    6017: "acquiring_account",
}
# The one check that is about the request's header, not its body.
OF_THE_KEY = 3004


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A row of the check table as it is shown."""

    code: int
    group: str
    text: str
    transient: bool
    reference: str


def check_table() -> list[CheckRow]:
    """Return the check table, by code, in the reader's language."""
    return [
        CheckRow(code, row.group, text(f"check.{code}"), row.transient, row.reference)
        for code, row in sorted(CHECKS.items())
    ]


def errors_of(refused: Refused) -> tuple[RequestError, ...]:
    """Return every failure of a refusal, in the order of the check table."""
    return tuple(map(_error, refused.failures))


def errors_of_batch(refused: BatchRefused) -> tuple[RequestError, ...]:
    """Return every failure of an all-or-nothing batch; the pointer names the order."""
    return tuple(
        replace(error, pointer=f"/orders/{place}{error.pointer}")
        for place, refusal in sorted(refused.refusals.items())
        for error in errors_of(refusal)
    )


def _error(failure: Failure) -> RequestError:
    if failure.code == OF_THE_KEY:
        field, pointer = "Idempotency-Key", ""
    else:
        field = FIELD_OF_CHECK.get(failure.code, "")
        pointer = f"/{field}" if field else ""
    return RequestError(
        code=failure.code,
        detail=text(f"check.{failure.code}.failed", **failure.params),
        field=field,
        pointer=pointer,
        subjects=failure.subjects,
        transient=CHECKS[failure.code].transient,
    )
