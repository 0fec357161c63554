"""What the attacks on links have in common: a link opened by one corridor's terms, and all that the tables say, to compare."""

from datetime import datetime

from linking.models import Link, Quota, QuotaUse
from linking.rules.degrees import Degree
from registry.models import Holding, Transaction, UnitBlock
from registry.operations.outcome import Refused
from tests.linking.cities import NOW, Pilot

UNLIMITED = 10**9


def opened(
    made: Pilot,
    origin: str,
    destination: str,
    degree: Degree = Degree.RESTRICTED,
    now: datetime = NOW,
    **changes: object,
) -> Link:
    """Bring terms of one corridor into force, limited by a net flow that nothing reaches, and raise its link."""
    made.agree(origin, destination, now=now, **({"net_flow_limit": UNLIMITED} | changes))
    return made.raise_to(degree, origin, destination, now=now)


def tables() -> list[object]:
    """Return what units, transactions and quotas are: rows of quotas that nothing was taken from are left out."""
    return [
        list(
            UnitBlock.objects.order_by("id").values_list(
                "id", "start_no", "end_no", "account", "recognition", "held_for"
            )
        ),
        list(Holding.objects.order_by("account", "series", "recognition").values_list()),
        list(Transaction.objects.order_by("id").values_list("id", "state")),
        list(Quota.objects.order_by("id").exclude(reserved=0, used=0).values_list("id", "reserved", "used")),
        list(QuotaUse.objects.order_by("id").values_list("id", "units")),
    ]


def reasons(refused: Refused) -> dict[int, dict[str, str | int]]:
    """Return the params of each failure by its code; each code failed once."""
    found = {failure.code: dict(failure.params) for failure in refused.failures}
    assert len(found) == len(refused.failures)
    return found


def taken(kind: str, origin: str, destination: str) -> list[tuple[int, int]]:
    """Return (reserved, used) of the quotas of a kind of a corridor, of what was ever taken."""
    rows = Quota.objects.filter(kind=kind, corridor__origin__code=origin, corridor__destination__code=destination)
    return list(rows.exclude(reserved=0, used=0).order_by("id").values_list("reserved", "used"))
