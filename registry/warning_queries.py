"""What transactions that wait are warned of, for a page of them at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from accounts.calendars import calendar_and_rules
from accounts.models import Jurisdiction
from accounts.rules.calendars import Calendar
from registry.models import Obligation, Transaction
from registry.rules.deadlines import Counts
from registry.rules.warnings import (
    KEY,
    WAITING,
    DeadlineWarning,
    WarningNotUnderstood,
    WarningRule,
    warning_rule_of,
    warnings_of,
    warns_from,
)


@dataclass(slots=True)
class Neighbourhoods:
    """How near a deadline warns in each jurisdiction: its rule and calendar of today, read once each."""

    now: datetime
    _found: dict[int, tuple[WarningRule, Calendar]] = field(default_factory=dict)

    def begins(self, jurisdiction: Jurisdiction, deadline: datetime) -> datetime:
        """Return the instant from which a deadline warns. Raises: WarningNotUnderstood."""
        if jurisdiction.pk not in self._found:
            calendar, rules = calendar_and_rules(jurisdiction.pk, self.now, [KEY])
            self._found[jurisdiction.pk] = (warning_rule_of(rules.get(KEY)), calendar)
        return warns_from(deadline, *self._found[jurisdiction.pk])


def warnings_for(rows: Iterable[Transaction], *, now: datetime) -> Mapping[UUID, tuple[DeadlineWarning, ...]]:
    """Return what each of the rows that wait is warned of, by id: one statement for their obligations, one for a jurisdiction.

    Rows come with their jurisdiction. A rule that nobody understands warns of nothing here: reading goes on.
    """
    waiting = [row for row in rows if row.state in WAITING]
    if not waiting:
        return {}
    named = {row.obligation_id for row in waiting if row.obligation_id is not None}
    owed = Obligation.objects.in_bulk(named) if named else {}
    near = Neighbourhoods(now)
    found = {}
    for row in waiting:
        obligation = owed.get(row.obligation_id or 0)
        try:
            found[row.pk] = warnings_of(
                row.state,
                now=now,
                expires_at=row.expires_at,
                surrender_due_at=None if obligation is None else obligation.due_at,
                counts=Counts.COMPLETED if obligation is None else obligation.counts,
                warns=partial(near.begins, row.jurisdiction),
            )
        except WarningNotUnderstood:
            found[row.pk] = ()
    return found
