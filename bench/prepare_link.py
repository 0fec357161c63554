"""Links the measured registry to Tokyo, through the operations: what crosses is measured against what does not."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import worlds

if TYPE_CHECKING:
    from accounts.models import Jurisdiction
    from accounts.rules.access import Actor
    from linking.models import Link
    from linking.rules.degrees import Degree
    from linking.rules.documents import Document

ABROAD = 20
CITIES = ("CN-BJ", "JP-13")
VALUE = {"numerator": 4, "denominator": 5, "source": "bench"}


def link(path: Path) -> None:
    """Open accounts in Tokyo for the holder who trades in Beijing, and the corridor to it at 4/5, within a quota."""
    from accounts import clock
    from accounts.models import Account, Jurisdiction
    from accounts.operations.open_account import open_account
    from accounts.rules.access import registry_itself
    from linking.operations.open_link import open_link
    from linking.rules.degrees import Degree
    from linking.rules.documents import DegreeDocument, LeaveDocument
    from linking.rules.terms import Direction, terms_from

    actor, now = registry_itself("bench"), clock.now()
    home, abroad = (Jurisdiction.objects.get(code=code) for code in CITIES)
    world = worlds.read_from(path)
    holder = Account.objects.get(identifier=world.accounts[0]).holder
    world.abroad = [
        open_account(
            jurisdiction=abroad, type_code="TRA", holder=holder, name=f"abroad {place}", actor=actor, now=now
        ).identifier
        for place in range(ABROAD)
    ]
    officers = _officers((home, abroad))
    made = open_link(one=home, other=abroad, actor=actor, now=now)
    way = Direction(*CITIES)
    _conclude(made, LeaveDocument(way, None, now, None), officers, CITIES[:1], now)
    _conclude(made, terms_from(_terms(now)), officers, CITIES, now)
    for step in (Degree.INDIRECT, Degree.INCREMENTAL, Degree.UNILATERAL):
        _tick(made, step, officers, now)
        open_way = way if step is Degree.UNILATERAL else None
        _conclude(made, DegreeDocument(Degree(made.degree), step, open_way, "bench"), officers, CITIES, now)
        made.refresh_from_db()
    worlds.write(world, path)


def _officers(cities: Iterable["Jurisdiction"]) -> dict[str, list["Actor"]]:
    from accounts.models import User, UserRole
    from accounts.queries import actor_for
    from accounts.rules.access import Role

    found: dict[str, list[Actor]] = {}
    for city in cities:
        for place in (1, 2):
            user = User.objects.create(username=f"officer {place} of {city.code}", password="!")
            UserRole.objects.create(user=user, role=Role.SENIOR_REGISTRY_ADMINISTRATOR, jurisdiction=city)
            found.setdefault(city.code, []).append(actor_for(user))
    return found


def _tick(made: "Link", step: "Degree", officers: dict[str, list["Actor"]], now: datetime) -> None:
    from linking.degree_queries import BLOCKS
    from linking.operations.tick_condition import tick_condition
    from linking.readiness_queries import open_blocks
    from linking.rules.degrees import CONDITIONS, Ticker

    blocks = ", ".join(open_blocks(made.first, made.second, now))
    for condition in CONDITIONS:
        if condition.step is step and (condition.ticked_by is not Ticker.SYSTEM or condition.code == BLOCKS):
            for side in officers.values():
                tick_condition(
                    made,
                    code=condition.code,
                    evidence=f"bench {blocks}",
                    actor=side[0],
                    now=now,
                )


def _conclude(
    made: "Link", document: "Document", officers: dict[str, list["Actor"]], sides: Iterable[str], now: datetime
) -> None:
    from linking.operations.propose_instrument import propose_instrument
    from linking.operations.sign_instrument import sign_instrument

    order = list(sides)
    instrument = propose_instrument(made, document, actor=officers[order[0]][0], now=now)
    for side in order:
        for officer in officers[side]:
            sign_instrument(instrument.pk, digest=instrument.digest, actor=officer, now=now)


def _terms(now: datetime) -> dict[str, object]:
    return {
        "corridor": {"origin": CITIES[0], "destination": CITIES[1]},
        "version": 1,
        "effective_from": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "notice_days": 0,
        "last_settlement_days": 0,
        "unit_types": [worlds.UNIT_TYPE],
        "first_vintage": None,
        "last_vintage": None,
        "account_types": ["TRA"],
        "rate": {
            "kind": "discount",
            "numerator": 4,
            "denominator": 5,
            "exceeds_one": False,
            "reserve": 0,
            "mitigation_value": VALUE,
            "compliance_value": VALUE,
        },
        "entry_quota": {"limit": 10**12, "measure": "units", "window": "year"},
        "net_flow_limit": None,
        "vintage_limits": {},
        "holder_limit": None,
        "use_quota": [],
        "reciprocity": None,
        "settlement_days": "any",
        "margin": "retired",
        "hold_on_freeze_days": 0,
        "good_faith": "buyer-keeps",
        "delinking": {"policy": "honour", "notice_days": 0, "sunset_days": 0, "under_way": "settle"},
        "instrument": "",
    }
