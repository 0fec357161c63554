"""Checks 4xxx: the accounts of the proposal, who proposes, and the units they hold.

A transferring account that the actor has no right to know of is only not found (4001); no other check speaks of it.
"""

from collections.abc import Iterator

from accounts.rules.access import Act, Role
from accounts.rules.account_types import ACCOUNT_TYPES
from accounts.rules.identifiers import MalformedIdentifier, parse_account_identifier
from accounts.rules.representatives import Action, Rights, right_permits
from accounts.rules.statuses import AccountStatus, Movement, status_allows
from registry.rules.approval import approval_of
from registry.rules.check_table import Finding, about, check
from registry.rules.checks_of_form import is_quantity, printed
from registry.rules.facts import AccountFacts, Context, LineFacts, Moment
from registry.rules.types import Approval, Effect


def knows(context: Context, account: AccountFacts) -> bool:
    """Return whether the actor has a right to know that an account exists. What is executed when due, nobody asked for."""
    if context.moment is Moment.EXECUTION:
        return True
    return account.right is not None or context.actor.may(Act.READ_EVERY_ACCOUNT, account.jurisdiction)


def sending(context: Context) -> dict[str, AccountFacts]:
    """Return the transferring accounts that exist, as far as the actor may know of them."""
    names = [line.transferring for line in context.proposal.lines if line.transferring is not None]
    found = {name: context.accounts[name] for name in dict.fromkeys(names) if name in context.accounts}
    return {name: account for name, account in found.items() if knows(context, account)}


def acquiring(context: Context) -> dict[str, AccountFacts]:
    """Return the acquiring accounts that exist."""
    names = dict.fromkeys(line.acquiring for line in context.proposal.lines)
    return {name: context.accounts[name] for name in names if name in context.accounts}


def _is_well_formed(identifier: str) -> bool:
    try:
        parse_account_identifier(identifier)
    except MalformedIdentifier:
        return False
    return True


@check(4001)
def transferring_account_exists(context: Context) -> Iterator[Finding]:
    known = sending(context)
    for name in dict.fromkeys(line.transferring for line in context.proposal.lines):
        if name is not None and name not in known and _is_well_formed(name):
            yield about(name, account=name)


@check(4002)
def acquiring_account_exists(context: Context) -> Iterator[Finding]:
    known = acquiring(context)
    for name in dict.fromkeys(line.acquiring for line in context.proposal.lines):
        if name not in known and _is_well_formed(name):
            yield about(name, account=name)


@check(4003, transient=True)
def transferring_account_status_allows(context: Context) -> Iterator[Finding]:
    for name, account in sending(context).items():
        if account.frozen:
            yield about(name, account=name, status="FROZEN")
        elif not status_allows(AccountStatus(account.status), context.type.movement):
            yield about(name, account=name, status=account.status)


@check(4004, transient=True)
def acquiring_account_status_allows(context: Context) -> Iterator[Finding]:
    wanted = Movement.UNDO if context.type.needs_original else Movement.TRANSFER_IN
    for name, account in acquiring(context).items():
        if account.frozen or not status_allows(AccountStatus(account.status), wanted):
            yield about(name, account=name)


@check(4005)
def accounts_differ(context: Context) -> Iterator[Finding]:
    """Units that are carried over stay in their account: there the two are the same."""
    stays = context.type.effect is Effect.CARRY
    for line in context.proposal.lines:
        if (line.transferring == line.acquiring) != stays:
            yield about(line.acquiring, account=line.acquiring)


@check(4006)
def transferring_account_type_may_send(context: Context) -> Iterator[Finding]:
    for name, account in sending(context).items():
        if account.type not in context.type.from_types:
            yield about(name, account=name, type=context.type.code)


@check(4007)
def acquiring_account_type_may_hold_these_units(context: Context) -> Iterator[Finding]:
    for name, account in acquiring(context).items():
        kinds = {unit.kind for unit in context.unit_types.values()}
        holds = {str(kind) for kind in ACCOUNT_TYPES[account.type].unit_kinds}
        # Only the settlement lets a part of a surrender go elsewhere: the margin of units from abroad.
        is_new = context.moment is Moment.PROPOSAL and context.type.effect is Effect.RETIRE
        retires = not is_new or ACCOUNT_TYPES[account.type].retires
        if account.type not in context.type.to_types or not kinds <= holds or not retires:
            yield about(name, account=name, type=context.type.code)


def _lines_with_senders(context: Context) -> Iterator[tuple[LineFacts, AccountFacts]]:
    """The lines whose transferring account may be spoken of, with it."""
    known = sending(context)
    for found in context.lines:
        if found.line.transferring in known:
            yield found, known[found.line.transferring]


@check(4008)
def units_are_held(context: Context) -> Iterator[Finding]:
    for found, account in _lines_with_senders(context):
        line = found.line
        for named in found.named:
            is_other = line.recognition is not None and named.piece and named.piece.recognition_id != line.recognition
            if named.account_id != account.id or (line.unit_type and named.unit_type != line.unit_type) or is_other:
                yield about(printed(named.serials), serials=printed(named.serials), account=account.identifier)


@check(4009, transient=True)
def units_are_free(context: Context) -> Iterator[Finding]:
    for found, account in _lines_with_senders(context):
        for named in found.named:
            if named.account_id == account.id and named.bound:
                yield about(printed(named.serials), serials=printed(named.serials))


@check(4010, transient=True)
def balance_is_sufficient(context: Context) -> Iterator[Finding]:
    for found, account in _lines_with_senders(context):
        line = found.line
        if line.serials or not is_quantity(line.quantity):
            continue
        if (line.registry, line.unit_type) in context.unit_types and line.quantity > found.free:
            yield about(
                account.identifier,
                account=account.identifier,
                quantity=line.quantity,
                free=found.free,
                unit_type=line.unit_type,
            )


@check(4012)
def actor_has_the_right(context: Context) -> Iterator[Finding]:
    if context.moment is Moment.EXECUTION:
        # Nobody acts: what is due was initiated and approved by those who had the right then.
        return
    accounts = acquiring(context) if context.type.effect == "mint" else sending(context)
    approves = context.moment is Moment.APPROVAL
    for name, account in accounts.items():
        if context.type.by_order or ACCOUNT_TYPES[account.type].administrative:
            permitted = (
                context.actor.has_role(Role.SENIOR_REGISTRY_ADMINISTRATOR, account.jurisdiction)
                if approves
                else context.actor.administers(account.jurisdiction)
            )
        else:
            permitted = account.right is not None and right_permits(Rights(account.right), _action(context, approves))
        if not permitted:
            yield about(name, account=name)


def _action(context: Context, approves: bool) -> Action:
    if approves:
        return Action.APPROVE
    return Action.INITIATE_SURRENDER if context.type.needs_obligation else Action.INITIATE


def may_withdraw(context: Context) -> Iterator[Finding]:
    """Find the transferring accounts for which the actor may not stop what waits (check 4012)."""
    accounts = acquiring(context) if context.type.effect == "mint" else sending(context)
    for name, account in accounts.items():
        right = None if account.right is None else Rights(account.right)
        acts = right is not None and any(right_permits(right, act) for act in (_action(context, False), Action.APPROVE))
        if not acts and not context.actor.administers(account.jurisdiction):
            yield about(name, account=name)


@check(4013, reference="domain.md 1: whoever initiates never approves")
def two_persons_act(context: Context) -> Iterator[Finding]:
    wanted = approval_of(context)
    if context.moment is Moment.APPROVAL:
        if context.actor.user_id is None or context.actor.user_id == context.initiator_id:
            yield about()
    elif context.moment is Moment.PROPOSAL and wanted is not None:
        if context.actor.user_id is None:
            yield about()
        elif wanted is Approval.REPRESENTATIVE:
            for name, account in sending(context).items():
                if not account.other_approvers:
                    yield about(name, account=name)


@check(4011, reference="domain.md 3")
def untrusted_transfers_are_allowed(context: Context) -> Iterator[Finding]:
    known = sending(context)
    for line in context.proposal.lines:
        sender = known.get(line.transferring or "")
        if context.type.delayed and sender is not None and sender.trusted_only and line.acquiring not in sender.trusts:
            yield about(line.acquiring, account=sender.identifier, acquiring=line.acquiring)


def _initiator_id(context: Context) -> int | None:
    return context.actor.user_id if context.moment is Moment.PROPOSAL else context.initiator_id


@check(4014, transient=True, reference="domain.md 5: account <= jurisdiction <= system")
def limits_are_kept(context: Context) -> Iterator[Finding]:
    """The registry itself is not limited. What waits is in what is used, so it is judged as it counts already."""
    if not context.type.limited or _initiator_id(context) is None:
        return
    proposed = context.moment is Moment.PROPOSAL
    for name, account in sending(context).items():
        if account.limits is None or ACCOUNT_TYPES[account.type].administrative:
            continue
        asked = sum(
            row.quantity for row in context.proposal.lines if row.transferring == name and is_quantity(row.quantity)
        )
        used = account.limits.used + context.sent_before.get(name, 0)
        for level in account.limits.levels:
            told: dict[str, str | int] = {"account": name, "level": level.level, "quantity": asked}
            if level.per_transaction is not None and asked > level.per_transaction:
                limit = level.per_transaction
                yield about(name, per="transaction", limit=limit, used=0, left=limit, **told)
            if level.per_day is not None and used + (asked if proposed else 0) > level.per_day:
                left = max(0, level.per_day - used)
                yield about(name, per="day", limit=level.per_day, used=used, left=left, **told)


@check(4017, reference="domain.md 5")
def accounts_are_of_one_registry(context: Context) -> Iterator[Finding]:
    known = sending(context)
    for line in context.proposal.lines:
        if not context.type.within_one_registry or line.acquiring not in context.accounts:
            continue
        home = context.accounts[line.acquiring].jurisdiction
        other = context.cap.jurisdiction if context.cap else None
        if line.transferring in known:
            other = known[line.transferring].jurisdiction
        if other is not None and other != home:
            yield about(line.acquiring, account=line.acquiring, type=context.type.code)
