"""An account with people of every right, another to be trusted, and the registry's own people."""

from dataclasses import dataclass
from datetime import UTC, datetime

from accounts.models import Account, Holder, Jurisdiction, Representative, TrustedAccount, UserRole
from accounts.operations.decide_trusted_account import decide_trusted_account
from accounts.operations.open_account import open_account
from accounts.operations.remove_trusted_account import remove_trusted_account
from accounts.operations.request_trusted_account import request_trusted_account
from accounts.operations.withdraw_trusted_account import withdraw_trusted_account
from accounts.queries import actor_for
from accounts.rules.access import Actor, Role
from accounts.rules.identifiers import format_account_identifier
from accounts.rules.representatives import RepresentativeState, Rights
from tests.accounts import samples

# A Thursday, 15:00 in Beijing, in a week without holidays.
NOW = datetime(2026, 6, 4, 7, tzinfo=UTC)
# Of a registry that is not hosted here.
ABROAD = format_account_identifier("SGSG", "TRA", 1_000_042)

ROLES = {
    "senior": Role.SENIOR_REGISTRY_ADMINISTRATOR,
    "senior-two": Role.SENIOR_REGISTRY_ADMINISTRATOR,
    "junior": Role.JUNIOR_REGISTRY_ADMINISTRATOR,
    "authority": Role.COMPLIANCE_AUTHORITY,
}
# Who represents the account, by name.
RIGHTS = {
    "ini": Rights.INITIATE,
    "app": Rights.APPROVE,
    "both": Rights.INITIATE_AND_APPROVE,
    "both-two": Rights.INITIATE_AND_APPROVE,
    "reader": Rights.READ_ONLY,
    "surrenderer": Rights.SURRENDER,
}


@dataclass
class Trust:
    """The account `account`, its people by name, and what they do with its list."""

    home: Jurisdiction
    account: Account
    other: Account
    actors: dict[str, Actor]

    def request(
        self, by: str = "ini", trusted: str | None = None, note: str = "", now: datetime = NOW
    ) -> TrustedAccount:
        return request_trusted_account(
            identifier=self.account.identifier,
            trusted=trusted or self.other.identifier,
            note=note,
            actor=self.actors[by],
            now=now,
        )

    def decide(
        self, row: TrustedAccount, by: str = "app", *, approved: bool = True, now: datetime = NOW
    ) -> TrustedAccount:
        return decide_trusted_account(
            identifier=row.account.identifier, number=row.pk, approved=approved, actor=self.actors[by], now=now
        )

    def withdraw(self, row: TrustedAccount, by: str = "ini", now: datetime = NOW) -> TrustedAccount:
        return withdraw_trusted_account(
            identifier=row.account.identifier, number=row.pk, actor=self.actors[by], now=now
        )

    def remove(self, row: TrustedAccount, by: str = "ini", reason: str = "", now: datetime = NOW) -> TrustedAccount:
        return remove_trusted_account(
            identifier=row.account.identifier, number=row.pk, reason=reason, actor=self.actors[by], now=now
        )


def open_for(home: Jurisdiction, holder: Holder, name: str, type_code: str = "TRA") -> Account:
    return open_account(
        jurisdiction=home, type_code=type_code, holder=holder, name=name, actor=samples.REGISTRY, now=samples.NOON
    )


def trust() -> Trust:
    """Make them all."""
    home = samples.jurisdiction("CN-BJ")
    account = open_for(home, samples.holder(name="Northern Cement"), "ann")
    other = open_for(home, samples.holder(name="Southern Steel"), "bob")
    actors = {}
    for name in (*RIGHTS, *ROLES, "stranger", "senior-elsewhere"):
        user = samples.user(name)
        if name in RIGHTS:
            Representative.objects.create(
                account=account, user=user, rights=RIGHTS[name], state=RepresentativeState.ACTIVE
            )
        if name in ROLES:
            UserRole.objects.create(user=user, role=ROLES[name], jurisdiction=home)
        if name == "senior-elsewhere":
            UserRole.objects.create(
                user=user, role=Role.SENIOR_REGISTRY_ADMINISTRATOR, jurisdiction=samples.jurisdiction("JP-13")
            )
        actors[name] = actor_for(user)
    return Trust(home, account, other, actors)
