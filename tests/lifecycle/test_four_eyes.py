"""Whoever initiates never approves: on every path by which units move, by rule. PostgreSQL's own part is in test_forged_steps."""

from collections.abc import Callable

import pytest

from accounts.models import Representative
from accounts.operations.change_representative_state import change_representative_state
from accounts.rules.access import Actor, Role
from accounts.rules.representatives import RepresentativeState, Rights
from registry.operations.approve import approve
from registry.operations.issue import issue
from registry.operations.outcome import Outcome, Refused
from registry.operations.refuse import refuse
from registry.operations.withdraw import withdraw
from registry.rules.states import State
from tests.accounts import samples
from tests.build import NOW, REGISTRY, Beijing
from tests.lifecycle.market import administrator, balance, codes, represent, state, transfer, transfer_of_two

SENIOR = Role.SENIOR_REGISTRY_ADMINISTRATOR
Path = Callable[[Beijing, Actor], Outcome]


def surrender(made: Beijing, actor: Actor) -> Outcome:
    obligation = made.obligation("mill").pk
    return transfer(made, "mill", "SUR", 10, type_code="10-2", obligation=obligation, actor=actor)


def issuance(made: Beijing, actor: Actor) -> Outcome:
    return issue(cap_id=made.caps[2026].pk, acquiring=made["ISS"], quantity=10, actor=actor, now=NOW)


BY_REPRESENTATIVES: dict[str, Path] = {
    "a transfer to a stranger": lambda made, actor: transfer(made, actor=actor),
    "a transfer within one holder": lambda made, actor: transfer(made, acquirer="avas", actor=actor),
    "a surrender": surrender,
    "a cancellation": lambda made, actor: transfer(
        made, acquirer="CAN", type_code="4-0", reason="for ever", actor=actor
    ),
}
BY_ADMINISTRATORS: dict[str, Path] = {
    "an issuance": issuance,
    "a transfer out of the issuance account": lambda made, actor: transfer(made, "ISS", "ava", actor=actor),
    "an auction delivery": lambda made, actor: transfer(made, "ISS", "ava", type_code="10-37", actor=actor),
    "a cancellation by order": lambda made, actor: transfer(
        made, acquirer="MCN", type_code="4-48", reason="an order", actor=actor
    ),
}
PATHS = BY_REPRESENTATIVES | BY_ADMINISTRATORS


def two(made: Beijing, path: str) -> tuple[Actor, Actor]:
    """Two persons of whom each may both initiate and approve."""
    if path in BY_REPRESENTATIVES:
        return made.representative, made.approver
    return administrator(made, SENIOR, "senior"), administrator(made, SENIOR, "another senior")


@pytest.mark.parametrize("path", PATHS)
def test_whoever_initiates_never_approves(registry: Beijing, path):
    initiator, other = two(registry, path)
    units = [balance(registry, name)[0] for name in ("ISS", "ava", "mill")]
    proposed = PATHS[path](registry, initiator)
    assert proposed.state == State.AWAITING_APPROVAL
    for decide in (approve, refuse):
        with pytest.raises(Refused) as refused:
            decide(proposed.transaction_id, actor=initiator, now=NOW)
        assert codes(refused.value) == {4013}
    with pytest.raises(Refused) as refused:
        approve(proposed.transaction_id, actor=REGISTRY, now=NOW)
    assert 4013 in codes(refused.value)
    assert state(proposed) == State.AWAITING_APPROVAL
    assert [balance(registry, name)[0] for name in ("ISS", "ava", "mill")] == units
    approved = approve(proposed.transaction_id, actor=other, now=NOW)
    assert approved.state == (State.DELAYED if path == "a transfer to a stranger" else State.COMPLETED)


@pytest.mark.parametrize("path", PATHS)
def test_whoever_initiates_may_withdraw(registry: Beijing, path):
    initiator, _ = two(registry, path)
    proposed = PATHS[path](registry, initiator)
    assert withdraw(proposed.transaction_id, actor=initiator, now=NOW).state == State.CANCELLED
    assert balance(registry, "ava") == (100, 0)


# Who may not approve a transfer of ava's, and with which code they are told so.
def suspended(made: Beijing) -> Actor:
    actor = represent(made, "suspended", Rights.INITIATE_AND_APPROVE, "ava")
    nomination = Representative.objects.get(user=actor.user_id)
    change_representative_state(representative=nomination, state=RepresentativeState.SUSPENDED, actor=REGISTRY, now=NOW)
    return actor


def stranger(made: Beijing) -> Actor:
    user = samples.user("stranger")
    return Actor(user.pk, f"user:{user.pk}")


OTHERS: dict[str, tuple[Callable[[Beijing], Actor], int]] = {
    "who only reads": (lambda made: represent(made, "reader", Rights.READ_ONLY, "ava"), 4012),
    "who only initiates": (lambda made: represent(made, "initiator", Rights.INITIATE, "ava"), 4012),
    "who only surrenders": (lambda made: represent(made, "surrenderer", Rights.SURRENDER, "ava"), 4012),
    "a senior administrator": (lambda made: administrator(made, SENIOR, "senior"), 4012),
    "who represents the other side": (lambda made: represent(made, "other side", Rights.APPROVE, "ben"), 4001),
    "who represents another account of the holder": (
        lambda made: represent(made, "elsewhere", Rights.APPROVE, "avas"),
        4001,
    ),
    "a suspended representative": (suspended, 4001),
    "a stranger": (stranger, 4001),
}


@pytest.mark.parametrize("who", OTHERS)
def test_who_has_not_the_right_neither_approves_nor_refuses(registry: Beijing, who):
    make, code = OTHERS[who]
    actor = make(registry)
    proposed = transfer(registry)
    for decide in (approve, refuse):
        with pytest.raises(Refused) as refused:
            decide(proposed.transaction_id, actor=actor, now=NOW)
        assert codes(refused.value) == {code}
    assert state(proposed) == State.AWAITING_APPROVAL


@pytest.mark.parametrize(
    "who", ["who only reads", "who only surrenders", "who represents the other side", "a stranger"]
)
def test_who_has_not_the_right_does_not_withdraw(registry: Beijing, who):
    make, _ = OTHERS[who]
    actor = make(registry)
    proposed = transfer(registry)
    with pytest.raises(Refused) as refused:
        withdraw(proposed.transaction_id, actor=actor, now=NOW)
    assert codes(refused.value) <= {4001, 4012}
    assert state(proposed) == State.AWAITING_APPROVAL


def test_who_may_only_approve_approves(registry: Beijing):
    actor = represent(registry, "only approves", Rights.APPROVE, "ava")
    proposed = transfer(registry)
    assert approve(proposed.transaction_id, actor=actor, now=NOW).state == State.DELAYED


def test_an_account_that_nobody_else_could_approve_for_proposes_nothing(registry: Beijing):
    made = registry
    second = Representative.objects.get(user=made.second, account=made.accounts["ava"])
    change_representative_state(representative=second, state=RepresentativeState.REMOVED, actor=REGISTRY, now=NOW)
    with pytest.raises(Refused) as refused:
        transfer(made)
    assert codes(refused.value) == {4013}


@pytest.mark.parametrize(
    ("role", "approves"),
    [(SENIOR, True), (Role.JUNIOR_REGISTRY_ADMINISTRATOR, False), (Role.COMPLIANCE_AUTHORITY, False)],
)
def test_only_a_senior_administrator_approves_what_administrators_propose(registry: Beijing, role, approves):
    proposed = issuance(registry, administrator(registry, Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior"))
    other = administrator(registry, role, "another")
    if approves:
        assert approve(proposed.transaction_id, actor=other, now=NOW).state == State.COMPLETED
        return
    with pytest.raises(Refused) as refused:
        approve(proposed.transaction_id, actor=other, now=NOW)
    assert codes(refused.value) == {4012}
    assert state(proposed) == State.AWAITING_APPROVAL


def test_who_approves_may_approve_for_every_account_that_sends(registry: Beijing):
    junior = administrator(registry, Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior")
    senior = administrator(registry, SENIOR, "senior")
    represent(registry, "junior", Rights.INITIATE, "ava")
    proposed = transfer_of_two(registry, junior)
    assert (proposed.state, balance(registry, "ava")) == (State.AWAITING_APPROVAL, (100, 10))
    # An administrator for one of the two, a representative for the other.
    for actor, code in ((senior, 4012), (registry.approver, 4001)):
        with pytest.raises(Refused) as refused:
            approve(proposed.transaction_id, actor=actor, now=NOW)
        assert codes(refused.value) == {code}
    represent(registry, "senior", Rights.APPROVE, "ava")
    assert approve(proposed.transaction_id, actor=senior, now=NOW).state == State.DELAYED
