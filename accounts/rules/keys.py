"""API keys: their printed form, their hash and their scopes."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

SECRET_BYTES = 32  # 256 random bits: nothing to guess, so one SHA-256 is the right hash.
PREFIX_BYTES = 6
_FORM = re.compile(r"([0-9a-f]{12})\.([A-Za-z0-9_-]{43})")


class Scope(StrEnum):
    """What a key may be used for; what its user may do bounds it further."""

    READ = "read"
    TRANSACT = "transact"
    ADMINISTER = "administer"


@dataclass(frozen=True, slots=True)
class PrintedKey:
    """A key as its user holds it: the prefix that finds it and the secret that proves it."""

    prefix: str
    secret: str

    def __str__(self) -> str:
        return f"{self.prefix}.{self.secret}"


def parse_key(text: str) -> PrintedKey | None:
    """Return the parts of a printed key, or None for anything else."""
    match = _FORM.fullmatch(text)
    return PrintedKey(match[1], match[2]) if match else None


def hash_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret_of(secret: str, secret_hash: str) -> bool:
    """Return whether the hash is the secret's, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(hash_of(secret), secret_hash)
