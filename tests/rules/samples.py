"""A good context for the checks, to break one thing at a time: ann sends ten units to bob. No database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.rules.access import Actor, Role, registry_itself, role_name
from accounts.rules.identifiers import format_account_identifier
from registry.rules.facts import (
    AccountFacts,
    AllocationFacts,
    CapFacts,
    CarryOverFacts,
    Context,
    ConversionFacts,
    LineFacts,
    NamedPiece,
    ObligationFacts,
    OriginalFacts,
    Piece,
    ReturnFacts,
    UnitTypeFacts,
)
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.types import TYPES

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
REGISTRY = registry_itself("test")
ANN_REPRESENTATIVE = Actor(7, "user:7")
SENIOR = Actor(8, "user:8", frozenset({role_name(Role.SENIOR_REGISTRY_ADMINISTRATOR, "CN-BJ")}))
JUNIOR = Actor(9, "user:9", frozenset({role_name(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "CN-BJ")}))


def account(number: int, type_code: str = "TRA", **changes: Any) -> AccountFacts:
    made = AccountFacts(
        id=number,
        identifier=format_account_identifier("CNBJ", type_code, 1_000_000 + number),
        type=type_code,
        status="OPEN",
        jurisdiction_id=1,
        jurisdiction="CN-BJ",
        registry="CNBJ",
        retires=type_code in {"SUR", "CAN", "MCN", "LAP"},
        holder_id=number,
        installation_id=None,
        right=None,
    )
    return replace(made, **changes)


ANN = account(1, right="INITIATE_AND_APPROVE")
BOB = account(2)
PLANT = account(3, "OHA", right="INITIATE", installation_id=30)
SUR, CAN, MCN, ISS, ALL, LAP = (
    account(10 + place, code) for place, code in enumerate(("SUR", "CAN", "MCN", "ISS", "ALL", "LAP"))
)
BEA = UnitTypeFacts("BEA", "CNBJ", "allowance", 1)


def piece(first: int, following: int, vintage: int = 2026) -> Piece:
    return Piece(1, first, following, 5, 0, vintage)


def named(first: int, following: int, holder: AccountFacts, **changes: Any) -> NamedPiece:
    made = NamedPiece(
        piece(first, following),
        SerialRange("CNBJ", first, following),
        holder.id,
        bound=False,
        retired=False,
        unit_type="BEA",
    )
    return replace(made, **changes)


def transfer(
    sender: AccountFacts = ANN,
    acquirer: AccountFacts = BOB,
    quantity: int = 10,
    *,
    kind: str = "10-50",
    free: int = 100,
    actor: Actor = ANN_REPRESENTATIVE,
    pieces: tuple[Piece, ...] | None = None,
    found: tuple[NamedPiece, ...] = (),
    line: dict[str, Any] | None = None,
    proposal: dict[str, Any] | None = None,
    **context: Any,
) -> Context:
    """Return the context of a transfer that selects its units or, with `found`, names them."""
    made = Line(sender.identifier, acquirer.identifier, quantity, registry="CNBJ", unit_type="BEA")
    if found:
        made = replace(made, serials=tuple(one.serials for one in found))
        pieces = tuple(one.piece for one in found if one.piece is not None)
    elif pieces is None:
        pieces = (piece(1, 1 + quantity),) if isinstance(quantity, int) and 0 < quantity <= free else ()
    made = replace(made, **(line or {}))
    return Context(
        **{
            "now": NOW,
            "actor": actor,
            "proposal": Proposal(kind, (made,), **(proposal or {})),
            "type": TYPES[kind],
            "accounts": {one.identifier: one for one in (sender, acquirer)},
            "lines": (LineFacts(made, 0 if found else free, pieces, found),),
            "registries": frozenset({"CNBJ"}),
            "unit_types": {("CNBJ", "BEA"): BEA},
        }
        | context
    )


OBLIGATION = ObligationFacts(
    id=4, jurisdiction_id=1, installation_id=30, year=2025, opens_at=None, closes_at=None, eligible_until_vintage=2026
)
ALLOCATION = AllocationFacts(
    id=6, installation_id=30, unit_type="BEA", registry="CNBJ", vintage=2026, quantity=10, approved=True, withheld=False,
    delivered=False,
)  # fmt: skip
CAP = CapFacts(
    id=8, jurisdiction_id=1, jurisdiction="CN-BJ", registry="CNBJ", unit_type="BEA", vintage=2026, limit=1_000, issued=900,
    valid=True, next_serial=901,
)  # fmt: skip


def surrender(**changes: Any) -> Context:
    return transfer(
        **{"sender": PLANT, "acquirer": SUR, "kind": "10-2", "proposal": {"obligation": 4}, "obligation": OBLIGATION}
        | changes
    )


def allocation(**changes: Any) -> Context:
    return transfer(
        **{
            "sender": ALL, "acquirer": PLANT, "kind": "10-40", "actor": REGISTRY, "proposal": {"allocation": 6},
            "allocation": ALLOCATION, "line": {"vintage": 2026},
        }
        | changes
    )  # fmt: skip


def issuance(quantity: int = 10, **changes: Any) -> Context:
    line = Line(None, ISS.identifier, quantity)
    return Context(
        **{
            "now": NOW,
            "actor": JUNIOR,
            "proposal": Proposal("1-0", (line,), cap=8),
            "type": TYPES["1-0"],
            "accounts": {ISS.identifier: ISS},
            "lines": (LineFacts(line, 0, (piece(901, 901 + quantity),)),),
            "registries": frozenset({"CNBJ"}),
            "unit_types": {("CNBJ", "BEA"): BEA},
            "cap": CAP,
        }
        | changes
    )


RETURNS = ReturnFacts(id=6, installation_id=30, unit_type="BEA", registry="CNBJ", vintage=2026, excess=40, returned=30)
SURRENDERED = OriginalFacts(
    id="a surrender", type="10-2", state="COMPLETED", completed_at=NOW - timedelta(days=1), quantity=10,
    jurisdiction="CN-BJ", ranges=frozenset({(PLANT.identifier, SUR.identifier, "CNBJ", 1, 11)}), reversed=False,
    one_holder=True, limit_days=30,
)  # fmt: skip
MOVED = replace(
    SURRENDERED, id="a transfer", type="10-50", one_holder=False,
    ranges=frozenset({(BOB.identifier, ANN.identifier, "CNBJ", 1, 11)}),
)  # fmt: skip


def returning(**changes: Any) -> Context:
    """Ten units go back of the ten that may."""
    return transfer(
        **{
            "sender": replace(PLANT, right="INITIATE"), "acquirer": ALL, "kind": "10-42", "line": {"vintage": 2026},
            "proposal": {"returns": 6}, "returns": RETURNS,
        }
        | changes
    )  # fmt: skip


def reversal(original: OriginalFacts = SURRENDERED, **changes: Any) -> Context:
    """A surrender of ten units is undone."""
    return transfer(
        **{
            "sender": SUR, "acquirer": PLANT, "kind": "10-82", "actor": JUNIOR, "original": original,
            "found": (named(1, 11, SUR, retired=True),), "proposal": {"reverses": original.id, "reason": "an order"},
        }
        | changes
    )  # fmt: skip


def correction(reference: str = "consent 7", **changes: Any) -> Context:
    """A transfer of ten units from bob to ann is undone."""
    proposal = {"reverses": MOVED.id, "reason": "wrong account", "reference": reference}
    return transfer(
        **{"kind": "10-55", "actor": JUNIOR, "original": MOVED, "found": (named(1, 11, ANN),), "proposal": proposal}
        | changes
    )


def lapse(valid_until: datetime | None = NOW, **changes: Any) -> Context:
    """Ten units whose validity ends now."""
    return transfer(
        **{
            "acquirer": LAP, "kind": "4-99", "actor": JUNIOR, "proposal": {"reason": "the notice"},
            "found": (named(1, 11, ANN, valid_until=valid_until),),
        }
        | changes
    )  # fmt: skip


BANKING = CarryOverFacts(first_vintage=2024, last_vintage=2026, to_period="2027")


def carry_over(**changes: Any) -> Context:
    """Ten units of ann's count in 2027."""
    return transfer(
        **{
            "acquirer": ANN, "kind": "7-0", "carry_overs": {("CNBJ", "BEA"): BANKING}, "periods": {0: "", 3: "2027"},
        }
        | changes
    )  # fmt: skip


CONVERSION = ConversionFacts(to="BEC", years=5, year=2026, left={2026: 10}, next_serial=901)


def conversion(**changes: Any) -> Context:
    """Ten units of the plant's become BEC."""
    return transfer(
        **{
            "sender": PLANT, "acquirer": CAN, "kind": "2-0", "conversions": {("CNBJ", "BEA"): CONVERSION},
        }
        | changes
    )  # fmt: skip


def cancellation(**changes: Any) -> Context:
    return transfer(**{"acquirer": CAN, "kind": "4-0", "proposal": {"reason": "for ever"}} | changes)
