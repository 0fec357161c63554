"""The pilot for tests: Beijing, Tokyo and Seoul with accounts, units, administrators and the links between them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from accounts.models import Account, Holder, Installation, Jurisdiction, User
from accounts.operations.change_representative_state import change_representative_state
from accounts.operations.nominate_representative import nominate_representative
from accounts.operations.open_account import open_account
from accounts.rules.access import Actor, Role
from accounts.rules.account_types import ACCOUNT_TYPES, HolderKind
from accounts.rules.representatives import RepresentativeState, Rights
from linking.models import Corridor, Instrument, Link
from linking.operations.open_link import open_link
from linking.operations.propose_instrument import propose_instrument
from linking.operations.sign_instrument import sign_instrument
from linking.operations.tick_condition import tick_condition
from linking.rules.degrees import CONDITIONS, Degree, step_after
from linking.rules.documents import DegreeDocument, Document, LeaveDocument
from linking.rules.terms import Direction, terms_from
from registry import ledger
from registry.models import IssuanceCap, Obligation, RecordedEmissions, UnitType
from registry.operations.approve import approve
from registry.operations.issue import issue
from registry.operations.outcome import Outcome
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal, SerialRange
from tests.accounts import samples
from tests.build import official

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
REGISTRY = samples.REGISTRY
ADMINISTRATIVE = ("ISS", "ALL", "SUR", "CAN", "MCN", "MRG")
PLACES: Mapping[str, tuple[str, str, str, str]] = {
    "CN-BJ": ("CNY", "Asia/Shanghai", "zh-Hans", "BEA"),
    "JP-13": ("JPY", "Asia/Tokyo", "ja", "TER"),
    "KR-11": ("KRW", "Asia/Seoul", "ko", "KAU"),
}


@dataclass
class City:
    """One registry. `accounts` by a short name; `officers`: a junior and two senior administrators, in this order."""

    home: Jurisdiction
    unit_type: UnitType
    people: tuple[Actor, Actor]
    officers: tuple[Actor, Actor, Actor]
    accounts: dict[str, Account] = field(default_factory=dict)
    caps: dict[tuple[str, int], IssuanceCap] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.accounts[name].identifier

    def open(self, name: str, type_code: str = "TRA", holder: str = "") -> None:
        """Open an account. Without a `holder`, all of them are of one, who has accounts everywhere: they trust one another."""
        row = ACCOUNT_TYPES[type_code]
        kind = HolderKind.ORGANISATION if HolderKind.ORGANISATION in row.holders else HolderKind.AUTHORITY
        place = None
        if row.for_installation:
            place = Installation.objects.create(jurisdiction=self.home, number=name, name=name, first_year=2024)
        account = open_account(
            jurisdiction=self.home,
            type_code=type_code,
            holder=Holder.objects.get_or_create(name=holder or f"holder of {kind}", kind=kind, country="CN")[0],
            name=name,
            installation=place,
            actor=REGISTRY,
            now=NOW,
        )
        if not row.administrative:
            for person in self.people:
                nomination = nominate_representative(
                    account=account,
                    user=User.objects.get(pk=person.user_id),
                    rights=Rights.INITIATE_AND_APPROVE,
                    actor=REGISTRY,
                    now=NOW,
                )
                change_representative_state(
                    representative=nomination, state=RepresentativeState.ACTIVE, actor=REGISTRY, now=NOW
                )
            if not holder:
                options = {"one_person_surrender": True, "one_person_trusted_transfer": True}
                Account.objects.filter(pk=account.pk).update(**options)
        self.accounts[name] = account

    def stock(self, name: str, quantity: int, vintage: int = 2026, unit_type: str = "") -> None:
        """Issue units and deliver them to an account."""
        kind = self.unit_type if not unit_type else UnitType.objects.get(jurisdiction=self.home, code=unit_type)
        cap = self.caps.get((kind.code, vintage))
        if cap is None:
            cap = IssuanceCap.objects.create(
                unit_type=kind, vintage=vintage, limit=10**12, valid_from=date(2026, 1, 1), source="test"
            )
            self.caps[kind.code, vintage] = cap
        issue(cap_id=cap.pk, acquiring=self["ISS"], quantity=quantity, actor=REGISTRY, now=NOW)
        line = Line(self["ISS"], self[name], quantity, self.home.registry_code, kind.code, vintage)
        propose(Proposal("10-37", (line,)), actor=REGISTRY, now=NOW)

    def obligation(self, name: str, emissions: int, year: int = 2025) -> Obligation:
        """Record an operator's verified emissions of a year and its obligation for it."""
        installation = self.accounts[name].installation
        RecordedEmissions.objects.create(
            installation=installation, year=year, quantity=emissions, source="test", recorded_at=NOW
        )
        return Obligation.objects.create(
            jurisdiction=self.home,
            installation=installation,
            year=year,
            due_at=datetime(2026, 10, 31, 16, tzinfo=UTC),
            eligible_until_vintage=2026,
        )


@dataclass
class Pilot:
    """Three cities by their codes, and what tests do between them."""

    cities: dict[str, City]

    def __getitem__(self, code: str) -> City:
        return self.cities[code]

    def link(self, one: str, other: str) -> Link:
        """Return the link of two cities, opened at the first asking."""
        first, second = sorted((self[one].home, self[other].home), key=lambda place: place.pk)
        found = Link.objects.filter(first=first, second=second).first()
        return found or open_link(one=first, other=second, actor=REGISTRY, now=NOW)

    def corridor(self, origin: str, destination: str) -> Corridor:
        """Return the corridor from one city to another."""
        return Corridor.objects.get(origin=self[origin].home, destination=self[destination].home)

    def sign(self, instrument: Instrument, *sides: str, now: datetime = NOW) -> Instrument:
        """Sign for these sides, two persons each."""
        for side in sides:
            for officer in self[side].officers[:2]:
                instrument = sign_instrument(instrument.pk, digest=instrument.digest, actor=officer, now=now)
        return instrument

    def conclude(self, link: Link, document: Document, *sides: str, now: datetime = NOW) -> Instrument:
        """Propose a document and sign it for these sides."""
        proposed = propose_instrument(link, document, actor=self[sides[0]].officers[0], now=now)
        return self.sign(proposed, *sides, now=now)

    def agree(self, origin: str, destination: str, now: datetime = NOW, **changes: object) -> Instrument:
        """Bring terms of a corridor into force, with the origin's leave."""
        link = self.link(origin, destination)
        way = Direction(origin, destination)
        leave = changes.pop("leave", None)
        self.conclude(link, LeaveDocument(way, leave, now, None), origin, now=now)
        return self.conclude(link, terms_from(terms(origin, destination, now, **changes)), destination, origin, now=now)

    def raise_to(self, degree: Degree, one: str, other: str, now: datetime = NOW) -> Link:
        """Raise a link step by step, ticking what each step asks for; to `unilateral`, one -> other is open."""
        link = self.link(one, other)
        while Degree(link.degree) is not degree:
            step = step_after(Degree(link.degree))
            assert step is not None
            for condition in CONDITIONS:
                if condition.step is step and condition.is_ticked:
                    for side in (one, other):
                        tick_condition(
                            link,
                            code=condition.code,
                            evidence="test; of the exercise: mrv, legal-basis",
                            actor=self[side].officers[0],
                            now=now,
                        )
            way = Direction(one, other) if step is Degree.UNILATERAL else None
            document = DegreeDocument(Degree(link.degree), step, way, "a test's step")
            self.conclude(link, document, one, other, now=now)
            link.refresh_from_db()
        return link

    def send(
        self,
        sender: tuple[str, str],
        acquirer: tuple[str, str],
        quantity: int,
        *ranges: tuple[int, int],
        issuer: str = "",
        now: datetime = NOW,
        recognition: int | None = None,
        **more: object,
    ) -> Outcome:
        """Propose an external transfer between two accounts, each (city, name); `issuer`: of the units, the sender by default."""
        origin = self[issuer or sender[0]]
        code = origin.home.registry_code
        line = Line(
            self[sender[0]][sender[1]],
            self[acquirer[0]][acquirer[1]],
            quantity,
            code,
            str(more.pop("unit_type", origin.unit_type.code)),
            None,
            recognition,
            tuple(SerialRange(code, *serials) for serials in ranges),
        )
        return propose(Proposal("3-0", (line,), **more), actor=self[sender[0]].people[0], now=now)

    def approve(self, outcome: Outcome, side: str, now: datetime = NOW) -> Outcome:
        """Approve a transaction as the other representative."""
        return approve(outcome.transaction_id, actor=self[side].people[1], now=now)


def terms(origin: str, destination: str, now: datetime = NOW, **changes: object) -> dict[str, object]:
    """Return terms of a corridor as a document: one for one, without quotas, but for the changes."""
    value = {"numerator": 1, "denominator": 1, "source": "test"}
    rate = changes.pop("rate", (1, 1))
    assert isinstance(rate, tuple)
    document: dict[str, object] = {
        "corridor": {"origin": origin, "destination": destination},
        "version": 1,
        "effective_from": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "notice_days": 30,
        "last_settlement_days": 14,
        "unit_types": [PLACES[origin][3]],
        "first_vintage": None,
        "last_vintage": None,
        "account_types": ["EXS", "OHA", "TRA"],
        "rate": {
            "kind": "discount" if rate[0] <= rate[1] else "exchange",
            "numerator": rate[0],
            "denominator": rate[1],
            "exceeds_one": rate[0] > rate[1],
            "reserve": 1_000_000 if rate[0] > rate[1] else 0,
            "mitigation_value": value,
            "compliance_value": value,
        },
        "entry_quota": None,
        "net_flow_limit": None,
        "vintage_limits": {},
        "holder_limit": None,
        "use_quota": [],
        "reciprocity": None,
        "settlement_days": "any",
        "margin": "retired",
        "hold_on_freeze_days": 0,
        "good_faith": "buyer-keeps",
        "delinking": {"policy": "honour", "notice_days": 90, "sunset_days": 0, "under_way": "settle"},
        "instrument": "",
    }
    return document | changes


def pilot() -> Pilot:
    """Make the three cities: in each the traders `ann`, with 1,000 units, and `bob`, an operator `plant`, and `far`."""
    cities = {}
    for code, (currency, time_zone, language, unit_code) in PLACES.items():
        home = Jurisdiction.objects.create(
            code=code,
            registry_code=code.replace("-", ""),
            currency=currency,
            time_zone=time_zone,
            language=language,
        )
        short = code[:2].lower()
        people = [samples.user(f"{short}-{name}") for name in ("one", "two")]
        cities[code] = City(
            home,
            UnitType.objects.create(jurisdiction=home, code=unit_code, kind="allowance"),
            (Actor(people[0].pk, f"user:{people[0].pk}"), Actor(people[1].pk, f"user:{people[1].pk}")),
            (
                official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, f"{short}-junior", code),
                official(Role.SENIOR_REGISTRY_ADMINISTRATOR, f"{short}-senior", code),
                official(Role.SENIOR_REGISTRY_ADMINISTRATOR, f"{short}-second-senior", code),
            ),
        )
        for type_code in ADMINISTRATIVE:
            cities[code].open(type_code, type_code)
        ledger.open_serial_space(home.pk)
        for name in ("ann", "bob"):
            cities[code].open(name)
        cities[code].open("far", holder=f"a stranger in {code}")
        cities[code].open("plant", "OHA")
        cities[code].stock("ann", 1_000)
    return Pilot(cities)


def linked_pilot() -> Pilot:
    """Make the pilot with Beijing and Tokyo linked both ways, reciprocal: Beijing's units at 4/5, Tokyo's one for one."""
    made = pilot()
    made.agree("CN-BJ", "JP-13", rate=(4, 5))
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000_000)
    made.raise_to(Degree.RECIPROCAL, "CN-BJ", "JP-13")
    return made
