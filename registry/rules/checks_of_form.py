"""Checks 2xxx: is the proposal well formed, by itself and against the names that exist?"""

from collections.abc import Iterator
from itertools import pairwise

from accounts.rules.identifiers import MalformedIdentifier, WrongCheckDigits, parse_account_identifier
from registry.rules.check_table import Finding, about, check
from registry.rules.facts import Context
from registry.rules.proposal import MOST_RANGES, Line, SerialRange
from registry.rules.serials import GREATEST_SERIAL

VINTAGES = range(1990, 2201)


def is_quantity(value: object) -> bool:
    """Return whether a value is a quantity of units: an integer from 1 to the greatest serial."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= GREATEST_SERIAL


def is_range(serials: SerialRange) -> bool:
    """Return whether a serial range is not empty, not reversed and inside the serial space."""
    return 1 <= serials.first < serials.next <= GREATEST_SERIAL + 1


def named_accounts(line: Line) -> tuple[str, ...]:
    """Return the identifiers a line names."""
    return (line.acquiring,) if line.transferring is None else (line.transferring, line.acquiring)


def printed(serials: SerialRange) -> str:
    """Return a range as a failure names it: issuing registry, first and last serial."""
    return f"{serials.registry} {serials.first}-{serials.next - 1}"


def _identifiers(context: Context) -> Iterator[str]:
    yield from dict.fromkeys(name for line in context.proposal.lines for name in named_accounts(line))


@check(2001)
def account_identifiers_are_well_formed(context: Context) -> Iterator[Finding]:
    for identifier in _identifiers(context):
        try:
            parse_account_identifier(identifier)
        except WrongCheckDigits:
            continue
        except MalformedIdentifier:
            yield about(identifier, subject=identifier)


@check(2002, reference="ISO 7064 MOD 97-10")
def check_digits_are_right(context: Context) -> Iterator[Finding]:
    for identifier in _identifiers(context):
        try:
            parse_account_identifier(identifier)
        except WrongCheckDigits:
            yield about(identifier, subject=identifier)
        except MalformedIdentifier:
            continue


@check(2003)
def quantity_is_a_positive_integer(context: Context) -> Iterator[Finding]:
    if not context.proposal.lines:
        yield about(quantity=0)
    for line in context.proposal.lines:
        if not is_quantity(line.quantity):
            yield about(quantity=str(line.quantity))


@check(2004)
def serial_ranges_are_valid(context: Context) -> Iterator[Finding]:
    for line in context.proposal.lines:
        for serials in line.serials:
            if not is_range(serials):
                yield about(printed(serials), serials=printed(serials))


@check(2005)
def serial_ranges_are_disjoint(context: Context) -> Iterator[Finding]:
    # Serials that were selected count too: lines that name some and select others, or select by two rules, may meet.
    ranges = sorted(
        (
            serials
            for found in context.lines
            for serials in found.line.serials
            or (SerialRange(found.line.registry, piece.first, piece.next) for piece in found.pieces)
            if is_range(serials)
        ),
        key=lambda serials: (serials.registry, serials.first, serials.next),
    )
    for left, right in pairwise(ranges):
        if left.registry == right.registry and right.first < left.next:
            yield about(printed(left), printed(right), left=printed(left), right=printed(right))


@check(2006)
def quantity_equals_the_serial_ranges(context: Context) -> Iterator[Finding]:
    for line in context.proposal.lines:
        named = sum(serials.quantity for serials in line.serials)
        if line.serials and all(map(is_range, line.serials)) and is_quantity(line.quantity) and named != line.quantity:
            yield about(quantity=line.quantity, named=named)


@check(2007)
def unit_type_is_known(context: Context) -> Iterator[Finding]:
    wanted = {
        (line.registry, line.unit_type)
        for line in context.proposal.lines
        if line.transferring is not None and not line.serials
    }
    for registry, unit_type in sorted(wanted):
        if registry in context.registries and (registry, unit_type) not in context.unit_types:
            yield about(unit_type, registry=registry, unit_type=unit_type)


@check(2008)
def vintage_is_consistent(context: Context) -> Iterator[Finding]:
    for found in context.lines:
        vintage = found.line.vintage
        if vintage is None:
            continue
        if vintage not in VINTAGES:
            yield about(str(vintage), vintage=vintage)
        for named in found.named:
            if named.piece is not None and named.piece.vintage != vintage:
                yield about(printed(named.serials), vintage=vintage)


@check(2009)
def blocks_are_few_enough(context: Context) -> Iterator[Finding]:
    pieces = sum(max(len(found.pieces), len(found.named)) for found in context.lines)
    # A draw stops selecting at the limit, so what it chose may be too little for an order that is covered.
    cut_short = any(
        not found.line.serials
        and is_quantity(found.line.quantity)
        and found.line.quantity <= found.free
        and sum(piece.quantity for piece in found.pieces) < found.line.quantity
        for found in context.lines
    )
    if pieces > MOST_RANGES or cut_short:
        yield about(most=MOST_RANGES)


@check(2010)
def issuing_registry_is_known(context: Context) -> Iterator[Finding]:
    wanted = {serials.registry for line in context.proposal.lines for serials in line.serials}
    wanted |= {line.registry for line in context.proposal.lines if line.transferring is not None and not line.serials}
    for registry in sorted(wanted - context.registries):
        yield about(registry, registry=registry)


@check(2011, reference="domain.md 5")
def named_records_fit_the_type(context: Context) -> Iterator[Finding]:
    proposal, kind = context.proposal, context.type
    named = {
        "obligation": (proposal.obligation is not None, kind.needs_obligation),
        "allocation": (proposal.allocation is not None, kind.needs_allocation),
        "cap": (proposal.cap is not None, kind.effect == "mint"),
        "case": (proposal.case is not None, kind.needs_case),
        "returned allocation": (proposal.returns is not None, kind.needs_excess),
        "original": (proposal.reverses is not None, kind.needs_original),
        "transferring account": (
            all(line.transferring is not None for line in proposal.lines),
            kind.effect != "mint",
        ),
    }
    for name, (is_named, is_needed) in named.items():
        if is_named != is_needed:
            yield about(name, type=kind.code, record=name)


@check(2012, reference="domain.md 5")
def reason_is_given(context: Context) -> Iterator[Finding]:
    if context.type.needs_reason and not context.proposal.reason.strip():
        yield about(type=context.type.code)


@check(3001, reference="domain.md 6: a client reference names one instruction of an account")
def transaction_is_unique(context: Context) -> Iterator[Finding]:
    reference = context.proposal.client_reference
    for name in dict.fromkeys(line.transferring for line in context.proposal.lines):
        if reference and name is not None and (name, reference) in context.used_references:
            yield about(name, account=name, reference=reference)
