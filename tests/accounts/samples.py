"""The least people a test needs: a jurisdiction, a holder, an account of any type. Everybody is invented."""

from datetime import UTC, date, datetime

from accounts.models import Account, Holder, Installation, InstallationOperator, Jurisdiction, User
from accounts.operations.open_account import open_account
from accounts.rules.access import Actor, Role, registry_itself, role_name
from accounts.rules.account_types import ACCOUNT_TYPES, HolderKind
from accounts.rules.statuses import AccountStatus

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REGISTRY = registry_itself("test")
NOBODY = Actor(None, "nobody")


def jurisdiction(code: str = "CN-BJ") -> Jurisdiction:
    """Return the jurisdiction, made where it is missing."""
    return Jurisdiction.objects.get_or_create(
        code=code,
        defaults={
            "registry_code": code.replace("-", ""),
            "currency": "CNY",
            "time_zone": "Asia/Shanghai",
            "language": "zh-Hans",
        },
    )[0]


def holder(kind: HolderKind = HolderKind.ORGANISATION, name: str = "Northern Cement") -> Holder:
    return Holder.objects.get_or_create(name=name, kind=kind, country="CN")[0]


def installation(home: Jurisdiction, number: str = "I-1") -> Installation:
    return Installation.objects.create(jurisdiction=home, number=number, name="Kiln", first_year=2021)


def operator(place: Installation, who: Holder, since: date, until: date | None = None) -> InstallationOperator:
    return InstallationOperator.objects.create(installation=place, holder=who, valid_from=since, valid_to=until)


def account(
    type_code: str = "TRA",
    home: Jurisdiction | None = None,
    status: AccountStatus = AccountStatus.OPEN,
    number: str = "I-1",
) -> Account:
    """Return a new account of the type, with a holder who may hold it, REQUESTED or OPEN."""
    home = home or jurisdiction()
    row = ACCOUNT_TYPES[type_code]
    kind = HolderKind.ORGANISATION if HolderKind.ORGANISATION in row.holders else HolderKind.AUTHORITY
    return open_account(
        jurisdiction=home,
        type_code=type_code,
        holder=holder(kind, name=f"A holder of {type_code}"),
        name=type_code,
        installation=installation(home, number) if row.for_installation else None,
        status=status,
        actor=REGISTRY,
        now=NOON,
    )


def user(name: str = "reader") -> User:
    return User.objects.create(username=name, password="!")


def with_role(role: Role, where: str = "CN-BJ") -> Actor:
    """Return an actor who holds just this role, and is nobody whom a test has made."""
    return Actor(999_999, "user:999999", frozenset({role_name(role, where)}))
