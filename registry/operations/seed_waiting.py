"""Seed what waits when the demo begins, so that four eyes and the delay can be seen: real operations by the demo's real users."""

from collections.abc import Mapping
from datetime import datetime

from accounts.models import Account, TrustedAccount, User, UserRole
from accounts.operations.decide_trusted_account import decide_trusted_account
from accounts.operations.request_trusted_account import request_trusted_account
from accounts.operations.seed_pilot import SeededJurisdiction
from accounts.queries import actor_for
from accounts.rules.access import Actor, Role
from accounts.rules.representatives import Action, RepresentativeState, Rights, right_permits
from accounts.rules.trusted import TrustedAccountState
from registry.models import IssuanceCap, Transaction
from registry.operations.approve import approve
from registry.operations.issue import issue
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal
from registry.rules.states import State
from registry.seed.pilot import DEMO_ISSUES, DemoIssue

# By these references what was seeded is known again; whatever became of it, it is not made anew.
APPROVAL, DELAY, ISSUANCE = "waits for a second person", "waits for its delay", "waits for a senior administrator"
TRUSTED = "our trader"


def seed_waiting(seeded: Mapping[str, SeededJurisdiction], *, now: datetime) -> None:
    """Seed in each jurisdiction a transfer and an issuance to be approved, a transfer that is delayed, and a trusted account.

    Each is a commit of its own: a crash in between leaves those that are made, and the next run makes the rest.
    """
    for code, made in seeded.items():
        demo, operator = DEMO_ISSUES[code][0], made.operators[-1]
        _transfer(made, demo, made.trader, operator, demo.awaits_approval, APPROVAL, now)
        delayed = _transfer(made, demo, operator, made.trader, demo.awaits_its_delay, DELAY, now)
        if delayed.state == State.AWAITING_APPROVAL:
            approve(delayed.pk, actor=_representative(operator, Action.APPROVE, but=delayed.initiator), now=now)
        _trust(operator, made.trader, now)
        _issue(made, demo, now)


def _transfer(
    made: SeededJurisdiction,
    demo: DemoIssue,
    sender: Account,
    acquirer: Account,
    quantity: int,
    reference: str,
    now: datetime,
) -> Transaction:
    """Return the transfer of that reference, proposed by a representative of its account if it is not there."""
    found = Transaction.objects.filter(transferring=sender, client_reference=reference)
    if not found.exists():
        registry = made.jurisdiction.registry_code
        line = Line(sender.identifier, acquirer.identifier, quantity, registry=registry, unit_type=demo.unit_type)
        proposal = Proposal("10-50", (line,), client_reference=reference)
        propose(proposal, actor=_representative(sender, Action.INITIATE), now=now)
    return found.select_related("initiator").get()


def _trust(account: Account, trusted: Account, now: datetime) -> None:
    """Let an account trust another: asked by one representative, approved by a second, active some working days later."""
    row = TrustedAccount.objects.filter(account=account, note=TRUSTED).first() or request_trusted_account(
        identifier=account.identifier,
        trusted=trusted.identifier,
        note=TRUSTED,
        actor=_representative(account, Action.INITIATE),
        now=now,
    )
    if row.state == TrustedAccountState.REQUESTED:
        approver = _representative(account, Action.APPROVE, but=row.requested_by)
        decide_trusted_account(identifier=account.identifier, number=row.pk, approved=True, actor=approver, now=now)


def _issue(made: SeededJurisdiction, demo: DemoIssue, now: datetime) -> None:
    """Let the junior administrator propose an issuance, which a senior one decides."""
    issuance = made.administrative["ISS"]
    if Transaction.objects.filter(acquiring=issuance, client_reference=ISSUANCE).exists():
        return
    cap = IssuanceCap.objects.filter(unit_type__jurisdiction=made.jurisdiction).order_by("id")[0]
    junior = UserRole.objects.filter(role=Role.JUNIOR_REGISTRY_ADMINISTRATOR, jurisdiction=made.jurisdiction)
    issue(
        cap_id=cap.pk,
        acquiring=issuance.identifier,
        quantity=demo.awaits_issuance,
        client_reference=ISSUANCE,
        actor=actor_for(junior.order_by("id")[0].user),
        now=now,
    )


def _representative(account: Account, action: Action, but: User | None = None) -> Actor:
    """Return an active representative of an account who may act so, and is not that user."""
    active = account.representatives.filter(state=RepresentativeState.ACTIVE).select_related("user").order_by("id")
    return next(actor_for(one.user) for one in active if one.user != but and right_permits(Rights(one.rights), action))
