"""What tests of changed and ended terms do with the pilot: change terms, give notice, let time pass."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Sum

from audit.models import Entry
from linking.models import Delinking, Instrument, Quota
from linking.rules.degrees import Degree
from linking.rules.documents import DelinkDocument
from linking.rules.terms import Direction, terms_from
from registry.models import Transaction, TransactionStep, UnitBlock
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.run_due import run_due
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.states import State
from tests.linking.cities import NOW, REGISTRY, Pilot, pilot, terms

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
BJ, JP, KR = "CN-BJ", "JP-13", "KR-11"


def linked_by(**changes: object) -> Pilot:
    """Make the pilot with Beijing and Tokyo linked both ways; the changes are to the terms Beijing -> Tokyo, 4/5 by default."""
    made = pilot()
    made.agree(BJ, JP, **{"rate": (4, 5), "last_settlement_days": 5} | changes)
    made.agree(JP, BJ, net_flow_limit=1_000_000)
    made.raise_to(Degree.RESTRICTED, BJ, JP)
    return made


def delinking(policy: str, under_way: str = "settle", **more: object) -> dict[str, object]:
    """Return the delinking part of terms: 60 days of notice, and of a sunset 100 days."""
    sunset = 100 if policy == "sunset" else 0
    return {"policy": policy, "notice_days": 60, "sunset_days": sunset, "under_way": under_way} | more


def change(made: Pilot, version: int, begins: datetime, now: datetime = NOW, **changes: object) -> Instrument:
    """Sign new terms Beijing -> Tokyo that begin at an instant."""
    document = terms(BJ, JP, begins, version=version, **{"last_settlement_days": 5} | changes)
    return made.conclude(made.link(BJ, JP), terms_from(document), JP, BJ, now=now)


def delink(made: Pilot, by: str = JP, origin: str | None = BJ, now: datetime = NOW) -> list[Delinking]:
    """Give notice for one side: of the corridor from `origin` to the other city, or, with None, of both."""
    way = None if origin is None else Direction(origin, JP if origin == BJ else BJ)
    given = made.conclude(made.link(BJ, JP), DelinkDocument(way, "a test's end"), by, now=now)
    return list(Delinking.objects.filter(instrument=given))


def pass_time(now: datetime, since: datetime | None = None) -> list[str]:
    """Do what is due by `now`; where the clock jumped from `since`, each thing at its instant. Return what was done on links."""
    done = run_due(actor=REGISTRY, now=now, since=since)
    return [thing.what for thing in done if "terms ended" in thing.what or "statement" in thing.what]


def state_of(outcome: Outcome) -> tuple[str, list[int]]:
    """Return the state of a transaction and the codes that its last step failed with."""
    last = TransactionStep.objects.filter(transaction_id=outcome.transaction_id).order_by("id").last()
    state = Transaction.objects.values_list("state", flat=True).get(pk=outcome.transaction_id)
    return state, [] if last is None else list(last.failures)


def told_of(transaction_id: UUID, event: str) -> list[str]:
    """Return the registries whose logs tell of an event of a transaction."""
    rows = Entry.objects.filter(subject=str(transaction_id), event=event).order_by("registry")
    return list(rows.values_list("registry", flat=True))


def quota(made: Pilot, kind: str = "entry", year: int = 2026, origin: str = BJ) -> tuple[int | None, int, int]:
    """Return a quota's limit, what is reserved of it and what is used."""
    corridor = made.corridor(origin, JP if origin == BJ else BJ)
    row = Quota.objects.get(corridor=corridor, kind=kind, year=year)
    return row.limit, row.reserved, row.used


def codes_of(refused: Refused) -> list[int]:
    """Return the codes of a refusal."""
    return sorted({failure.code for failure in refused.failures})


def attempt(act: object, *arguments: object, **more: object) -> str | list[int]:
    """Return the state that an order leads to, or the codes that refuse it."""
    try:
        outcome: Outcome = act(*arguments, **more)  # type: ignore[operator]
    except Refused as refused:
        return codes_of(refused)
    return outcome.state


def within(
    made: Pilot,
    code: str,
    sender: str,
    acquirer: str,
    quantity: int,
    serials: tuple[int, int],
    now: datetime,
    **more: object,
) -> Outcome:
    """Propose what Beijing's units do inside Tokyo's registry, by a representative."""
    tokyo, beijing = made[JP], made[BJ]
    registry = beijing.home.registry_code
    line = Line(tokyo[sender], tokyo[acquirer], quantity, registry, "BEA", serials=(SerialRange(registry, *serials),))
    by_order = code in {"4-48"}
    return propose(Proposal(code, (line,), **more), actor=tokyo.officers[0] if by_order else tokyo.people[0], now=now)


def held(made: Pilot, city: str, origin: str) -> Mapping[str, int]:
    """Return the units of an issuer by the type of account that they lie on in a city's registry."""
    blocks = UnitBlock.objects.filter(account__jurisdiction=made[city].home, origin=made[origin].home)
    rows = blocks.values("account__type").annotate(units=Sum(F("end_no") - F("start_no"))).order_by("account__type")
    return {row["account__type"]: row["units"] for row in rows}


def completed(outcome: Outcome) -> tuple[int, int]:
    """Return the serials of a transfer that completed at once."""
    assert outcome.state == State.COMPLETED
    (moved,) = outcome.ranges
    return moved.first, moved.next
