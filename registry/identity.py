"""Transaction identifiers: UUIDv7 (RFC 9562), so that they sort by the registry's clock."""

import secrets
import uuid
from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def transaction_id(now: datetime) -> uuid.UUID:
    """Return a new UUIDv7: 48 bits of milliseconds of `now`, then 74 random bits."""
    elapsed = now - EPOCH
    milliseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000
    value = (milliseconds << 80) | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)
