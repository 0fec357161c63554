"""The issuer's books: where all the units are that a registry has issued, at home and abroad (linking.md 5.1, invariant I1).

Now, by the balances; or as they stood at an instant, by the transactions that had completed: two paths to the same figures.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.models import Jurisdiction


@dataclass(frozen=True, slots=True)
class Place:
    """Units of an issuer in one registry, its own or another. Units of 1 t CO2e; what is reserved or frozen is held.

    `margin`: those of them that lie in the margin account of a link, pooled at surrender.
    """

    jurisdiction: str
    held: int = 0
    margin: int = 0
    surrendered: int = 0
    cancelled: int = 0
    lapsed: int = 0

    @property
    def retired(self) -> int:
        """Units that never move again, but by a reversal."""
        return self.surrendered + self.cancelled + self.lapsed

    @property
    def units(self) -> int:
        """All of them."""
        return self.held + self.margin + self.retired


@dataclass(frozen=True, slots=True)
class Books:
    """What became of everything that a registry has issued. `abroad`: the other registries that have any, by their codes."""

    issued: int
    home: Place
    abroad: tuple[Place, ...]

    @property
    def retired_abroad(self) -> int:
        """Units surrendered, cancelled or lapsed in other registries."""
        return sum(place.retired for place in self.abroad)

    @property
    def held_abroad(self) -> int:
        """Units in other registries that are not retired."""
        return sum(place.held + place.margin for place in self.abroad)

    @property
    def balance(self) -> bool:
        """Whether every unit issued is in exactly one place: invariant I1."""
        return self.issued == self.home.units + sum(place.units for place in self.abroad)


def issuer_books(jurisdiction: str, at: datetime | None = None) -> Books:
    """Return the books of the registry of a jurisdiction, now or at an instant (what completed exactly then counts).

    Raises: Jurisdiction.DoesNotExist.
    """
    issuer = Jurisdiction.objects.get(code=jurisdiction)
    params: list[int | datetime] = [issuer.pk, issuer.pk] if at is None else [issuer.pk, at] * 3
    issued, places = 0, dict[str, dict[str, int]]()
    with connection.cursor() as cursor:
        cursor.execute(_NOW if at is None else _THEN, params)
        for code, standing, units in cursor.fetchall():
            if code is None:
                issued = int(units)
            elif units:
                places.setdefault(code, {})[standing] = int(units)
    home = Place(jurisdiction, **places.pop(jurisdiction, {}))
    return Books(issued, home, tuple(Place(code, **found) for code, found in sorted(places.items())))


_PLACES = """
SELECT j.code, CASE a.type_id WHEN 'MRG' THEN 'margin' ELSE k.standing END, sum(m.units)
FROM moved m JOIN accounts_account a ON a.id = m.account_id JOIN accounts_accounttype k ON k.code = a.type_id
    JOIN accounts_jurisdiction j ON j.id = a.jurisdiction_id GROUP BY 1, 2
"""
# The texts are put together of these alone; nothing of anybody's is in them.
_NOW = f"""
WITH moved AS (SELECT h.account_id, h.quantity AS units FROM registry_holding h JOIN registry_series s ON s.id = h.series_id
    WHERE s.origin_id = %s)
SELECT NULL, 'issued', coalesce(sum(i.next_no - i.first_no), 0) FROM registry_issue i WHERE i.origin_id = %s
UNION ALL {_PLACES}
"""  # noqa: S608
_THEN = f"""
WITH moved AS (SELECT r.to_account_id AS account_id, r.next_no - r.first_no AS units
    FROM registry_transactionblock r JOIN registry_transaction t ON t.id = r.transaction_id
    WHERE r.origin_id = %s AND t.state = 'COMPLETED' AND t.completed_at <= %s
    UNION ALL SELECT r.from_account_id, r.first_no - r.next_no
    FROM registry_transactionblock r JOIN registry_transaction t ON t.id = r.transaction_id
    WHERE r.origin_id = %s AND t.state = 'COMPLETED' AND t.completed_at <= %s AND r.from_account_id IS NOT NULL)
SELECT NULL, 'issued', coalesce(sum(i.next_no - i.first_no), 0)
    FROM registry_issue i JOIN registry_transaction t ON t.id = i.transaction_id
    WHERE i.origin_id = %s AND t.completed_at <= %s
UNION ALL {_PLACES}
"""  # noqa: S608
