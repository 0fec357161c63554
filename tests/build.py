"""A small registry for tests of units: Beijing with its administrative accounts, operators and traders."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from accounts.models import Account, Holder, Installation, Jurisdiction, User, UserRole
from accounts.operations.change_representative_state import change_representative_state
from accounts.operations.nominate_representative import nominate_representative
from accounts.operations.open_account import open_account
from accounts.rules.access import Actor, Role, registry_itself, role_name
from accounts.rules.account_types import ACCOUNT_TYPES, HolderKind
from accounts.rules.representatives import RepresentativeState, Rights
from registry import ledger
from registry.models import IssuanceCap, Obligation, UnitType
from registry.operations.approve import approve
from registry.operations.issue import issue
from registry.operations.outcome import Outcome
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.states import State
from tests.accounts import samples

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DUE = datetime(2026, 10, 31, 16, tzinfo=UTC)
REGISTRY = registry_itself("test")
ADMINISTRATIVE = ("ISS", "ALL", "AUC", "SUR", "CAN", "MCN")


@dataclass
class Beijing:
    """One registry. `accounts` by a short name: the administrative ones by their type, the others by the name asked for."""

    home: Jurisdiction
    user: User
    second: User
    unit_type: UnitType
    accounts: dict[str, Account] = field(default_factory=dict)
    caps: dict[int, IssuanceCap] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.accounts[name].identifier

    @property
    def representative(self) -> Actor:
        """The representative of every operator and trader."""
        return Actor(self.user.pk, f"user:{self.user.pk}")

    @property
    def approver(self) -> Actor:
        """The other representative of every operator and trader."""
        return Actor(self.second.pk, f"user:{self.second.pk}")

    def open(self, *names: str, type_code: str = "TRA", represented: bool = True, holder: str = "") -> None:
        """Open accounts of a type by these names; an operator's has an installation of the same number.

        They are of one holder, so they trust one another, and one person is enough: what completes at once is the shortest way to
        most tests. Accounts of a `holder` of their own trust nobody, and need two persons.
        """
        for name in names:
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
            if represented and not row.administrative:
                for user in (self.user, self.second):
                    nomination = nominate_representative(
                        account=account, user=user, rights=Rights.INITIATE_AND_APPROVE, actor=REGISTRY, now=NOW
                    )
                    change_representative_state(
                        representative=nomination, state=RepresentativeState.ACTIVE, actor=REGISTRY, now=NOW
                    )
            if not holder and not row.administrative:
                options = {"one_person_surrender": True, "one_person_trusted_transfer": True}
                Account.objects.filter(pk=account.pk).update(**options)
            self.accounts[name] = account

    def issue(self, quantity: int, vintage: int = 2026, limit: int = 10**12) -> Outcome:
        """Issue units of a vintage, under a cap made with the first of them."""
        if vintage not in self.caps:
            self.caps[vintage] = IssuanceCap.objects.create(
                unit_type=self.unit_type, vintage=vintage, limit=limit, valid_from=date(2026, 1, 1), source="test"
            )
        return issue(cap_id=self.caps[vintage].pk, acquiring=self["ISS"], quantity=quantity, actor=REGISTRY, now=NOW)

    def obligation(self, name: str, year: int = 2025, eligible_until_vintage: int = 2026) -> Obligation:
        """Record the obligation of an operator's installation."""
        return Obligation.objects.create(
            jurisdiction=self.home,
            installation=self.accounts[name].installation,
            year=year,
            due_at=DUE,
            eligible_until_vintage=eligible_until_vintage,
        )

    def line(
        self, sender: str, acquirer: str, quantity: int, *ranges: tuple[int, int], vintage: int | None = None
    ) -> Line:
        """Return a line of BEA; `ranges` name serials, half-open."""
        return Line(
            self[sender],
            self[acquirer],
            quantity,
            registry=self.home.registry_code,
            unit_type="BEA",
            vintage=vintage,
            serials=tuple(SerialRange(self.home.registry_code, *serials) for serials in ranges),
        )

    def move(
        self,
        sender: str,
        acquirer: str,
        quantity: int,
        *ranges: tuple[int, int],
        type_code: str = "10-50",
        **more: object,
    ) -> Outcome:
        """Move units: as the representative of a private account, as the registry of another; approved if needed."""
        administrative = ACCOUNT_TYPES[self.accounts[sender].type_id].administrative
        by_order = administrative or type_code in {"10-40", "10-37", "4-48"}
        proposal = Proposal(type_code, (self.line(sender, acquirer, quantity, *ranges),), **more)
        outcome = propose(proposal, actor=REGISTRY if by_order else self.representative, now=NOW)
        if outcome.state != State.AWAITING_APPROVAL:
            return outcome
        return approve(outcome.transaction_id, actor=self.approver, now=NOW)


def beijing(*traders: str, operators: tuple[str, ...] = (), code: str = "CN-BJ") -> Beijing:
    """Make the registry with its administrative accounts, and traders and operators by these names. `code`: of another city."""
    home = samples.jurisdiction(code)
    made = Beijing(
        home,
        samples.user("representative"),
        samples.user("second-representative"),
        UnitType.objects.create(jurisdiction=home, code="BEA", kind="allowance"),
    )
    for type_code in ADMINISTRATIVE:
        made.open(type_code, type_code=type_code)
    made.open(*traders)
    made.open(*operators, type_code="OHA")
    ledger.open_serial_space(home.pk)
    return made


def official(role: Role, name: str, where: str = "CN-BJ") -> Actor:
    """Return a real user with a role, as an actor."""
    user = samples.user(name)
    UserRole.objects.create(user=user, role=role, jurisdiction=Jurisdiction.objects.filter(code=where).first())
    return Actor(user.pk, f"user:{user.pk}", frozenset({role_name(role, where)}))
