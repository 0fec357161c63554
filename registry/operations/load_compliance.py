"""Load obligations and verified emissions from a table: all rows or none, and one log entry each.

Columns. Obligations: installation, year, opens_at, due_at, closes_at, eligible_until_vintage (instants RFC 3339 with offset;
opens_at and closes_at may be empty, and so may due_at where a dated rule says the deadline). Emissions: installation, year,
emissions (t CO2e, or EXCLUDED).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import Model

from accounts.models import Installation, Jurisdiction
from accounts.refusals import NotPermitted
from accounts.rules.access import Act, Actor
from audit import entries
from registry.compliance_queries import Deadline, surrender_deadline
from registry.models import Obligation, RecordedEmissions
from registry.period_queries import Regimes, regimes_of
from registry.rules.cover_the_excess import RuleNotUnderstood
from registry.rules.deadlines import Counts, DeadlineNotUnderstood
from registry.tabular import MOST_FAULTS, Fault, FileRefused, Progress, Row, integer, read_table, shown, untold

OBLIGATION_COLUMNS = ("installation", "year", "opens_at", "due_at", "closes_at", "eligible_until_vintage")
EMISSIONS_COLUMNS = ("installation", "year", "emissions")
EXCLUDED = "EXCLUDED"
YEARS = (1990, 2200)
MOST_TONNES = 10**15 - 1
# Rows of one INSERT.
AT_ONCE = 1_000

Record = TypeVar("Record", bound=Model)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file brought: rows of it, and its SHA-256."""

    rows: int
    sha256: str


def load_obligations(
    content: bytes,
    *,
    jurisdiction: Jurisdiction,
    name: str,
    actor: Actor,
    now: datetime,
    progress: Progress = untold,
) -> Loaded:
    """Record the obligations of a table. One that is there already with the same dates stays; other dates are a fault.

    Raises: NotPermitted; FileRefused.
    """
    _require(actor, Act.RECORD_OBLIGATION, jurisdiction)
    rows = read_table(content, OBLIGATION_COLUMNS, progress)
    with transaction.atomic():
        # Rules are set under the same lock, so that the deadlines of the file are of one rule.
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction.pk)
        places = installations_of(jurisdiction)
        known = {(row.installation_id, row.year): row for row in Obligation.objects.filter(jurisdiction=jurisdiction)}
        faults: list[Fault] = []
        made: dict[tuple[int, int], Obligation] = {}
        regimes = regimes_of(jurisdiction)
        # By year; read once each.
        deadlines: dict[int, Deadline | None] = {}
        for row in rows:
            found = _obligation(row, jurisdiction, places, regimes, deadlines, faults)
            if found is None:
                continue
            key = (found.installation_id, found.year)
            if key in made:
                faults.append(Fault("named-twice", row.number, "installation"))
            elif key in known and not _same_dates(found, known[key]):
                faults.append(Fault("obligation-is-otherwise", row.number, "year"))
            made[key] = found
        refuse_if(faults)
        # After this point it must succeed. Nothing of the file exists until COMMIT, all of it after.
        new = [found for key, found in made.items() if key not in known]
        insert(Obligation, new, progress)
        return _log(content, rows, "obligation.recorded", jurisdiction, name, actor, now)


def load_emissions(
    content: bytes,
    *,
    jurisdiction: Jurisdiction,
    name: str,
    actor: Actor,
    now: datetime,
    progress: Progress = untold,
) -> Loaded:
    """Record the verified emissions of a table. What says otherwise than before is a correction and keeps the earlier record.

    Raises: NotPermitted; FileRefused.
    """
    _require(actor, Act.RECORD_EMISSIONS, jurisdiction)
    rows = read_table(content, EMISSIONS_COLUMNS, progress)
    with transaction.atomic():
        # One loader at a time in a jurisdiction, so that each sees what it corrects.
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction.pk)
        places = installations_of(jurisdiction)
        latest = RecordedEmissions.objects.filter(
            installation__jurisdiction=jurisdiction, corrected_by__isnull=True
        ).order_by("id")
        known = {(row.installation_id, row.year): row for row in latest}
        faults: list[Fault] = []
        made: dict[tuple[int, int], RecordedEmissions] = {}
        for row in rows:
            found = _emissions(row, places, faults)
            if found is None:
                continue
            key = (found.installation_id, found.year)
            if key in made:
                faults.append(Fault("named-twice", row.number, "installation"))
            found.corrects, found.source = known.get(key), name
            found.recorded_by_id, found.recorded_at = actor.user_id, now
            made[key] = found
        refuse_if(faults)
        # After this point it must succeed. Nothing of the file exists until COMMIT, all of it after.
        changed = [found for found in made.values() if not _says_the_same(found, found.corrects)]
        insert(RecordedEmissions, changed, progress)
        return _log(content, rows, "emissions.recorded", jurisdiction, name, actor, now)


def insert(model: type[Record], records: Sequence[Record], progress: Progress) -> None:
    """Insert new records, telling how far it is."""
    for place in range(0, len(records), AT_ONCE):
        some = records[place : place + AT_ONCE]
        model._default_manager.bulk_create(some)
        progress("rows written", len(some))


def installations_of(jurisdiction: Jurisdiction) -> Mapping[str, Installation]:
    """Return the installations of a jurisdiction by their number."""
    return {place.number: place for place in Installation.objects.filter(jurisdiction=jurisdiction)}


def refuse_if(faults: Sequence[Fault]) -> None:
    """Refuse a file that has faults.

    Raises: FileRefused with the first `MOST_FAULTS` of them.
    """
    if faults:
        raise FileRefused(faults[:MOST_FAULTS])


def installation_in(row: Row, places: Mapping[str, Installation], faults: list[Fault]) -> Installation | None:
    """Return the installation that a row names, or note the fault."""
    found = places.get(row.cells["installation"])
    if found is None:
        faults.append(
            Fault("unknown-installation", row.number, "installation", {"number": shown(row.cells["installation"])})
        )
    return found


def integer_in(row: Row, column: str, least: int, most: int, faults: list[Fault]) -> int | None:
    """Return the integer of a row's column, or note the fault."""
    found = integer(row.cells[column], least, most)
    if found is None:
        faults.append(Fault("not-an-integer", row.number, column, {"least": least, "most": most}))
    return found


def _require(actor: Actor, act: Act, jurisdiction: Jurisdiction) -> None:
    if not actor.may(act, jurisdiction.code):
        raise NotPermitted(act)


def _obligation(
    row: Row,
    jurisdiction: Jurisdiction,
    places: Mapping[str, Installation],
    regimes: Regimes,
    deadlines: dict[int, Deadline | None],
    faults: list[Fault],
) -> Obligation | None:
    place = installation_in(row, places, faults)
    year = integer_in(row, "year", *YEARS, faults)
    vintage = integer_in(row, "eligible_until_vintage", *YEARS, faults)
    _refuse_within_a_period(row, regimes, year, faults)
    ruled = None if year is None else _deadline_in(row, jurisdiction, year, deadlines, faults)
    instants = {
        column: _instant_in(row, column, faults, required=column == "due_at" and ruled is None)
        for column in ("opens_at", "due_at", "closes_at")
    }
    opens, due, closes = instants["opens_at"], instants["due_at"], instants["closes_at"]
    if ruled is not None:
        if due is not None and due != ruled.at:
            faults.append(Fault("rule-says-otherwise", row.number, "due_at", {"due_at": ruled.at.isoformat()}))
            return None
        due = ruled.at
    if due is not None and ((opens is not None and opens >= due) or (closes is not None and closes < due)):
        faults.append(Fault("wrong-order", row.number, "due_at"))
        return None
    if place is None or year is None or vintage is None or due is None:
        return None
    return Obligation(
        jurisdiction=jurisdiction,
        installation=place,
        year=year,
        opens_at=opens,
        due_at=due,
        closes_at=closes,
        counts=Counts.COMPLETED if ruled is None else ruled.counts,
        eligible_until_vintage=vintage,
    )


def _refuse_within_a_period(row: Row, regimes: Regimes, year: int | None, faults: list[Fault]) -> None:
    """Note a year that is not the last of its period, where a facility owes for periods."""
    try:
        period = None if year is None else regimes.period_of(year)
    except RuleNotUnderstood:
        faults.append(Fault("compliance-rule-not-understood", row.number, "year"))
        return
    if period is not None and year != period.last_year:
        faults.append(Fault("not-the-last-of-a-period", row.number, "year", {"year": period.last_year}))


def _deadline_in(
    row: Row, jurisdiction: Jurisdiction, year: int, deadlines: dict[int, Deadline | None], faults: list[Fault]
) -> Deadline | None:
    """Return the deadline that the dated rule of a row's year says, if one does, or note that nobody understands it."""
    if year not in deadlines:
        try:
            deadlines[year] = surrender_deadline(jurisdiction, year)
        except DeadlineNotUnderstood:
            faults.append(Fault("rule-not-understood", row.number, "year"))
            return None
    return deadlines[year]


def _instant_in(row: Row, column: str, faults: list[Fault], *, required: bool) -> datetime | None:
    text = row.cells[column]
    if not text and not required:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    faults.append(Fault("not-an-instant", row.number, column))
    return None


def _same_dates(found: Obligation, known: Obligation) -> bool:
    names = ("opens_at", "due_at", "closes_at", "eligible_until_vintage")
    return all(getattr(found, name) == getattr(known, name) for name in names)


def _emissions(row: Row, places: Mapping[str, Installation], faults: list[Fault]) -> RecordedEmissions | None:
    place = installation_in(row, places, faults)
    year = integer_in(row, "year", *YEARS, faults)
    excluded = row.cells["emissions"] == EXCLUDED
    quantity = None if excluded else integer_in(row, "emissions", 0, MOST_TONNES, faults)
    if place is None or year is None or (quantity is None and not excluded):
        return None
    return RecordedEmissions(installation=place, year=year, quantity=quantity, excluded=excluded)


def _says_the_same(found: RecordedEmissions, known: RecordedEmissions | None) -> bool:
    return known is not None and (found.quantity, found.excluded) == (known.quantity, known.excluded)


def _log(
    content: bytes, rows: Sequence[Row], event: str, jurisdiction: Jurisdiction, name: str, actor: Actor, now: datetime
) -> Loaded:
    loaded = Loaded(len(rows), hashlib.sha256(content).hexdigest())
    entries.record(
        registry=jurisdiction.code,
        event=event,
        occurred_at=now,
        actor=actor.name,
        subject=name,
        content={"rows": loaded.rows, "sha256": loaded.sha256},
    )
    return loaded
