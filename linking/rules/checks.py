"""Checks 6xxx: whether units may cross a link, and what units abroad may do (linking.md sections 1 to 4).

Each is a function of the context and of what is known of the link; the table of checks lists them with the registry's own.
PostgreSQL judges the same by itself (linking/migrations/sql/0001_crossing.sql).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from zoneinfo import ZoneInfo

from linking.rules import reciprocity
from linking.rules.crossing import CorridorFacts, LinkFacts, Part, QuotaFacts, QuotaName, parts_of
from linking.rules.degrees import Degree, corridor_is_open
from linking.rules.quotas import counted, use_limit
from linking.rules.rates import Rate, value_of
from linking.rules.terms import Measure, Settling, Terms, UseQuotaNode
from registry.rules.approval import first_state, state_after_approval
from registry.rules.check_table import Check, Failure, Finding, Group, about, add
from registry.rules.checks_of_accounts import sending
from registry.rules.checks_of_form import is_quantity
from registry.rules.facts import Context, Moment
from registry.rules.states import State
from registry.rules.types import Effect

Judge = Callable[[Context, LinkFacts], Iterator[Finding]]
_JUDGES: dict[int, Judge] = {}
# What ends a transaction that waits, before its time: its terms let it settle no more, or bind its units.
TERMS_HAVE_ENDED = frozenset({6007, 6014})


def link_check(code: int, *, transient: bool = False, reference: str = "linking.md 3") -> Callable[[Judge], Judge]:
    """Declare a check of the link under its code. Raises: CodeUsedTwice, at import."""

    def declare(judge: Judge) -> Judge:
        add(Check(code, judge.__name__, Group.LINK, transient, reference, None))
        _JUDGES[code] = judge
        return judge

    return declare


def run(context: Context, facts: LinkFacts) -> tuple[Failure, ...]:
    """Return every failure of every check of the link, in the order of their codes."""
    return tuple(
        Failure(code, finding.params, finding.subjects)
        for code, judge in sorted(_JUDGES.items())
        for finding in judge(context, facts)
    )


def known_parts(context: Context) -> tuple[Part, ...]:
    """Return what moves from accounts that the actor may know of."""
    known = sending(context)
    return tuple(part for part in parts_of(context) if part.sender.identifier in known)


def _entries(context: Context, facts: LinkFacts) -> Iterator[tuple[CorridorFacts | None, list[Part]]]:
    """Yield each corridor that is entered, None where there is no such link, with what enters by it."""
    if context.type.effect is not Effect.CROSS:
        return
    by_way: dict[tuple[int, int], list[Part]] = defaultdict(list)
    for part in known_parts(context):
        if part.enters:
            by_way[part.origin_id, part.acquirer.jurisdiction_id].append(part)
    for way, parts in by_way.items():
        yield facts.corridors.get(way), parts


def _under_terms(context: Context, facts: LinkFacts) -> Iterator[tuple[CorridorFacts, Terms, list[Part]]]:
    """Yield the corridors entered whose terms are in force."""
    for corridor, parts in _entries(context, facts):
        if corridor is not None and corridor.agreement is not None:
            yield corridor, corridor.agreement.terms, parts


def _name(corridor: CorridorFacts | None, parts: list[Part]) -> str:
    if corridor is None:
        return f"{parts[0].registry}-{parts[0].acquirer.registry}"
    return f"{corridor.origin} -> {corridor.destination}"


def _units(parts: list[Part]) -> int:
    return sum(part.quantity for part in parts if is_quantity(part.quantity))


@link_check(6001, transient=True, reference="linking.md 2")
def link_is_in_force(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    for corridor, parts in _entries(context, facts):
        degree = Degree.NONE if corridor is None else Degree(corridor.degree)
        shut = sorted(
            {
                part.unit_type
                for part in parts
                if corridor is None
                or not corridor_is_open(
                    degree,
                    is_the_unilateral_one=corridor.is_the_open_one,
                    of_listed_mechanism=part.unit_type in corridor.mechanisms,
                )
            }
        )
        for unit_type in shut:
            name = _name(corridor, parts)
            yield about(name, corridor=name, degree=str(degree), unit_type=unit_type)


@link_check(6002, transient=True)
def direction_is_recognised(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    for corridor, parts in _entries(context, facts):
        if corridor is not None and corridor.agreement is None and not any(part.is_foreign for part in parts):
            name = _name(corridor, parts)
            yield about(name, corridor=name)


@link_check(6003)
def unit_type_is_recognised(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    for corridor, terms, parts in _under_terms(context, facts):
        for unit_type in sorted({part.unit_type for part in parts} - set(terms.unit_types)):
            yield about(unit_type, corridor=_name(corridor, parts), unit_type=unit_type)


@link_check(6004)
def vintage_is_recognised(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    for corridor, terms, parts in _under_terms(context, facts):
        for vintage in sorted({part.vintage for part in parts if part.vintage is not None}):
            if not terms.recognises_vintage(vintage):
                yield about(str(vintage), corridor=_name(corridor, parts), vintage=vintage)


@link_check(6005, transient=True)
def link_quotas_are_kept(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    # What waits has its quota reserved.
    if context.moment is not Moment.PROPOSAL:
        return
    for corridor, terms, parts in _under_terms(context, facts):
        for name, limit, asked in quotas_asked(corridor, terms, parts):
            row = facts.quotas.get(name, QuotaFacts(0, 0))
            if limit is not None and asked > max(0, limit - row.taken):
                yield about(
                    _name(corridor, parts),
                    corridor=_name(corridor, parts),
                    quota=name[0],
                    quantity=asked,
                    limit=limit,
                    left=max(0, limit - row.taken),
                )


def quotas_asked(
    corridor: CorridorFacts, terms: Terms, parts: list[Part]
) -> Iterator[tuple[QuotaName, int | None, int]]:
    """Yield each quota that an entry takes from, with its limit now and how much it would take, in the quota's measure."""
    yield (
        ("entry", corridor.id, corridor.year, None, None),
        entry_limit(corridor, terms),
        _counted_on_entry(terms, parts),
    )
    yield ("leave", corridor.id, corridor.net_year, None, None), corridor.leave_limit, _units(parts)
    for vintage in sorted({part.vintage for part in parts if part.vintage is not None}):
        of_vintage = [part for part in parts if part.vintage == vintage]
        if terms.limit_of_vintage(vintage) is not None:
            yield (
                ("vintage", corridor.id, corridor.year, vintage, None),
                terms.limit_of_vintage(vintage),
                _units(of_vintage),
            )
    if terms.rate.rate.exceeds_one:
        limit = min(terms.rate.reserve, corridor.reserve_held)
        yield ("reserve", corridor.id, 0, None, None), limit, _added(terms, parts)
    if terms.holder_limit is not None:
        for holder in dict.fromkeys(part.acquirer.holder_id for part in parts):
            of_holder = [part for part in parts if part.acquirer.holder_id == holder]
            yield ("holder", corridor.id, corridor.year, None, holder), terms.holder_limit, _units(of_holder)


def entry_limit(corridor: CorridorFacts, terms: Terms) -> int | None:
    """Return the entry quota's limit as the reciprocity clause leaves it, in its measure; None: there is no quota."""
    agreed = None if terms.entry_quota is None else terms.entry_quota.limit
    return reciprocity.tapered_limit(agreed, terms.reciprocity, corridor.imbalance)


def _counted_on_entry(terms: Terms, parts: list[Part]) -> int:
    """What an entry counts in the quota's measure: rounded up for each kind of unit and receiver, as PostgreSQL does."""
    if terms.entry_quota is None:
        return _units(parts)
    return sum(counted(units, terms.rate.rate, terms.entry_quota.measure) for units in _kinds(parts))


def _added(terms: Terms, parts: list[Part]) -> int:
    """What a rate above one makes of the units beyond themselves, rounded up for each kind."""
    return sum(counted(units, terms.rate.rate, Measure.RECOGNISED) - units for units in _kinds(parts))


def _kinds(parts: list[Part]) -> Iterable[int]:
    """The units of each kind and receiver."""
    kinds: dict[tuple[str, int | None, int | None, str], int] = defaultdict(int)
    for part in parts:
        if is_quantity(part.quantity):
            kinds[part.unit_type, part.vintage, part.acquirer.holder_id, part.acquirer.type] += part.quantity
    return kinds.values()


@link_check(6006, transient=True, reference="linking.md 3, domain.md 7")
def operator_quotas_are_kept(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    if not context.type.needs_obligation or context.obligation is None:
        return
    parts = [part for part in known_parts(context) if part.is_foreign]
    for node, base in facts.use_nodes:
        before, after = used_of(node, facts, []), used_of(node, facts, parts)
        limit = use_limit(node, base)
        if after > before and after > limit:
            yield about(
                node.name, node=node.name, year=context.obligation.year, limit=limit, left=max(0, limit - before)
            )


def used_of(node: UseQuotaNode, facts: LinkFacts, parts: list[Part]) -> int:
    """Return the recognised tonnes that count under a node: all surrendered before and these, rounded down once per rate."""
    sums: dict[tuple[int, Rate], int] = defaultdict(int)
    for row in facts.surrendered:
        if node.counts(row.origin, row.unit_type):
            sums[row.origin_id, row.rate] += row.units
    for part in parts:
        recognised = facts.recognitions.get(part.recognition_id)
        if recognised is not None and node.counts(part.issuer, part.unit_type) and is_quantity(part.quantity):
            sums[part.origin_id, recognised.rate] += part.quantity
    return sum(value_of(units, rate) for (_, rate), units in sums.items())


@link_check(6007, reference="linking.md 1: never silently at new terms")
def terms_are_current(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    if context.moment is Moment.PROPOSAL:
        return
    for corridor, _, parts in _under_terms(context, facts):
        agreement = corridor.agreement
        if agreement is not None and agreement.last_settlement_at is not None:
            until = agreement.last_settlement_at
            if context.now >= until:
                name = _name(corridor, parts)
                yield about(name, corridor=name, version=agreement.version, until=until.isoformat())


@link_check(6009, transient=True)
def settlement_day_is_agreed(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    """What would complete now does so on a day that the terms settle on. What is delayed waits for such a day, if any is left."""
    if context.type.effect is not Effect.CROSS:
        return
    states = {Moment.PROPOSAL: first_state, Moment.APPROVAL: state_after_approval}
    completes = context.moment not in states or states[context.moment](context) is State.COMPLETED
    for corridor, terms, parts in _under_terms(context, facts):
        days = terms.settlement_days
        name = _name(corridor, parts)
        if days is Settling.WORKING and completes and facts.closed_days:
            yield about(name, corridor=name, closed=", ".join(sorted(facts.closed_days)))
        elif isinstance(days, tuple):
            today = context.now.astimezone(ZoneInfo(corridor.time_zone)).date()
            if (completes and today not in days) or today > days[-1]:
                yield about(name, corridor=name, closed=corridor.destination)


@link_check(6010, transient=True, reference="linking.md 3: recognition is by issuer, never along a path")
def onward_transfer_is_recognised(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    for corridor, parts in _entries(context, facts):
        if any(part.is_foreign for part in parts) and (corridor is None or corridor.agreement is None):
            name = _name(corridor, parts)
            yield about(name, corridor=name, issuer=parts[0].registry)


@link_check(6011, transient=True, reference="linking.md 1")
def corridor_is_not_suspended(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    for corridor, parts in _entries(context, facts):
        if corridor is not None and corridor.suspended_by:
            name = _name(corridor, parts)
            yield about(name, corridor=name, by=", ".join(corridor.suspended_by))


@link_check(6013, transient=True)
def flows_are_reciprocal(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    if context.moment is not Moment.PROPOSAL:
        return
    for corridor, terms, parts in _under_terms(context, facts):
        asked, name = _units(parts), _name(corridor, parts)
        row = facts.quotas.get(("net-flow", corridor.id, corridor.net_year, None, None), QuotaFacts(0, 0))
        bounds = []
        if terms.net_flow_limit is not None:
            bounds.append(terms.net_flow_limit + row.opposite - row.taken)
        if terms.reciprocity is not None:
            bounds.append(terms.reciprocity.suspend - corridor.imbalance)
        if bounds and asked > max(0, min(bounds)):
            yield about(name, corridor=name, quantity=asked, left=max(0, min(bounds)), imbalance=corridor.imbalance)


@link_check(6014, transient=True, reference="linking.md 3: delinking")
def units_abroad_are_free(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    """The policy of the terms that units came by binds them after the end of their corridor; what is by order is not bound."""
    is_by_order = context.type.by_order
    for part in known_parts(context):
        recognised = facts.recognitions.get(part.recognition_id)
        if not part.is_foreign or recognised is None:
            continue
        policy = recognised.bound_home if part.is_crossing else None if is_by_order else recognised.bound_within
        if policy is not None:
            yield about(part.registry, registry=part.registry, unit_type=part.unit_type, policy=policy)


@link_check(6015, transient=True, reference="linking.md 1: export leave")
def origin_permits_the_export(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    """By a leave, which was taken when it was proposed; and what the origin has frozen leaves at no time."""
    for serials in facts.frozen_at_home:
        yield about(serials, corridor=serials, origin=serials[:4])
    if context.moment is not Moment.PROPOSAL:
        return
    for corridor, parts in _entries(context, facts):
        if corridor is not None and not corridor.has_leave:
            name = _name(corridor, parts)
            yield about(name, corridor=name, origin=corridor.origin)


@link_check(6016, reference="linking.md 4")
def accounts_are_of_two_registries(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    if context.type.effect is not Effect.CROSS:
        return
    known = sending(context)
    for line in context.proposal.lines:
        sender, acquirer = known.get(line.transferring or ""), context.accounts.get(line.acquiring)
        if sender is not None and acquirer is not None and sender.jurisdiction_id == acquirer.jurisdiction_id:
            yield about(line.acquiring, account=line.acquiring, registry=acquirer.registry)


@link_check(6017)
def receiving_account_type_is_agreed(context: Context, facts: LinkFacts) -> Iterator[Finding]:
    for corridor, terms, parts in _under_terms(context, facts):
        for part in {part.acquirer.identifier: part for part in parts}.values():
            if part.acquirer.type not in terms.account_types:
                name = part.acquirer.identifier
                yield about(name, account=name, type=part.acquirer.type, corridor=_name(corridor, parts))
