"""The market of the API's tests, and histories written straight into the tables: a statement reads what is there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from accounts import database
from accounts.models import Account
from registry.identity import transaction_id
from registry.models import Series
from tests.api.conftest import ask, market, market_database  # noqa: F401 - fixtures
from tests.build import Beijing, beijing

START = datetime(2026, 3, 1, tzinfo=UTC)
HALF = 1  # A recognition of one for two.


@dataclass
class History:
    """Writes transactions as the owner, with the triggers that would move units asleep."""

    registry: Beijing
    owner: psycopg.Connection
    series: list[Series] = field(default_factory=list)
    serial: int = 1
    number: int = 0

    def account(self) -> Account:
        """Open an account that nothing ever moved in."""
        self.number += 1
        name = f"account {self.number}"
        self.registry.open(name, represented=False)
        return self.registry.accounts[name]

    def move(
        self,
        sender: Account | None,
        acquirer: Account,
        quantity: int,
        completed_at: datetime | None,
        *,
        proposed_at: datetime | None = None,
        series: int = 0,
        recognition: int = 0,
        parts: int = 1,
    ) -> UUID:
        """Record a transaction of some ranges; one that is not completed waits."""
        proposed_at = proposed_at or completed_at or START
        name = transaction_id(proposed_at)
        other = self.registry.accounts["ISS"]
        state = "COMPLETED" if completed_at else "DELAYED"
        sides = None if sender is None else sender.pk, acquirer.pk
        head = (sender or other).pk, acquirer.pk
        self.owner.execute(
            "INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity,"
            " proposed_at, completed_at) VALUES (%s, '10-50', %s, %s, %s, %s, %s, %s, %s)",
            (name, state, self.registry.home.pk, *head, quantity * parts, proposed_at, completed_at),
        )
        for _ in range(parts):
            after = self.serial + quantity
            self.owner.execute(
                "INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, recognition_id,"
                " from_account_id, to_account_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                (name, self.registry.home.pk, self.serial, after, self.series[series].pk, recognition, *sides),
            )
            self.serial = after
        return name


@pytest.fixture
def history(committed_db: str, owner: psycopg.Connection) -> History:
    """Beijing with two vintages and two recognitions, and a hand that writes history."""
    registry = beijing()
    registry.issue(1, 2025)
    registry.issue(1, 2026)
    owner.execute("INSERT INTO registry_recognition VALUES (%s, 1, 2)", (HALF,))
    for table in ("registry_transaction", "registry_transactionblock"):
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    # A history written by hand may send what never came.
    owner.execute("ALTER TABLE registry_turnover DROP CONSTRAINT no_more_went_than_came")
    return History(registry, owner, list(Series.objects.select_related("unit_type", "origin").order_by("vintage")))


def hours(number: float) -> datetime:
    """Return the instant so many hours after the start."""
    return START + timedelta(hours=number)


def take_a_tally(until: datetime) -> str:
    """Take the three steps of a tally of an instant, and return what the last one was."""
    statement = f"SELECT registry_tally_turnovers({database.literal(until.isoformat())})"
    return [str(database.ask(statement)) for _ in range(3)][-1]
