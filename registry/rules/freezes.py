"""Freezes: what one is, and what each step of it needs. One person sets it at once, two lift it (domain.md section 5).

The trigger `freezes_take_effect` and the constraint `two_release` hold the same rules for the database.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from registry.rules.serials import SerialBlock

# The dated rule of how long a freeze may stand before it is marked for review: `{"days": 90}`, which also holds without one.
REVIEW_KEY = "freeze.review-period"
REVIEW_DAYS = 90
MOST_REVIEW_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Named:
    """What is to be frozen: exactly one of a transaction, an account (its identifier) and a range of serials."""

    transaction: UUID | None = None
    account: str | None = None
    serials: SerialBlock | None = None


@dataclass(frozen=True, slots=True)
class FreezeRecord:
    """A freeze as it stands. Persons are users' ids; times are the registry's clock."""

    id: int
    jurisdiction: str
    named: Named
    reason: str
    reference: str
    review_on: date
    frozen_by: int
    frozen_at: datetime
    release_requested_by: int | None = None
    release_requested_at: datetime | None = None
    release_reason: str = ""
    released_by: int | None = None
    released_at: datetime | None = None
    # When a request was taken back last: a later one is not before it.
    request_withdrawn_at: datetime | None = None
    # Told where freezes are looked at; who decides about one does not need it.
    review_due: bool | None = None
    # Of a hold for another registry: until when, and which freeze it is a notice of. `elsewhere`: the jurisdictions in which this
    # freeze is held, or in which what this holds for was frozen; their logs tell of its end.
    expires_at: datetime | None = None
    notice_of: int | None = None
    elsewhere: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether it still stops what it names."""
        return self.released_at is None

    @property
    def changed_at(self) -> datetime:
        """When the last step before a release was taken: the next is not before it."""
        return max(filter(None, (self.frozen_at, self.release_requested_at, self.request_withdrawn_at)))


@dataclass(frozen=True, slots=True)
class Held:
    """Serials `[first, next)` of a freeze that are held in another jurisdiction until an instant, by the terms of a link."""

    jurisdiction: str
    first: int
    next: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a step is not taken: a code of `refusal.<code>`, and the member of the request that it is about."""

    code: str
    field: str = ""


def objections_to_freeze(reason: str, review_on: date, time_zone: str, now: datetime) -> Iterator[Objection]:
    """Yield what a freeze lacks. It is looked at again on a day of the jurisdiction's calendar, today at the earliest."""
    if not reason.strip():
        yield Objection("reason-missing", "reason")
    if review_on < now.astimezone(ZoneInfo(time_zone)).date():
        yield Objection("freeze-review-is-past", "review_on")


def objections_to_confirmation(hold: FreezeRecord) -> Iterator[Objection]:
    """Yield why a freeze of one's own cannot take the place of a hold."""
    if hold.notice_of is None:
        yield Objection("freeze-is-no-hold")
    elif not hold.is_active:
        yield Objection("freeze-is-released")


def objections_to_lapse(hold: FreezeRecord, now: datetime) -> Iterator[Objection]:
    """Yield why a hold does not end by itself: it stands until it expires."""
    if hold.expires_at is None:
        yield Objection("freeze-is-no-hold")
    elif not hold.is_active:
        yield Objection("freeze-is-released")
    elif now < hold.expires_at:
        yield Objection("hold-has-not-expired")


def objections_to_request(freeze: FreezeRecord, _person: int) -> Iterator[Objection]:
    """Yield why nobody can ask for the release of a freeze."""
    if not freeze.is_active:
        yield Objection("freeze-is-released")
    elif freeze.release_requested_at is not None:
        yield Objection("freeze-release-is-requested")


def objections_to_withdrawal(freeze: FreezeRecord, person: int) -> Iterator[Objection]:
    """Yield why a person cannot take back a request for release: who made it does, and nobody else."""
    if not freeze.is_active:
        yield Objection("freeze-is-released")
    elif freeze.release_requested_at is None:
        yield Objection("freeze-release-is-not-requested")
    elif freeze.release_requested_by != person:
        yield Objection("freeze-request-is-anothers")


def review_days_of(value: object) -> int:
    """Return after how many days a freeze is to be reviewed by a dated rule's value; None (no rule in force): the default.

    What nobody understands marks every freeze: nought days.
    """
    match value:
        case None:
            return REVIEW_DAYS
        case {"days": int(days), **others} if not others and type(days) is int and 1 <= days <= MOST_REVIEW_DAYS:
            return days
    return 0


def objections_to_release(freeze: FreezeRecord, person: int) -> Iterator[Objection]:
    """Yield why a person cannot release a freeze: it takes two, of whom either may be the one who froze."""
    if not freeze.is_active:
        yield Objection("freeze-is-released")
    elif freeze.release_requested_at is None:
        yield Objection("freeze-release-is-not-requested")
    elif freeze.release_requested_by == person:
        yield Objection("freeze-released-by-its-requester")
