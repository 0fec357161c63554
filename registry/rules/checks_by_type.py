"""Checks 5xxx: what single types of transaction ask for."""

from collections.abc import Iterator
from datetime import timedelta

from accounts.rules.account_types import ACCOUNT_TYPES, Family
from accounts.rules.statuses import AccountStatus
from registry.rules.check_table import Finding, about, check
from registry.rules.checks_of_accounts import sending
from registry.rules.checks_of_form import is_quantity, printed
from registry.rules.deadlines import Counts
from registry.rules.facts import AccountFacts, Context, Moment, Piece, units_of
from registry.rules.proposal import Line, SerialRange
from registry.rules.serials import GREATEST_SERIAL
from registry.rules.states import State
from registry.rules.types import Effect


@check(5001)
def issuance_is_within_its_cap(context: Context) -> Iterator[Finding]:
    yield from _conversion_is_within_its_caps(context)
    cap = context.cap
    if context.type.effect != "mint" or context.proposal.cap is None:
        return
    if cap is None or cap.next_serial is None or not cap.valid:
        yield about(cap=context.proposal.cap, left=0, quantity=context.proposal.quantity)
    elif all(is_quantity(line.quantity) for line in context.proposal.lines):
        left = min(cap.limit - cap.issued, GREATEST_SERIAL + 1 - cap.next_serial)
        if context.proposal.quantity > left:
            yield about(cap=cap.id, left=left, quantity=context.proposal.quantity)


def _conversion_is_within_its_caps(context: Context) -> Iterator[Finding]:
    """What a conversion makes counts under the caps of the type it makes, which an issuance would count under too."""
    if context.type.effect is not Effect.CONVERT:
        return
    known, wanted, left = sending(context), dict[tuple[str, int], int](), dict[tuple[str, int], int]()
    for found in context.lines:
        if found.line.transferring not in known:
            continue
        for registry, unit_type, piece in units_of(found):
            rule = context.conversions.get((registry, unit_type))
            if rule is not None:
                made = (rule.to, piece.vintage)
                wanted[made] = wanted.get(made, 0) + piece.quantity
                left[made] = rule.left.get(piece.vintage, 0)
    for (unit_type, vintage), quantity in sorted(wanted.items()):
        if quantity > left[unit_type, vintage]:
            yield about(cap=f"{unit_type} {vintage}", left=left[unit_type, vintage], quantity=quantity)


@check(5002)
def allocation_is_what_the_table_grants(context: Context) -> Iterator[Finding]:
    granted, wanted = context.allocation, context.proposal.allocation
    if not context.type.needs_allocation or wanted is None:
        return
    if granted is None or granted.withheld or granted.delivered or len(context.proposal.lines) != 1:
        yield about(allocation=wanted)
        return
    line = context.proposal.lines[0]
    account = context.accounts.get(line.acquiring)
    if (line.registry, line.unit_type, line.vintage, line.quantity, account and account.installation_id) != (
        granted.registry,
        granted.unit_type,
        granted.vintage,
        granted.quantity,
        granted.installation_id,
    ):
        yield about(allocation=wanted)


@check(5003, transient=True)
def allocation_table_is_approved(context: Context) -> Iterator[Finding]:
    if context.type.needs_allocation and context.allocation is not None and not context.allocation.approved:
        yield about(allocation=context.allocation.id)


@check(5004)
def vintages_are_eligible(context: Context) -> Iterator[Finding]:
    obligation = context.obligation
    if not context.type.needs_obligation or obligation is None:
        return
    latest, known = obligation.eligible_until_vintage, sending(context)
    for found in context.lines:
        if found.line.transferring not in known:
            continue
        for named in found.named:
            if named.piece is not None and named.piece.vintage > latest:
                yield about(printed(named.serials), vintage=named.piece.vintage, latest=latest)
        if not found.named and found.line.vintage is not None and found.line.vintage > latest:
            yield about(vintage=found.line.vintage, latest=latest)


@check(5005, transient=True)
def surrender_window_is_open(context: Context) -> Iterator[Finding]:
    obligation = context.obligation
    if not context.type.needs_obligation or obligation is None:
        return
    if obligation.opens_at is not None and context.now < obligation.opens_at:
        yield about(year=obligation.year, opens_at=obligation.opens_at.isoformat())
        return
    # Where the proposal counts, an approval is of what was proposed in time.
    if obligation.counts == Counts.PROPOSED and context.moment is not Moment.PROPOSAL:
        return
    if obligation.closes_at is not None and context.now > obligation.closes_at:
        yield about(year=obligation.year, opens_at=obligation.closes_at.isoformat())
    elif obligation.determined_at is not None and context.now <= obligation.determined_at:
        # The clock was read before a deadline at which the status is determined by now: nothing can be in time for it any more.
        yield about(year=obligation.year, opens_at=obligation.determined_at.isoformat())


@check(5006)
def original_is_undone_at_most_once(context: Context) -> Iterator[Finding]:
    if context.type.needs_original and context.original is not None and context.original.reversed:
        yield about(context.original.id, transaction=context.original.id)


@check(5007)
def original_is_undone_in_time(context: Context) -> Iterator[Finding]:
    original = context.original
    if not context.type.needs_original or original is None or original.completed_at is None:
        return
    latest = original.completed_at + timedelta(days=original.limit_days)
    # An approval is of what was proposed in time.
    if context.moment is Moment.PROPOSAL and context.now > latest:
        yield about(original.id, transaction=original.id, latest=latest.isoformat())


@check(5013)
def units_are_valid_or_lapse(context: Context) -> Iterator[Finding]:
    lapses = context.type.family is Family.LAPSE
    if context.type.effect in {Effect.MINT, Effect.RESTORE}:
        return
    for found in context.lines:
        for named in found.named:
            has_expired = named.valid_until is not None and named.valid_until <= context.now
            if named.piece is not None and has_expired != lapses:
                until = "" if named.valid_until is None else named.valid_until.isoformat()
                yield about(printed(named.serials), serials=printed(named.serials), valid_until=until)


@check(5014, reference="domain.md 5: a completed transfer between different holders is final")
def undoing_is_permitted(context: Context) -> Iterator[Finding]:
    wanted, original = context.proposal.reverses, context.original
    if not context.type.needs_original or wanted is None:
        return
    moved = frozenset(
        (line.acquiring, line.transferring, serials.registry, serials.first, serials.next)
        for line in context.proposal.lines
        for serials in line.serials
    )
    is_final = context.type.family is Family.CORRECTION and original is not None and not original.one_holder
    if (
        original is None
        or original.state != State.COMPLETED
        or original.type not in context.type.undoes
        or (not context.actor.administers(original.jurisdiction) and context.moment is not Moment.EXECUTION)
        or moved != original.ranges
        or (is_final and not context.proposal.reference.strip())
    ):
        yield about(wanted, transaction=wanted)


@check(5016, reference="domain.md 5: a closure transfer empties an account that closes")
def closing_account_is_emptied(context: Context) -> Iterator[Finding]:
    if context.type.family is not Family.CLOSURE:
        return
    for name, account in sending(context).items():
        if account.status != AccountStatus.CLOSURE_PENDING:
            yield about(name, account=name)


@check(5008)
def return_is_within_the_excess(context: Context) -> Iterator[Finding]:
    wanted, found = context.proposal.returns, context.returns
    if not context.type.needs_excess or wanted is None:
        return
    line = context.proposal.lines[0]
    account = context.accounts.get(line.transferring or "")
    quantity = context.proposal.quantity if all(is_quantity(one.quantity) for one in context.proposal.lines) else 0
    # What waits is counted from its proposal on.
    left = (
        0 if found is None else found.excess - found.returned + (0 if context.moment is Moment.PROPOSAL else quantity)
    )
    is_the_accounts = found is not None and account is not None and account.installation_id == found.installation_id
    same_units = found is not None and all(
        (one.registry, one.unit_type, one.vintage) == (found.registry, found.unit_type, found.vintage)
        for one in context.proposal.lines
    )
    if not is_the_accounts or not same_units or quantity > left:
        yield about(allocation=wanted, left=left if is_the_accounts else 0, quantity=quantity)


def _units_sent(context: Context) -> Iterator[tuple[Line, str, str, Piece]]:
    """Yield what would leave the accounts that the actor may know of: its line, registry, unit type and piece."""
    known = sending(context)
    for found in context.lines:
        if found.line.transferring in known:
            for registry, unit_type, piece in units_of(found):
                yield found.line, registry, unit_type, piece


@check(5009, reference="domain.md 5: carry-over under the banking rule")
def units_may_be_carried_over(context: Context) -> Iterator[Finding]:
    if context.type.family is not Family.CARRY_OVER:
        return
    for line, registry, unit_type, piece in _units_sent(context):
        rule = context.carry_overs.get((registry, unit_type))
        if (
            rule is None
            or not rule.first_vintage <= piece.vintage <= rule.last_vintage
            or context.periods.get(piece.recognition_id) == rule.to_period
            # What waits was recorded to go into this period; the rule may have been rewritten since.
            or line.becomes not in {"", rule.to_period}
        ):
            serials = printed(SerialRange(registry, piece.first, piece.next))
            yield about(serials, serials=serials, vintage=piece.vintage)


@check(5017, reference="domain.md 5: unit conversion, inside its window")
def units_may_be_converted(context: Context) -> Iterator[Finding]:
    """By the rule of their type, in their own registry; not what was carried over, whose period would be lost."""
    if context.type.effect is not Effect.CONVERT:
        return
    for line, registry, unit_type, piece in _units_sent(context):
        rule = context.conversions.get((registry, unit_type))
        if (
            rule is None
            or registry != context.accounts[line.transferring or ""].registry
            or rule.year > piece.vintage + rule.years
            or piece.recognition_id != 0
            # What waits was recorded to become units of this type; the rule may have been rewritten since.
            or line.becomes not in {"", rule.to}
        ):
            serials = printed(SerialRange(registry, piece.first, piece.next))
            yield about(serials, serials=serials, unit_type=unit_type, vintage=piece.vintage)


@check(5010)
def units_are_not_retired(context: Context) -> Iterator[Finding]:
    if context.type.effect is Effect.RESTORE:
        return
    known = sending(context)
    for found in context.lines:
        if found.line.transferring not in known:
            continue
        for named in found.named:
            if named.retired and named.account_id == known[found.line.transferring].id:
                yield about(printed(named.serials), serials=printed(named.serials))


@check(5015, reference="domain.md 5: a surrender is for a named obligation")
def obligation_is_the_surrendering_installations(context: Context) -> Iterator[Finding]:
    wanted, found = context.proposal.obligation, context.obligation
    if not context.type.needs_obligation or wanted is None:
        return
    for account in sending(context).values():
        if found is None or found.installation_id != account.installation_id:
            yield about(account.identifier, obligation=wanted)


def _brings(sender: AccountFacts | None, acquirer: AccountFacts | None) -> bool:
    """Whether units would come to a holder from another one: not what the registry delivers, nor what stays with its holder."""
    if sender is None or acquirer is None or ACCOUNT_TYPES[sender.type].administrative:
        return False
    return (sender.holder_id, sender.jurisdiction_id) != (acquirer.holder_id, acquirer.jurisdiction_id)


@check(5011, transient=True, reference="domain.md 6: pending receipts count")
def holding_limit_is_kept(context: Context) -> Iterator[Finding]:
    """What waits is among the pending receipts, so it is judged as it counts already. A sender learns nothing of what is held."""
    known = sending(context)
    coming: dict[str, int] = {}
    for line in context.proposal.lines:
        acquirer = context.accounts.get(line.acquiring)
        if _brings(known.get(line.transferring or ""), acquirer) and is_quantity(line.quantity):
            coming[line.acquiring] = coming.get(line.acquiring, 0) + line.quantity
    by_holder: dict[tuple[int | None, int], int] = {}
    for name, units in coming.items():
        holder = (context.accounts[name].holder_id, context.accounts[name].jurisdiction_id)
        by_holder[holder] = by_holder.get(holder, 0) + units
    for name in coming:
        account = context.accounts[name]
        if account.holding_limit is None:
            continue
        holder, counted = (account.holder_id, account.jurisdiction_id), account.holding_limit
        after = counted.held + counted.pending
        if context.moment is Moment.PROPOSAL:
            after += context.brought_before.get(holder, 0) + by_holder[holder]
        if after > counted.limit:
            yield about(name, account=name, quantity=by_holder[holder])
