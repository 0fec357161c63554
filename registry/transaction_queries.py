"""Reads of transactions for the API and the administration. Each says in how many statements it answers.

Who may know of which: see `registry.queries`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Value

from accounts import queries as people
from accounts.models import Account
from accounts.rules.access import EVERYWHERE, Actor, Role
from registry.identity import EPOCH
from registry.models import Recognition, Transaction, TransactionBlock, TransactionStep
from registry.operations.outcome import MovedRange, Outcome, StepTaken
from registry.rules.crossings import Recognised
from registry.rules.states import State
from registry.rules.types import Approval
from registry.rules.warnings import WAITING
from registry.warning_queries import warnings_for

# Whose reader has more accounts than this reads a page by one condition instead of two for each account.
MOST_BRANCHES = 20


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Which transactions are asked for; None: whichever. Times are the registry's clock, `[proposed_from, proposed_before)`."""

    type: str | None = None
    state: str | None = None
    account: str | None = None
    unit_type: str | None = None
    proposed_from: datetime | None = None
    proposed_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class TransactionList:
    """Rows in no order and, where they are those of few accounts, what a page of them is found among (see `page`)."""

    rows: QuerySet[Transaction]
    among: tuple[QuerySet[Transaction], ...] = ()


def transactions_of(actor: Actor, wanted: TransactionFilter) -> TransactionList:
    """Return the transactions that touch an account the actor may know of. The order is the caller's; ids sort by time.

    `names_its_accounts` says whether the reader may know the accounts at its head (a transaction may have several pairs).
    """
    every, visible = _visible_transactions(actor)
    own = list(people.represented_account_ids(actor)[: MOST_BRANCHES + 1])
    if wanted.account is not None:
        accounts = list(Account.objects.filter(identifier=wanted.account).values_list("id", flat=True))
    else:
        accounts = own if people.readable_jurisdictions(actor) == frozenset() else []
    if wanted.account is None and not 0 < len(accounts) <= MOST_BRANCHES:
        return TransactionList(_narrowed(every.filter(visible), wanted))
    found = _narrowed(every if set(accounts) <= set(own) else every.filter(visible), wanted)
    if not accounts:
        return TransactionList(found.none())
    sides = [Q(blocks__from_account_id=account) for account in accounts]
    sides += [Q(blocks__to_account_id=account) for account in accounts]
    return TransactionList(every, tuple(found.filter(side) for side in sides))


def transaction_of(actor: Actor, transaction_id: UUID) -> Outcome | None:
    """Return one transaction with those of its ranges that the actor may know of and its steps; None: not found.

    In four statements at most. Who acted and why is told to readers of the transferring account only.
    """
    every, visible = _visible_transactions(actor)
    found = every.filter(visible, id=transaction_id).first()
    if found is None:
        return None
    outcome = _outcome(found, ranges_of(actor).filter(transaction=found).order_by("origin_id", "first_no", "id"))
    knows = people.visible_accounts(actor).filter(pk=found.transferring_id or found.acquiring_id).exists()
    steps = tuple(
        StepTaken(
            event=step.event,
            from_state=step.from_state,
            to_state=step.to_state,
            at=step.at,
            by=f"user:{step.user_id}" if knows and step.user_id else None,
            reason=step.reason if knows else "",
            failures=tuple(step.failures) if knows else (),
        )
        for step in TransactionStep.objects.filter(transaction=found).order_by("id")
    )
    initiator = f"user:{found.initiator_id}" if knows and found.initiator_id else None
    return replace(outcome, initiated_by=initiator, steps=steps)


def with_warnings(outcome: Outcome, *, now: datetime) -> Outcome:
    """Return a transaction with what it is warned of while it waits, in three statements at most."""
    found = warnings_for(Transaction.objects.select_related("jurisdiction").filter(pk=outcome.transaction_id), now=now)
    return replace(outcome, warnings=found.get(outcome.transaction_id, ()))


def awaiting_administrators(actor: Actor) -> QuerySet[Transaction]:
    """Return what waits for a senior administrator where the actor is one, the oldest first, in one statement.

    What the actor proposed is among it: then another one decides.
    """
    waiting = Transaction.objects.filter(
        Q(type__approval=Approval.ADMINISTRATOR) | Q(transferring__type__administrative=True),
        state=State.AWAITING_APPROVAL,
        completed_at__isnull=True,
    ).order_by("proposed_at", "id")
    senior = Role.SENIOR_REGISTRY_ADMINISTRATOR
    if actor.has_role(senior, EVERYWHERE):
        return waiting
    named = {role.rpartition("@")[2] for role in actor.roles}
    return waiting.filter(jurisdiction__code__in=[code for code in named if actor.has_role(senior, code)])


def waiting_for(actor: Actor) -> QuerySet[Transaction]:
    """Return what waits for the actor as a senior administrator, and what the actor proposed that waits, the oldest first."""
    own = Q(initiator_id=actor.user_id, state=State.AWAITING_APPROVAL, completed_at__isnull=True)
    decides = Q(pk__in=awaiting_administrators(actor).order_by().values("pk"))
    return Transaction.objects.filter(decides | own).order_by("proposed_at", "id")


def outcomes_without_ranges(rows: Sequence[Transaction], *, now: Callable[[], datetime]) -> list[Outcome]:
    """Return rows of `transactions_of` as a list shows them, with what they are warned of while they wait.

    `now` is asked only where something waits.
    """
    warnings = warnings_for(rows, now=now()) if any(row.state in WAITING for row in rows) else {}
    return [replace(_outcome(row, ()), warnings=warnings.get(row.pk, ())) for row in rows]


def _visible_transactions(actor: Actor) -> tuple[QuerySet[Transaction], Q]:
    """Return all transactions, saying of each whether it names its accounts to the actor, and which of them the actor may see."""
    transactions = Transaction.objects.select_related("transferring", "acquiring", "jurisdiction")
    readable = people.readable_jurisdictions(actor)
    if readable is None:
        return transactions.annotate(names_its_accounts=Value(True, BooleanField())), Q()
    own = people.represented_account_ids(actor)
    of_the_head = (
        Q(jurisdiction__code__in=readable)
        | Q(acquiring__jurisdiction__code__in=readable)
        | Q(transferring_id__in=own)
        | Q(acquiring_id__in=own)
    )
    names = ExpressionWrapper(of_the_head, BooleanField())
    return transactions.annotate(names_its_accounts=names), of_the_head | _touching(own)


def _touching(accounts: QuerySet) -> Q:  # type: ignore[type-arg]
    """Return the condition that a transaction moves a range from or to one of the accounts."""
    moved = TransactionBlock.objects.order_by()
    return Q(id__in=moved.filter(from_account_id__in=accounts).values("transaction_id")) | Q(
        id__in=moved.filter(to_account_id__in=accounts).values("transaction_id")
    )


def _narrowed(transactions: QuerySet[Transaction], wanted: TransactionFilter) -> QuerySet[Transaction]:
    """Keep what the filter names, its account apart."""
    if wanted.type is not None:
        transactions = transactions.filter(type_id=wanted.type)
    if wanted.state is not None:
        transactions = transactions.filter(state=wanted.state)
    if wanted.unit_type is not None:
        ranges = TransactionBlock.objects.filter(transaction=OuterRef("pk"), series__unit_type__code=wanted.unit_type)
        transactions = transactions.filter(Exists(ranges))
    # Identifiers sort by the time of proposal (UUIDv7), so their index finds a time; the column decides within a millisecond.
    if wanted.proposed_from is not None:
        transactions = transactions.filter(
            id__gte=_first_id(wanted.proposed_from), proposed_at__gte=wanted.proposed_from
        )
    if wanted.proposed_before is not None:
        latest = _first_id(wanted.proposed_before, milliseconds_later=1)
        transactions = transactions.filter(id__lt=latest, proposed_at__lt=wanted.proposed_before)
    return transactions


def _first_id(instant: datetime, milliseconds_later: int = 0) -> UUID:
    elapsed = instant - EPOCH
    milliseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000 + milliseconds_later
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


def ranges_of(actor: Actor) -> QuerySet[TransactionBlock]:
    """Return the ranges with an account on either side that the actor may know of."""
    ranges = TransactionBlock.objects.select_related(
        "origin",
        "series__unit_type",
        "from_account",
        "to_account",
        "recognition",
        "to_recognition",
        "to_series__unit_type",
        "made_from__origin",
        "made_from__series__unit_type",
        "made_from__from_account",
        "made_from__to_account",
        "made_from__recognition",
    )
    readable = people.readable_jurisdictions(actor)
    if readable is None:
        return ranges
    own = people.represented_account_ids(actor)
    return ranges.filter(
        Q(from_account_id__in=own)
        | Q(to_account_id__in=own)
        | Q(from_account__jurisdiction__code__in=readable)
        | Q(to_account__jurisdiction__code__in=readable)
    )


def _outcome(found: Transaction, ranges: Sequence[TransactionBlock] | QuerySet[TransactionBlock]) -> Outcome:
    names = getattr(found, "names_its_accounts", False)
    transferring = None if found.transferring is None or not names else found.transferring.identifier
    return Outcome(
        transaction_id=found.id,
        type=found.type_id,
        state=found.state,
        transferring=transferring,
        acquiring=found.acquiring.identifier if names else "",
        quantity=found.quantity,
        ranges=tuple(_moved(part) for part in ranges),
        obligation=found.obligation_id,
        allocation=found.allocation_id,
        reason=found.reason,
        beneficiary=found.beneficiary,
        client_reference=found.client_reference,
        proposed_at=found.proposed_at,
        completed_at=found.completed_at,
        returns=found.returns_id,
        reverses=None if found.reverses_id is None else str(found.reverses_id),
        reference=found.reference,
        expires_at=found.expires_at,
        due_at=found.due_at,
    )


def _moved(part: TransactionBlock) -> MovedRange:
    return MovedRange(
        registry=part.origin.registry_code,
        unit_type=part.series.unit_type.code,
        vintage=part.series.vintage,
        first=part.first_no,
        next=part.next_no,
        transferring=None if part.from_account is None else part.from_account.identifier,
        acquiring=part.to_account.identifier,
        becomes=part.to_series.unit_type.code
        if part.to_series is not None
        else ""
        if part.to_recognition is None
        else part.to_recognition.applicable_period,
        made_from=None if part.made_from is None else _moved(part.made_from),
        recognition=recognised(part.recognition),
        to_recognition=recognised(part.to_recognition or part.recognition),
    )


def recognised(row: Recognition) -> Recognised | None:
    """Return what units count as abroad; None: this is what they count as at home."""
    if row.agreement_id is None:
        return None
    return Recognised(row.pk, row.rate_numerator, row.rate_denominator)
