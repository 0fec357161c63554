"""What excess credits a facility may be granted just now, as all who grant some ask, under the jurisdiction's lock."""

from collections import defaultdict
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Installation, Jurisdiction
from accounts.refusals import Refusal
from registry.models import Allocation
from registry.period_queries import Regimes, positions, regimes_of
from registry.rules.cover_the_excess import Period, RuleNotUnderstood


def period_with(year: int, regimes: Regimes) -> Period | None:
    """Return the period that a year lies in; None where the rule is surrender-all.

    Raises: Refusal where nobody understands the rules.
    """
    try:
        return regimes.period_of(year)
    except RuleNotUnderstood as error:
        raise Refusal("compliance-rule-not-understood", field="year", year=year) from error


def refuse_beyond_issuable(rows: QuerySet[Allocation], *, jurisdiction: Jurisdiction, now: datetime) -> None:
    """Refuse to make rows ready that would grant a facility more excess credits than are issuable to it.

    Raises: Refusal that names the first. Source: domain.md section 7.
    """
    regimes = regimes_of(jurisdiction)
    asked: dict[tuple[Installation, Period], int] = defaultdict(int)
    for row in rows.select_related("installation", "unit_type").order_by("id"):
        period = period_with(row.vintage, regimes)
        if period is not None and row.unit_type.code == period.unit_type:
            asked[row.installation, period] += row.quantity
    for (place, period), quantity in asked.items():
        most = positions([place], period, at=now)[place].issuable
        if quantity > most:
            raise Refusal("excess-not-issuable", installation=place.number, quantity=quantity, most=most)
