"""Reads an order: the members of `POST /api/v1/transactions` become a `Proposal`. What it may do is for the checks to say.

Only what no proposal can express is refused here: a value of another type, a text that is no identifier.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rest_framework import serializers

from accounts.api.errors import RequestError, RequestRefused
from accounts.api.fields import Integer, Pattern, StrictSerializer, Text, Word
from accounts.rules.identifiers import MalformedIdentifier, WrongCheckDigits, parse_account_identifier
from accounts.texts import text
from registry.rules.proposal import MOST_RANGES, Line, Proposal, SerialRange
from registry.rules.serials import (
    FORM,
    GREATEST_SERIAL,
    MalformedBlock,
    ReversedBlock,
    SerialBlock,
    WrongBlockCheckDigits,
    parse_block,
)
from registry.rules.types import TYPES

ACCOUNT_FORM = r"^[A-Z]{2}[A-Z0-9]{1,3}-[A-Z]{3}-[1-9][0-9]{0,17}-[0-9]{2}$"
LONGEST_TEXT = 500
LONGEST_REFERENCE = 100

# What may be ordered here: not issuance, nor what needs another record than an obligation (allocation runs, reversals, cases).
ORDERED = tuple(
    code
    for code, row in TYPES.items()
    if row.effect != "mint" and not (row.needs_allocation or row.needs_original or row.needs_case)
)


class OrderSerializer(StrictSerializer):
    """An order to move units from one account to another, in units of 1 t CO2e."""

    type = Word(choices=ORDERED, help_text="10-50 internal transfer, 10-2 surrender, 4-0 voluntary cancellation, ...")
    transferring_account = Pattern(ACCOUNT_FORM, code=2001, max_length=40, help_text="`CNBJ-OHA-1000009-70`.")
    acquiring_account = Pattern(ACCOUNT_FORM, code=2001, max_length=40)
    registry = Pattern(
        r"^[A-Z]{2}[A-Z0-9]{1,3}$",
        required=False,
        max_length=5,
        help_text="Who issued the units; the transferring account's registry where it is absent.",
    )
    unit_type = Pattern(
        r"^[A-Z][A-Z0-9]{1,9}$", required=False, max_length=10, help_text="Needed where no `serial_blocks` are named."
    )
    vintage = Integer(
        required=False, min_value=1990, max_value=2200, out_of_range=2008, help_text="Any, oldest first, where absent."
    )
    recognition = Integer(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        help_text="Of which product: the `id` of a holding's recognition. Absent: 0, or whichever the named blocks are of.",
    )
    quantity = Integer(
        min_value=1, max_value=GREATEST_SERIAL, out_of_range=2003, not_integer=2003, help_text="Units of 1 t CO2e."
    )
    serial_blocks = serializers.ListField(
        child=Pattern(f"^{FORM}$", code=2001, max_length=80),
        required=False,
        min_length=1,
        max_length=MOST_RANGES,
        help_text="The blocks to move, as they are printed; the registry selects where they are absent.",
    )
    obligation = Integer(
        required=False, min_value=1, max_value=2**63 - 1, help_text="The obligation that a surrender is for."
    )
    returns = Integer(
        required=False, min_value=1, max_value=2**63 - 1, help_text="The allocation that a return (10-42) is of."
    )
    reason = Text(required=False, default="", allow_blank=True, max_length=LONGEST_TEXT)
    beneficiary = Text(required=False, default="", allow_blank=True, max_length=LONGEST_TEXT)
    client_reference = Text(
        required=False, default="", allow_blank=True, max_length=LONGEST_REFERENCE, help_text="The sender's own."
    )


_ORDER = OrderSerializer()


def read_order(members: object) -> Mapping[str, Any]:
    """Return the members of a valid order. The one serializer serves every request: making one copies all its fields.

    Raises: ValidationError naming each member that is missing, unknown or not of the documented form.
    """
    valid: Mapping[str, Any] = _ORDER.run_validation(members)
    return valid


def proposal_of(order: Mapping[str, Any]) -> Proposal:
    """Return the proposal that a valid order asks for.

    Raises: RequestRefused with a code of the check table for each identifier that does not print back to itself, and for
    members that contradict one another.
    """
    errors = [error for name in ("transferring_account", "acquiring_account") for error in _misread(order[name], name)]
    blocks, unreadable = _blocks(order.get("serial_blocks", ()))
    errors += unreadable
    if not blocks and not unreadable and "unit_type" not in order:
        errors.append(_error("required", "unit_type"))
    for name in ("registry", "unit_type", "vintage"):
        if name in order and any(getattr(block, name) != order[name] for block in blocks):
            errors.append(_error("contradicts-serial-blocks", name))
    if errors:
        raise RequestRefused("refused", *errors)
    return Proposal(
        type=order["type"],
        lines=tuple(_named(order, blocks)) if blocks else (_selected(order),),
        obligation=order.get("obligation"),
        returns=order.get("returns"),
        reason=order["reason"],
        beneficiary=order["beneficiary"],
        client_reference=order["client_reference"],
    )


def digest_of(method: str, path: str, order: Any) -> str:
    """Return the digest that tells whether a repeated request is the same: of its members, not of their order or spacing."""
    printed = json.dumps([method, path, order], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(printed.encode()).hexdigest()


def _selected(order: Mapping[str, Any]) -> Line:
    """Return the line of an order that leaves the selection to the registry."""
    home = parse_account_identifier(order["transferring_account"]).registry_code
    return Line(
        transferring=order["transferring_account"],
        acquiring=order["acquiring_account"],
        quantity=order["quantity"],
        registry=order.get("registry", home),
        unit_type=order["unit_type"],
        vintage=order.get("vintage"),
        recognition=order.get("recognition"),
    )


def _named(order: Mapping[str, Any], blocks: Sequence[SerialBlock]) -> list[Line]:
    """Return one line for each series among the named blocks. The last takes the rest of the quantity, so that the sum of
    the lines is what was ordered and the check of quantity against blocks sees any difference."""
    ordered = sorted(blocks, key=lambda block: (block.registry, block.unit_type, block.vintage))
    series = [list(same) for _, same in groupby(ordered, key=lambda b: (b.registry, b.unit_type, b.vintage))]
    quantities = [sum(block.quantity for block in same) for same in series]
    quantities[-1] = order["quantity"] - sum(quantities[:-1])
    return [
        Line(
            transferring=order["transferring_account"],
            acquiring=order["acquiring_account"],
            quantity=quantity,
            registry=same[0].registry,
            unit_type=same[0].unit_type,
            vintage=same[0].vintage,
            recognition=order.get("recognition"),
            serials=tuple(SerialRange(block.registry, block.first, block.next) for block in same),
        )
        for same, quantity in zip(series, quantities, strict=True)
    ]


def _misread(identifier: str, name: str) -> list[RequestError]:
    try:
        parse_account_identifier(identifier)
    except WrongCheckDigits:
        return [_error(2002, name, subject=identifier)]
    except MalformedIdentifier:
        return [_error(2001, name, subject=identifier)]
    return []


def _blocks(printed: Sequence[str]) -> tuple[list[SerialBlock], list[RequestError]]:
    blocks: list[SerialBlock] = []
    errors: list[RequestError] = []
    for place, name in enumerate(printed):
        try:
            blocks.append(parse_block(name))
        except WrongBlockCheckDigits:
            errors.append(_error(2002, "serial_blocks", f"/{place}", name))
        except ReversedBlock:
            errors.append(_error(2004, "serial_blocks", f"/{place}", name))
        except MalformedBlock:
            errors.append(_error(2001, "serial_blocks", f"/{place}", name))
    return blocks, errors


def _error(code: int | str, name: str, place: str = "", subject: str = "") -> RequestError:
    return RequestError(
        code=code,
        detail=text(f"problem.{code}", subject=subject),
        field=name,
        pointer=f"/{name}{place}",
        subjects=(subject,) if subject else (),
    )
