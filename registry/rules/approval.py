"""Whether a transaction needs a second person, and whether it waits before it is executed (domain.md sections 3 and 5)."""

from accounts.rules.account_types import ACCOUNT_TYPES
from registry.rules.facts import AccountFacts, Context
from registry.rules.states import State
from registry.rules.types import Approval


def transferring(context: Context) -> tuple[AccountFacts, ...]:
    """Return the transferring accounts that exist, each once."""
    names = dict.fromkeys(line.transferring for line in context.proposal.lines if line.transferring is not None)
    return tuple(context.accounts[name] for name in names if name in context.accounts)


def approval_of(context: Context) -> Approval | None:
    """Return who must approve it, or None where one person is enough.

    One is enough where a record was approved before (an allocation table), where the holder chose single-person surrender or
    transfers to trusted accounts by one person, and for the registry itself in an exercise.
    """
    kind, senders = context.type, transferring(context)
    if kind.approval is Approval.RECORD or (context.actor.user_id is None and context.exercise):
        return None
    if kind.approval is Approval.ADMINISTRATOR or any(ACCOUNT_TYPES[sender.type].administrative for sender in senders):
        return Approval.ADMINISTRATOR
    if kind.needs_obligation and all(sender.one_person_surrender for sender in senders):
        return None
    if kind.delayed and trusts_all(context) and all(sender.one_person_trusted_transfer for sender in senders):
        return None
    return Approval.REPRESENTATIVE


def trusts_all(context: Context) -> bool:
    """Return whether every line goes to an account that its sender trusts now, or comes from an administrative one."""
    for line in context.proposal.lines:
        sender = context.accounts.get(line.transferring or "")
        if sender is not None and not ACCOUNT_TYPES[sender.type].administrative and line.acquiring not in sender.trusts:
            return False
    return True


def waits(context: Context) -> bool:
    """Return whether it waits once it is approved: transfers to accounts that are not trusted do, but the registry's own."""
    return context.type.delayed and not trusts_all(context) and not (context.actor.user_id is None and context.exercise)


def state_after_approval(context: Context) -> State:
    """Return the state of a transaction that nobody has to approve any more."""
    return State.DELAYED if waits(context) else State.COMPLETED


def first_state(context: Context) -> State:
    """Return the state in which a transaction whose checks all pass begins."""
    return State.AWAITING_APPROVAL if approval_of(context) else state_after_approval(context)
