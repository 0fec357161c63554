"""Accounts that trust nobody and need two persons, and the acts by which they transfer."""

from typing import Any

from accounts.models import UserRole
from accounts.operations.change_representative_state import change_representative_state
from accounts.operations.nominate_representative import nominate_representative
from accounts.rules.access import Actor, Role, role_name
from accounts.rules.representatives import RepresentativeState, Rights
from audit.models import Entry
from registry.models import Holding, Transaction, TransactionStep, UnitBlock
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.rules.proposal import Proposal
from registry.rules.states import UNITS_IN, State, Units
from registry.verification import Verified, verify
from tests.accounts import samples
from tests.build import NOW, REGISTRY, Beijing
from tests.ledger.conftest import thousand_units


def market() -> Beijing:
    """The thousand units: 100 with ava, who has a second account; 50 with mill; ben has nothing. All are strangers."""
    made = thousand_units()
    made.open("ava", "avas", holder="Ava")
    made.open("ben", holder="Ben")
    made.open("mill", type_code="OHA", holder="Mill")
    made.move("ISS", "ava", 100)
    made.move("ISS", "mill", 50)
    return made


def assert_sound() -> None:
    """The equations hold, and each reservation is of a transaction that reserves."""
    assert isinstance(verify(), Verified), verify()
    states = UnitBlock.objects.filter(held_for__isnull=False).values_list("held_for", flat=True)
    for transaction in Transaction.objects.filter(pk__in=list(states)):
        assert UNITS_IN[State(transaction.state)] in {Units.RESERVED, Units.ESCROWED}


def represent(made: Beijing, user_name: str, rights: Rights, *accounts: str) -> Actor:
    """Make a user, who may be there already, an active representative of accounts."""
    user = type(made.user).objects.filter(username=user_name).first() or samples.user(user_name)
    for name in accounts:
        nomination = nominate_representative(
            account=made.accounts[name], user=user, rights=rights, actor=REGISTRY, now=NOW
        )
        change_representative_state(
            representative=nomination, state=RepresentativeState.ACTIVE, actor=REGISTRY, now=NOW
        )
    return Actor(user.pk, f"user:{user.pk}")


def administrator(made: Beijing, role: Role, user_name: str) -> Actor:
    """Make a user an administrator of the registry, in the database too."""
    user = samples.user(user_name)
    UserRole.objects.create(user=user, role=role, jurisdiction=made.home)
    return Actor(user.pk, f"user:{user.pk}", frozenset({role_name(role, made.home.code)}))


def transfer(
    made: Beijing,
    sender: str = "ava",
    acquirer: str = "ben",
    quantity: int = 10,
    *ranges: tuple[int, int],
    type_code: str = "10-50",
    actor: Actor | None = None,
    **more: Any,
) -> Outcome:
    """Propose a transfer, as the first representative of its account, and let it wait."""
    line = made.line(sender, acquirer, quantity, *ranges)
    return propose(Proposal(type_code, (line,), **more), actor=actor or made.representative, now=NOW)


def transfer_of_two(made: Beijing, actor: Actor) -> Outcome:
    """Propose one transaction out of the issuance account and out of ava's: by one who may initiate for both."""
    lines = (made.line("ISS", "ben", 10), made.line("ava", "ben", 10))
    return propose(Proposal("10-50", lines), actor=actor, now=NOW)


def balance(made: Beijing, name: str) -> tuple[int, int]:
    """Units of an account, and how many of them are reserved."""
    rows = Holding.objects.filter(account=made.accounts[name]).values_list("quantity", "reserved")
    return sum(quantity for quantity, _ in rows), sum(reserved for _, reserved in rows)


def state(outcome: Outcome) -> str:
    return Transaction.objects.values_list("state", flat=True).get(pk=outcome.transaction_id)


def steps(outcome: Outcome) -> list[tuple[Any, ...]]:
    """The recorded steps in their order: event, from, to, who."""
    rows = TransactionStep.objects.filter(transaction=outcome.transaction_id).order_by("id")
    return list(rows.values_list("event", "from_state", "to_state", "user"))


def events(outcome: Outcome) -> list[str]:
    """The log's entries about a transaction in their order."""
    return list(
        Entry.objects.filter(subject=str(outcome.transaction_id)).order_by("id").values_list("event", flat=True)
    )


def codes(refused: Refused) -> set[int]:
    return {failure.code for failure in refused.failures}
