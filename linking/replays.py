"""Replays recorded flows of a corridor under changed terms or another degree, and compares with what was (linking.md section 6).

Reads one snapshot in a read-only transaction: PostgreSQL itself lets nothing be changed. Who may ask is the edge's business.
"""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from linking.models import Agreement, Corridor, DegreeChange, Instrument, Leave
from linking.recorded_flow_queries import Recorded, recorded
from linking.rules.degrees import Degree, Misfit, terms_fit
from linking.rules.recorded_flows import Conditions, Spell, Standing, changed, events_of
from linking.rules.replay import Player
from linking.rules.replayed import Replayed
from linking.rules.terms import Settling, Terms, document_of, terms_from

# Is told how many more rows and events were dealt with.
Progress = Callable[[int], object]


class NoTermsToChange(ValueError):
    """A corridor has no terms, so that single members of them cannot be changed."""


class OtherCorridor(ValueError):
    """The terms are of another corridor than is replayed."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A corridor's flows as they were and under what was changed, from `since` (None: from the first) until `until`.

    `terms` and `degree`: what was changed, None where it was not. `misfits`: why the changed terms would not fit the degree.
    """

    corridor: tuple[str, str]
    since: datetime | None
    until: datetime | None
    terms: Terms | None
    degree: Degree | None
    misfits: tuple[Misfit, ...]
    before: Replayed
    after: Replayed


def terms_changed(corridor: Corridor, changes: Mapping[str, Any], *, now: datetime) -> Terms:
    """Return a corridor's terms with members replaced; objects member by member. Those in force, else the latest.

    Raises: NoTermsToChange; TermsFault, where they agree with the rest no more.
    """
    rows = Agreement.objects.filter(corridor=corridor).order_by("effective_from", "id")
    found = [row for row in rows if row.effective_from <= now] or list(rows)
    if not found:
        raise NoTermsToChange(str(corridor))
    return terms_from(_merged(document_of(terms_from(found[-1].terms)), changes))


def compare(
    corridor: Corridor,
    *,
    terms: Terms | None = None,
    degree: Degree | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    progress: Progress = bool,
) -> Compared:
    """Play what a corridor's completed transfers were, twice: as things were, and with the terms or degree from `since` on.

    Flows before `since` fill the quotas, as they did. `terms`: of this corridor. Raises: OtherCorridor.
    """
    way = (corridor.origin.code, corridor.destination.code)
    if terms is not None and (terms.corridor.origin, terms.corridor.destination) != way:
        raise OtherCorridor(f"{terms.corridor.origin} -> {terms.corridor.destination}")
    with _read_only():
        as_it_was = conditions_of(corridor)
        all_terms = [spell.value for spell in as_it_was.terms] + ([] if terms is None else [terms])
        by_working_days = any(row.settlement_days is Settling.WORKING for row in all_terms)
        found = recorded(corridor, until=until, by_working_days=by_working_days, progress=progress)
    standing = None if degree is None else Standing(degree, is_the_open_one=True)
    first = since or min((flow.proposed_at for flow in found.flows), default=None)
    otherwise = as_it_was if first is None else changed(as_it_was, first, terms=terms, standing=standing)
    return Compared(
        way,
        since,
        until,
        terms,
        degree,
        () if terms is None and degree is None else _misfits(corridor, otherwise),
        _played(found, as_it_was, since, progress),
        _played(found, otherwise, since, progress),
    )


def conditions_of(corridor: Corridor) -> Conditions:
    """Return what held on a corridor from its beginning on: terms, degree, leave and listed mechanisms."""
    origin, destination = corridor.origin.code, corridor.destination.code
    agreements = Agreement.objects.filter(corridor=corridor).order_by("effective_from", "id")
    steps = DegreeChange.objects.filter(link_id=corridor.link_id).select_related("instrument").order_by("id")
    leaves = Leave.objects.filter(corridor=corridor).order_by("valid_from", "id")
    listed = Instrument.objects.filter(link_id=corridor.link_id, kind="mechanisms", concluded_at__isnull=False)
    return Conditions(
        terms=tuple(Spell(row.effective_from, row.superseded_at, terms_from(row.terms)) for row in agreements),
        standing=tuple(
            Spell(row.at, None, Standing(Degree(row.to_degree), _opens(row.instrument, origin, destination)))
            for row in steps
        ),
        leaves=tuple(Spell(row.valid_from, row.valid_to, row.limit) for row in leaves),
        mechanisms=tuple(
            Spell(
                row.concluded_at,
                None,
                frozenset(code for issuer, code in row.content["unit_types"] if issuer == origin),
            )
            for row in listed.order_by("concluded_at", "id")
            if row.concluded_at is not None
        ),
        time_zone=corridor.destination.time_zone,
    )


def _opens(step: Instrument, origin: str, destination: str) -> bool:
    opened = step.content.get("open")
    return bool(opened == {"origin": origin, "destination": destination})


def _played(found: Recorded, conditions: Conditions, since: datetime | None, progress: Progress) -> Replayed:
    player = Player(conditions, since)
    for event in events_of(found.flows):
        player.take(event)
        progress(1)
    return player.result(found.surrenders)


def _misfits(corridor: Corridor, conditions: Conditions) -> tuple[Misfit, ...]:
    """What holds at last, with the terms of the opposite corridor as they are, judged as a step to its degree would be."""
    if not conditions.standing:
        return ()
    opposite = Agreement.objects.filter(
        corridor__origin_id=corridor.destination_id, corridor__destination_id=corridor.origin_id, superseded_at=None
    ).first()
    way = (corridor.origin.code, corridor.destination.code)
    terms = {} if opposite is None else {way[::-1]: terms_from(opposite.terms)}
    if conditions.terms:
        terms[way] = conditions.terms[-1].value
    return terms_fit(conditions.standing[-1].value.degree, terms)


def _merged(document: Mapping[str, object], changes: Mapping[str, Any]) -> dict[str, object]:
    found = dict(document)
    for name, value in changes.items():
        before = found.get(name)
        both_are_objects = isinstance(before, dict) and isinstance(value, dict)
        found[name] = _merged(before, value) if both_are_objects else value  # type: ignore[arg-type]
    return found


@contextmanager
def _read_only() -> Any:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
