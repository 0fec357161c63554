"""Seed the pilot's people: jurisdictions, administrative accounts, demo holders, installations, representatives, logins, keys.

Making it again makes only what is missing. Passwords and keys are random in each run and returned only when newly made.
"""

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from accounts.models import Account, Holder, Installation, Jurisdiction, Representative, User, UserRole
from accounts.operations.change_operator import change_operator
from accounts.operations.change_representative_state import change_representative_state
from accounts.operations.create_api_key import LONGEST_LIFE, create_api_key
from accounts.operations.nominate_representative import nominate_representative
from accounts.operations.open_account import open_account
from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
from accounts.rules.access import EVERYWHERE, Actor, registry_itself
from accounts.rules.account_types import HolderKind
from accounts.rules.keys import Scope
from accounts.rules.representatives import RepresentativeState, Rights
from accounts.seed.people import ADMINISTRATIVE_TYPES, JURISDICTIONS, LOGINS, DemoJurisdiction, DemoLogin, DemoOperator

READERS = "readers"
_KEY_LIFE = LONGEST_LIFE - timedelta(days=1)
_FIRST_YEAR = 2021


@dataclass(frozen=True, slots=True)
class SeededLogin:
    """A login just made; the password is not to be had again."""

    username: str
    password: str
    role: str


@dataclass(frozen=True, slots=True)
class SeededKey:
    """An API key just made, of a representative of one account."""

    key: str
    username: str
    rights: str
    account: str
    holder: str


@dataclass(frozen=True, slots=True)
class SeededJurisdiction:
    """The accounts of one jurisdiction: administrative by type code, two operators' and a trader's."""

    jurisdiction: Jurisdiction
    administrative: Mapping[str, Account]
    operators: tuple[Account, ...]
    trader: Account


@dataclass(frozen=True, slots=True)
class SeededPeople:
    """Everything seeded by jurisdiction code; of logins and keys only those newly made."""

    jurisdictions: Mapping[str, SeededJurisdiction]
    logins: tuple[SeededLogin, ...]
    api_keys: tuple[SeededKey, ...]


def seed_people(*, now: datetime, real_now: datetime) -> SeededPeople:
    """Seed what is missing of the pilot's people, all or nothing. `now` is the registry's clock, keys live in real time."""
    actor = registry_itself("seed")
    passwords = {login.username: secrets.token_urlsafe(12) for login in LOGINS}
    with transaction.atomic():
        made = {row.code: row for row in set_up_jurisdictions(actor=actor, now=now)}
        logins = _make_logins(made, passwords)
        seeded: dict[str, SeededJurisdiction] = {}
        keys: list[SeededKey] = []
        for code, demo in JURISDICTIONS.items():
            seeded[code] = _seed_accounts(made[code], demo, actor, now)
            for account in (*seeded[code].operators, seeded[code].trader):
                keys += _make_representatives(account, demo.short, actor, now, real_now)
    return SeededPeople(seeded, logins, tuple(keys))


def _seed_accounts(
    jurisdiction: Jurisdiction, demo: DemoJurisdiction, actor: Actor, now: datetime
) -> SeededJurisdiction:
    authority = _holder(demo.authority, HolderKind.AUTHORITY, demo.country)
    trader = _holder(demo.trader, HolderKind.ORGANISATION, demo.country)
    return SeededJurisdiction(
        jurisdiction,
        {code: _account(jurisdiction, code, authority, actor, now) for code in ADMINISTRATIVE_TYPES},
        tuple(_operator(jurisdiction, operator, demo, actor, now) for operator in demo.operators),
        _account(jurisdiction, "TRA", trader, actor, now),
    )


def _operator(
    jurisdiction: Jurisdiction, operator: DemoOperator, demo: DemoJurisdiction, actor: Actor, now: datetime
) -> Account:
    holder = _holder(operator.name, HolderKind.ORGANISATION, demo.country)
    installation, is_new = Installation.objects.get_or_create(
        jurisdiction=jurisdiction,
        number=operator.number,
        defaults={
            "name": operator.name,
            "authority": demo.authority,
            "sector": operator.sector,
            "first_year": _FIRST_YEAR,
        },
    )
    if is_new:
        change_operator(
            installation=installation, holder=holder, valid_from=date(_FIRST_YEAR, 1, 1), actor=actor, now=now
        )
    return _account(jurisdiction, "OHA", holder, actor, now, installation)


def _holder(name: str, kind: HolderKind, country: str) -> Holder:
    return Holder.objects.get_or_create(name=name, kind=kind, country=country)[0]


def _account(
    jurisdiction: Jurisdiction,
    type_code: str,
    holder: Holder,
    actor: Actor,
    now: datetime,
    installation: Installation | None = None,
) -> Account:
    found = Account.objects.filter(jurisdiction=jurisdiction, type=type_code, holder=holder, installation=installation)
    return found.order_by("id").first() or open_account(
        jurisdiction=jurisdiction,
        type_code=type_code,
        holder=holder,
        name=holder.name,
        installation=installation,
        actor=actor,
        now=now,
    )


def _make_representatives(
    account: Account, short: str, actor: Actor, now: datetime, real_now: datetime
) -> list[SeededKey]:
    """Give an account two representatives, one to propose and one to approve, each with a key; they sign in nowhere."""
    if account.representatives.exists():
        return []
    keys = []
    for letter, rights in (("a", Rights.INITIATE_AND_APPROVE), ("b", Rights.APPROVE)):
        username = f"{short}-{account.number}-{letter}"
        user = User.objects.create(
            username=username, password=make_password(None), language=account.jurisdiction.language
        )
        _appoint(account, user, rights, actor, now)
        printed = create_api_key(
            user=user,
            name="demo",
            scopes=(Scope.READ, Scope.TRANSACT),
            lifetime=_KEY_LIFE,
            actor=actor,
            now=now,
            real_now=real_now,
        ).printed
        keys.append(SeededKey(printed, username, rights, account.identifier, account.holder.name))
    return keys


def _appoint(account: Account, user: User, rights: Rights, actor: Actor, now: datetime) -> Representative:
    nomination = nominate_representative(account=account, user=user, rights=rights, actor=actor, now=now)
    return change_representative_state(
        representative=nomination, state=RepresentativeState.ACTIVE, actor=actor, now=now
    )


def _make_logins(jurisdictions: Mapping[str, Jurisdiction], passwords: Mapping[str, str]) -> tuple[SeededLogin, ...]:
    known = set(User.objects.values_list("username", flat=True))
    missing = [login for login in LOGINS if login.username not in known]
    # A password's hash takes a third of a second on purpose; hashing leaves the interpreter free for the next.
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(make_password, [passwords[login.username] for login in missing]))
    readers = _readers()
    for login, hashed in zip(missing, hashes, strict=True):
        user = User.objects.create(
            username=login.username, password=hashed, is_staff=True, is_superuser=login.is_superuser
        )
        user.groups.add(readers)
        UserRole.objects.create(user=user, role=login.role, jurisdiction=jurisdictions.get(login.jurisdiction))
    return tuple(SeededLogin(login.username, passwords[login.username], _role_of(login)) for login in missing)


def _role_of(login: DemoLogin) -> str:
    where = "everywhere" if login.jurisdiction == EVERYWHERE else login.jurisdiction
    return f"{login.role}, {where}"


def _readers() -> Group:
    """The group of all who may look at everything in the administration; what they may do is the operations' business."""
    readers, is_new = Group.objects.get_or_create(name=READERS)
    if is_new:
        readers.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return readers
