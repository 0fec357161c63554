"""Freezes as they are read: under lock by who decides about one, in pages by who looks at them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery

from accounts.queries import jurisdictions, readable_jurisdictions, rule_in_force
from accounts.rules.access import Actor
from registry.database_transaction import DatabaseTransaction
from registry.facts import StoredAnswer
from registry.models import Freeze, Issue
from registry.rules.freezes import REVIEW_KEY, FreezeRecord, Held, Named, review_days_of
from registry.rules.serials import SerialBlock
from registry.rules.states import State


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be frozen, as it stands under lock. `state` of a transaction; `issued`: all serials are units of that name."""

    id: int | str
    jurisdiction_id: int
    jurisdiction: str
    time_zone: str
    state: State | None
    changed_at: datetime | None
    issued: bool


@dataclass(frozen=True, slots=True)
class ToFreeze:
    """What a new freeze is decided by: its number, what it names (None: there is none), the first answer to its key."""

    number: int
    subject: Subject | None
    answer: StoredAnswer | None


@dataclass(frozen=True, slots=True)
class ToRelease:
    """What a release is decided by: the freeze under lock (None: there is none), and the first answer to its key."""

    freeze: FreezeRecord | None
    answer: StoredAnswer | None


def to_freeze(
    database: DatabaseTransaction, named: Named, key: tuple[str, str] | None, *, registry: str = ""
) -> ToFreeze:
    """Lock what is named and read what its freeze is decided by. Movements of serials are locked by the effect itself.

    `registry`: the code of the jurisdiction that freezes serials; without it, the one that issued them.
    """
    if named.serials is not None:
        block = named.serials
        request: dict[str, Any] = {
            "registry": block.registry,
            "unit_type": block.unit_type,
            "vintage": block.vintage,
            "first": block.first,
            "next": block.next,
        }
        if registry:
            request["by"] = registry
    elif named.account is not None:
        request = {"account": named.account}
    else:
        request = {"transaction": str(named.transaction)}
    found = _ask(database, request, key)
    row = found["subject"]
    subject = row and Subject(
        id=row["id"],
        jurisdiction_id=row["jurisdiction_id"],
        jurisdiction=row["jurisdiction"],
        time_zone=row["time_zone"],
        state=State(row["state"]) if "state" in row else None,
        changed_at=_instant(row.get("changed_at")),
        issued=row.get("issued", True),
    )
    return ToFreeze(found["number"], subject, _answer(found["answer"]))


def to_release(database: DatabaseTransaction, number: int, key: tuple[str, str] | None) -> ToRelease:
    """Lock a freeze and read it."""
    found = _ask(database, {"freeze": number}, key)
    row = found["subject"]
    return ToRelease(row and _record(row), _answer(found["answer"]))


def holds_elsewhere(
    database: DatabaseTransaction, origin_id: int | str, block: SerialBlock, *, freezer_id: int, at: datetime
) -> tuple[Held, ...]:
    """Lock whoever holds the serials and return which of them a freeze holds in other registries, and until when."""
    request = {
        "freezer": freezer_id,
        "origin": origin_id,
        "first": block.first,
        "next": block.next,
        "at": at.isoformat(),
    }
    found = json.loads(database.ask("registry_holds", json.dumps(request)) or "[]")
    return tuple(
        Held(row["jurisdiction"], row["first"], row["next"], datetime.fromisoformat(row["expires_at"])) for row in found
    )


def freezes_for(actor: Actor) -> QuerySet[Freeze]:
    """Return the freezes of the jurisdictions in which a role of the actor reads everything. The order is the caller's.

    In one statement, with what `record_of` prints.
    """
    issue = Issue.objects.filter(origin=OuterRef("origin"), first_no__lte=OuterRef("first_no")).order_by("-first_no")
    rows = Freeze.objects.select_related("jurisdiction", "account", "origin").annotate(
        unit_type=Subquery(issue.values("series__unit_type__code")[:1]),
        vintage=Subquery(issue.values("series__vintage")[:1]),
    )
    readable = readable_jurisdictions(actor)
    return rows if readable is None else rows.filter(jurisdiction__code__in=readable)


def with_review(rows: QuerySet[Freeze], *, now: datetime) -> QuerySet[Any]:
    """Add `review_due` to each row: it stops something, and its review date has come or it stood longer than the rule says.

    Days are those of each jurisdiction's calendar. In one statement before the caller's, and one for each jurisdiction.
    """
    due = Q(pk__in=())
    for home in jurisdictions():
        today = now.astimezone(ZoneInfo(home.time_zone)).date()
        rule = rule_in_force(home, REVIEW_KEY, today)
        days = review_days_of(None if rule is None else rule.value)
        due |= Q(jurisdiction=home) & (Q(review_on__lte=today) | Q(frozen_at__lte=now - timedelta(days=days)))
    return rows.annotate(review_due=ExpressionWrapper(Q(released_at__isnull=True) & due, BooleanField()))


def record_of(row: Freeze) -> FreezeRecord:
    """Return a row of `freezes_for` as it stands."""
    serials = None
    if row.origin is not None and row.first_no is not None and row.next_no is not None:
        code, vintage = getattr(row, "unit_type", ""), getattr(row, "vintage", 0)
        serials = SerialBlock(row.origin.registry_code, code, vintage, row.first_no, row.next_no)
    account = None if row.account is None else row.account.identifier
    return FreezeRecord(
        id=row.pk,
        jurisdiction=row.jurisdiction.code,
        named=Named(row.transaction_id, account, serials),
        reason=row.reason,
        reference=row.reference,
        review_on=row.review_on,
        frozen_by=row.frozen_by_id,
        frozen_at=row.frozen_at,
        release_requested_by=row.release_requested_by_id,
        release_requested_at=row.release_requested_at,
        release_reason=row.release_reason,
        released_by=row.released_by_id,
        released_at=row.released_at,
        review_due=getattr(row, "review_due", None),
        expires_at=row.expires_at,
        notice_of=row.notice_of_id,
    )


def _ask(database: DatabaseTransaction, request: dict[str, Any], key: tuple[str, str] | None) -> Mapping[str, Any]:
    if key is not None:
        request |= {"principal": key[0], "key": key[1]}
    answer: Mapping[str, Any] = json.loads(database.ask("registry_freezing", json.dumps(request)) or "{}")
    return answer


def _record(row: Mapping[str, Any]) -> FreezeRecord:
    serials = None
    if row["registry"] is not None:
        serials = SerialBlock(row["registry"], row["unit_type"], row["vintage"], row["first_no"], row["next_no"])
    transaction = None if row["transaction_id"] is None else UUID(row["transaction_id"])
    return FreezeRecord(
        id=row["id"],
        jurisdiction=row["jurisdiction"],
        named=Named(transaction, row["account"], serials),
        reason=row["reason"],
        reference=row["reference"],
        review_on=date.fromisoformat(row["review_on"]),
        frozen_by=row["frozen_by_id"],
        frozen_at=datetime.fromisoformat(row["frozen_at"]),
        release_requested_by=row["release_requested_by_id"],
        release_requested_at=_instant(row["release_requested_at"]),
        release_reason=row["release_reason"],
        released_by=row["released_by_id"],
        released_at=_instant(row["released_at"]),
        request_withdrawn_at=_instant(row["request_withdrawn_at"]),
        expires_at=_instant(row["expires_at"]),
        notice_of=row["notice_of_id"],
        elsewhere=tuple(row["elsewhere"]),
    )


def _answer(row: Mapping[str, Any] | None) -> StoredAnswer | None:
    return None if row is None else StoredAnswer(row["digest"], row["status"], row["body"])


def _instant(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)
