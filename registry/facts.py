"""One answer of `registry_facts`, and how its JSON becomes the facts of the checks (registry/rules/facts.py)."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from registry.pools import Pool, Selector
from registry.rules.facts import (
    AccountFacts,
    AllocationFacts,
    CapFacts,
    CarryOverFacts,
    ConversionFacts,
    HoldingLimitFacts,
    LimitFacts,
    LimitsFacts,
    NamedPiece,
    ObligationFacts,
    OriginalFacts,
    Piece,
    ReturnFacts,
    UnitTypeFacts,
)
from registry.rules.proposal import SerialRange


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to an idempotency key, as it was given."""

    digest: str
    status: int
    body: str


@dataclass(slots=True)
class Facts:
    """One answer of `registry_facts`."""

    accounts: Mapping[str, AccountFacts]
    pools: Mapping[Selector, Pool]
    named: Mapping[SerialRange, tuple[NamedPiece, ...]]
    registries: frozenset[str]
    unit_types: Mapping[tuple[str, str], UnitTypeFacts]
    obligations: Mapping[int, ObligationFacts]
    allocations: Mapping[int, AllocationFacts]
    caps: Mapping[int, CapFacts]
    returns: ReturnFacts | None
    original: OriginalFacts | None
    carry_overs: Mapping[tuple[str, str], CarryOverFacts]
    periods: Mapping[int, str]
    conversions: Mapping[tuple[str, str], ConversionFacts]
    answer: StoredAnswer | None
    used_references: frozenset[tuple[str, str]]
    exercise: bool
    # Units that proposals judged on these facts send, by account, and bring, by holder and jurisdiction, in one batch.
    sent: Counter[str] = field(default_factory=Counter)
    brought: Counter[tuple[int | None, int]] = field(default_factory=Counter)


def facts_from(answer: dict[str, Any], draws: list[Selector], named: list[SerialRange]) -> Facts:
    """Turn the answer of `registry_facts` into frozen facts."""
    registries: set[str] = set()
    unit_types: dict[tuple[str, str], UnitTypeFacts] = {}
    pools: dict[Selector, Pool] = {}
    for selector, found in zip(draws, answer.get("draws") or [], strict=True):
        _, registry, unit_type, *_ = selector
        if found["origin"] is not None:
            registries.add(registry)
        if found["kind"] is not None:
            unit_types[registry, unit_type] = UnitTypeFacts(unit_type, registry, found["kind"], found["origin"])
        pools[selector] = Pool(found["free"], deque(Piece(*piece) for piece in found["pieces"]))
    pieces: dict[SerialRange, tuple[NamedPiece, ...]] = {}
    for serials, found in zip(named, answer.get("named") or [], strict=True):
        if found["origin"] is not None:
            registries.add(serials.registry)
        pieces[serials] = tuple(_named_piece(serials.registry, row) for row in found["pieces"])
        for row in found["pieces"]:
            if row[6] is not None:
                unit_types[serials.registry, row[6]] = UnitTypeFacts(row[6], serials.registry, row[7], row[0])
    limits, holding_limits = answer.get("limits") or {}, answer.get("holding_limits") or {}
    of_holder: dict[int | None, list[str]] = {}
    for name, found in answer["accounts"].items():
        of_holder.setdefault(found["holder"], []).append(name)
    return Facts(
        accounts={
            name: _account(name, found, limits.get(name), holding_limits.get(name), of_holder)
            for name, found in answer["accounts"].items()
        },
        pools=pools,
        named=pieces,
        registries=frozenset(registries),
        unit_types=unit_types,
        obligations={int(i): _obligation(row) for i, row in (answer.get("obligations") or {}).items()},
        allocations={int(i): AllocationFacts(id=int(i), **row) for i, row in (answer.get("allocations") or {}).items()},
        caps=_caps(answer.get("cap"), registries, unit_types),
        returns=ReturnFacts(**answer["returns"]) if answer.get("returns") else None,
        original=_original(answer.get("original")),
        carry_overs=_carry_overs((answer.get("carries") or {}).get("rules")),
        periods={int(i): period for i, period in ((answer.get("carries") or {}).get("periods") or {}).items()},
        conversions={(row["registry"], row["unit_type"]): _conversion(row) for row in answer.get("converts") or ()},
        answer=stored_answer(answer.get("answer")),
        used_references=frozenset((account, used) for account, used in answer.get("references") or []),
        exercise=answer.get("exercise", False),
    )


def _named_piece(registry: str, row: list[Any]) -> NamedPiece:
    origin, first, following, series, recognition, vintage, unit_type, _kind, account, bound, retired, until = row
    piece = None if account is None else Piece(origin, first, following, series, recognition, vintage)
    serials = SerialRange(registry, first, following)
    return NamedPiece(piece, serials, account, bound, bool(retired), unit_type, instant(until))


def limits_from(found: dict[str, Any] | None) -> LimitsFacts | None:
    if found is None:
        return None
    levels = tuple(LimitFacts(*level) for level in found["levels"])
    return LimitsFacts(date.fromisoformat(found["day"]), found["used"], levels)


def _account(
    identifier: str,
    found: dict[str, Any],
    limits: dict[str, Any] | None,
    holding_limit: list[int] | None,
    of_holder: Mapping[int | None, list[str]],
) -> AccountFacts:
    # A holder's accounts always trust one another (domain.md 3).
    same_holder = () if found["holder"] is None else of_holder[found["holder"]]
    return AccountFacts(
        id=found["id"],
        identifier=identifier,
        type=found["type"],
        status=found["status"],
        jurisdiction_id=found["jurisdiction_id"],
        jurisdiction=found["jurisdiction"],
        registry=found["registry"],
        retires=found["retires"],
        holder_id=found["holder"],
        installation_id=found["installation"],
        right=found["right"],
        frozen=found["frozen"],
        one_person_surrender=found["one_person_surrender"],
        one_person_trusted_transfer=found["one_person_trusted_transfer"],
        trusted_only=found["trusted_only"],
        other_approvers=found["other_approvers"],
        trusts=frozenset(found["trusts"] or ()).union(same_holder),
        limits=limits_from(limits),
        holding_limit=None if holding_limit is None else HoldingLimitFacts(*holding_limit),
    )


def _obligation(row: dict[str, Any]) -> ObligationFacts:
    return ObligationFacts(
        id=row["id"],
        jurisdiction_id=row["jurisdiction_id"],
        installation_id=row["installation_id"],
        year=row["year"],
        opens_at=instant(row["opens_at"]),
        closes_at=instant(row["closes_at"]),
        eligible_until_vintage=row["eligible_until_vintage"],
        due_at=instant(row["due_at"]),
        counts=row["counts"],
        determined_at=instant(row["determined_at"]),
    )


def _caps(
    found: dict[str, Any] | None, registries: set[str], unit_types: dict[tuple[str, str], UnitTypeFacts]
) -> dict[int, CapFacts]:
    if found is None:
        return {}
    kind = found.pop("kind")
    cap = CapFacts(**found)
    registries.add(cap.registry)
    unit_types[cap.registry, cap.unit_type] = UnitTypeFacts(cap.unit_type, cap.registry, kind, cap.jurisdiction_id)
    return {cap.id: cap}


def _original(row: dict[str, Any] | None) -> OriginalFacts | None:
    if row is None:
        return None
    ranges = frozenset((part[0], part[1], part[2], part[3], part[4]) for part in row["ranges"] or ())
    return OriginalFacts(**row | {"ranges": ranges, "completed_at": instant(row["completed_at"])})


def _carry_overs(rows: list[Any] | None) -> dict[tuple[str, str], CarryOverFacts]:
    return {
        (registry, unit_type): CarryOverFacts(rule["first_vintage"], rule["last_vintage"], rule["to_period"])
        for registry, unit_type, rule in rows or ()
    }


def _conversion(row: dict[str, Any]) -> ConversionFacts:
    left = {int(vintage): units for vintage, units in (row["left"] or {}).items()}
    return ConversionFacts(row["to"], row["years"], row["year"], left, row["next_serial"])


def stored_answer(row: dict[str, Any] | None) -> StoredAnswer | None:
    return None if row is None else StoredAnswer(row["digest"], row["status"], row["body"])


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
