"""The test registry that a replay runs in: its jurisdiction, administrative accounts, and people who may act."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password

from accounts.models import Account, Holder, Installation, Jurisdiction, User, UserRole
from accounts.operations.change_representative_state import change_representative_state
from accounts.operations.nominate_representative import nominate_representative
from accounts.operations.open_account import open_account
from accounts.operations.set_account_options import set_account_options
from accounts.queries import actor_for
from accounts.rules.access import Actor, Role, registry_itself
from accounts.rules.account_types import HolderKind
from accounts.rules.representatives import RepresentativeState, Rights
from registry import ledger

REGISTRY = registry_itself("replay")
ADMINISTRATIVE = ("ISS", "ALL", "AUC", "SUR")


@dataclass(frozen=True, slots=True)
class World:
    """A test registry. `representative` represents every account that is not administrative."""

    jurisdiction: Jurisdiction
    administrative: dict[str, str]
    user: User

    @property
    def representative(self) -> Actor:
        """The representative, as an actor."""
        return Actor(self.user.pk, f"user:{self.user.pk}")

    def official(self, role: Role, username: str) -> Actor:
        """Return a new user with a role in this jurisdiction, as an actor."""
        user = User.objects.create(username=username, password=make_password(None))
        UserRole.objects.create(user=user, role=role, jurisdiction=self.jurisdiction)
        return actor_for(user)

    def open(self, type_code: str, name: str, now: datetime, installation: Installation | None = None) -> Account:
        """Open an account for an invented holder, with the representative."""
        # What is replayed was decided long ago: one holder's accounts trust one another, and one person acts for it.
        holder, _ = Holder.objects.get_or_create(
            name="holder of every account", kind=HolderKind.ORGANISATION, country="XX"
        )
        account = open_account(
            jurisdiction=self.jurisdiction,
            type_code=type_code,
            holder=holder,
            name=name,
            installation=installation,
            actor=REGISTRY,
            now=now,
        )
        nomination = nominate_representative(
            account=account, user=self.user, rights=Rights.INITIATE_AND_APPROVE, actor=REGISTRY, now=now
        )
        change_representative_state(
            representative=nomination, state=RepresentativeState.ACTIVE, actor=REGISTRY, now=now
        )
        set_account_options(
            identifier=account.identifier,
            one_person_surrender=True,
            one_person_trusted_transfer=True,
            reason="a replay",
            actor=REGISTRY,
            now=now,
        )
        return account


def make_world(code: str, *, currency: str, time_zone: str, now: datetime) -> World:
    """Make the test registry `code` (XX-UK), clearly none of a real place: XX is a code that ISO 3166 leaves to its users."""
    jurisdiction = Jurisdiction.objects.create(
        code=code,
        registry_code=code.replace("-", ""),
        currency=currency,
        time_zone=time_zone,
        language="en",
        is_test=True,
    )
    authority = Holder.objects.create(name=f"Authority of {code} (replay)", kind=HolderKind.AUTHORITY, country="XX")
    administrative = {
        type_code: open_account(
            jurisdiction=jurisdiction, type_code=type_code, holder=authority, name=type_code, actor=REGISTRY, now=now
        ).identifier
        for type_code in ADMINISTRATIVE
    }
    ledger.open_serial_space(jurisdiction.pk)
    return World(jurisdiction, administrative, User.objects.create(username="replay", password=make_password(None)))
