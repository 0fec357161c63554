"""Checks 5xxx: what single types of transaction ask for."""

from collections.abc import Iterator

from accounts.rules.account_types import ACCOUNT_TYPES
from registry.rules.check_table import Finding, about, check
from registry.rules.checks_of_accounts import sending
from registry.rules.checks_of_form import is_quantity, printed
from registry.rules.facts import AccountFacts, Context, Moment
from registry.rules.serials import GREATEST_SERIAL


@check(5001)
def issuance_is_within_its_cap(context: Context) -> Iterator[Finding]:
    cap = context.cap
    if context.type.effect != "mint" or context.proposal.cap is None:
        return
    if cap is None or cap.next_serial is None or not cap.valid:
        yield about(cap=context.proposal.cap, left=0, quantity=context.proposal.quantity)
    elif all(is_quantity(line.quantity) for line in context.proposal.lines):
        left = min(cap.limit - cap.issued, GREATEST_SERIAL + 1 - cap.next_serial)
        if context.proposal.quantity > left:
            yield about(cap=cap.id, left=left, quantity=context.proposal.quantity)


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
    elif obligation.closes_at is not None and context.now > obligation.closes_at:
        yield about(year=obligation.year, opens_at=obligation.closes_at.isoformat())


@check(5010)
def units_are_not_retired(context: Context) -> Iterator[Finding]:
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
