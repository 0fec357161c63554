"""How units, balances, blocks and transactions are printed. What comes in is read in `registry.api.orders`."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import printed_rows
from accounts.api.serializers import CodedText
from accounts.rules.account_types import Standing, UnitKind
from accounts.texts import text
from registry.compliance_queries import ObligationStanding
from registry.limit_queries import HoldingLimitNow, LimitNow, LimitsNow
from registry.models import Holding, UnitBlock, UnitType
from registry.operations.outcome import MovedRange, Outcome
from registry.queries import UnitEvent, UnitLife
from registry.rules.compliance import Status
from registry.rules.deadlines import Counts
from registry.rules.serials import format_block
from registry.rules.states import State, Step
from registry.rules.warnings import DeadlineWarning, WarningCode
from registry.statements import Movement, PastHolding


class UnitTypeSerializer(serializers.Serializer[UnitType]):
    """A type of unit of one issuing registry."""

    registry = serializers.CharField(source="jurisdiction.registry_code", help_text="The issuing registry, `CNBJ`.")
    code = serializers.CharField(help_text="`BEA`.")
    kind = serializers.ChoiceField(choices=[str(kind) for kind in UnitKind])
    name = serializers.SerializerMethodField(help_text="In the reader's language.")

    def get_name(self, unit_type: UnitType) -> str:
        """Return the unit type's name; its code where no text names it."""
        code = f"unit-type.{unit_type.code}"
        return found if (found := text(code)) != code else unit_type.code


class UnitTypeListSerializer(serializers.Serializer[Any]):
    """Every unit type."""

    results = UnitTypeSerializer(many=True)


class CheckSerializer(serializers.Serializer[Any]):
    """A row of the check table."""

    code = serializers.IntegerField(help_text="Public, stable, never reused.")
    group = serializers.CharField()
    text = serializers.CharField(help_text="What it says when it fails; names in braces are filled in.")
    transient = serializers.BooleanField(help_text="Whether a retry of the same order can succeed.")
    reference = serializers.CharField(help_text="The rule it stands for.")


class CheckListSerializer(serializers.Serializer[Any]):
    """The check table."""

    results = CheckSerializer(many=True)


class RecognitionSerializer(serializers.Serializer[Any]):
    """What a unit counts as here: its worth as two integers, 1/1 for a unit at home, and the period it was carried over into."""

    id = serializers.IntegerField(help_text="As an order names it; 0 for a unit at home that was not carried over.")
    numerator = serializers.IntegerField(source="rate_numerator")
    denominator = serializers.IntegerField(source="rate_denominator")
    applicable_period = serializers.CharField(help_text="Empty where it is the period of its series.")


class HoldingSerializer(serializers.Serializer[Holding | PastHolding]):
    """The balance of one series and recognition, in units of 1 t CO2e: `quantity` = `free` + `reserved`.

    What was reserved at a past instant is not kept: both are null for `as_of`.
    """

    registry = serializers.CharField(source="series.origin.registry_code")
    unit_type = serializers.CharField(source="series.unit_type.code")
    vintage = serializers.IntegerField(source="series.vintage")
    project = serializers.CharField(source="series.project")
    period = serializers.CharField(source="series.period")
    recognition = RecognitionSerializer()
    quantity = serializers.IntegerField()
    reserved = serializers.IntegerField(
        allow_null=True, help_text="Held for transactions that are not final; null for a past instant."
    )
    free = serializers.SerializerMethodField(help_text="What is not reserved; null for a past instant.")

    def get_free(self, holding: Holding | PastHolding) -> int | None:
        """Return what is not reserved."""
        return None if holding.reserved is None else holding.quantity - holding.reserved


class HoldingListSerializer(serializers.Serializer[Any]):
    """The balances of an account."""

    account = serializers.CharField()
    as_of = serializers.DateTimeField(required=False, help_text="The past instant, where one was asked for.")
    results = HoldingSerializer(many=True)


class LimitSerializer(serializers.Serializer[LimitNow]):
    """One level's limit, in units of 1 t CO2e; `null`: no limit of that kind."""

    level = serializers.ChoiceField(choices=["account", "jurisdiction", "system"])
    per_transaction = serializers.IntegerField(allow_null=True)
    per_day = serializers.IntegerField(allow_null=True)
    left = serializers.IntegerField(allow_null=True, help_text="What may still leave the account today by this level.")


class HoldingLimitSerializer(serializers.Serializer[HoldingLimitNow]):
    """What the account's holder may hold in the jurisdiction, over all its accounts there, in units of 1 t CO2e."""

    limit = serializers.IntegerField()
    held = serializers.IntegerField()
    pending = serializers.IntegerField(help_text="Reserved by others for transactions towards the holder's accounts.")
    left = serializers.IntegerField()


class LimitsSerializer(serializers.Serializer[LimitsNow]):
    """What limits an account on a day of its jurisdiction."""

    account = serializers.CharField()
    day = serializers.DateField()
    used = serializers.IntegerField(
        help_text="Units that left the account today, or wait to, where a daily limit holds."
    )
    limits = LimitSerializer(many=True)
    holding_limit = HoldingLimitSerializer(allow_null=True)


class BlockSerializer(serializers.Serializer[UnitBlock]):
    """A run of consecutive serials that stand alike."""

    block = serializers.SerializerMethodField(help_text="As an order names it, `CNBJ-BEA-2026-1-1000-86`.")
    registry = serializers.CharField(source="origin.registry_code")
    unit_type = serializers.CharField(source="series.unit_type.code")
    vintage = serializers.IntegerField(source="series.vintage")
    first = serializers.IntegerField(source="start_no")
    last = serializers.SerializerMethodField(help_text="The last serial, inclusive.")
    quantity = serializers.SerializerMethodField(help_text="Units of 1 t CO2e.")
    recognition = RecognitionSerializer()
    reserved_by = serializers.UUIDField(
        source="held_for_id", allow_null=True, help_text="The transaction it is held for."
    )
    frozen = serializers.SerializerMethodField(help_text="Whether it moves nowhere.")

    def get_block(self, block: UnitBlock) -> str:
        """Return the printed form."""
        assert block.series is not None
        assert block.end_no is not None
        return format_block(
            block.origin.registry_code, block.series.unit_type.code, block.series.vintage, block.start_no, block.end_no
        )

    def get_last(self, block: UnitBlock) -> int:
        """Return the last serial."""
        assert block.end_no is not None
        return block.end_no - 1

    def get_quantity(self, block: UnitBlock) -> int:
        """Return the units in the block."""
        assert block.end_no is not None
        return block.end_no - block.start_no

    def get_frozen(self, block: UnitBlock) -> bool:
        """Return whether the block moves nowhere."""
        return block.frozen_by is not None


class BlockPageSerializer(serializers.Serializer[Any]):
    """A page of an account's blocks, by issuing registry and serial."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = BlockSerializer(many=True)


class MovedBlockSerializer(serializers.Serializer[MovedRange]):
    """Serials that a transaction moves, with their own accounts on both sides."""

    block = serializers.SerializerMethodField(help_text="`CNBJ-BEA-2026-1-1000-86`.")
    registry = serializers.CharField()
    unit_type = serializers.CharField()
    vintage = serializers.IntegerField()
    first = serializers.IntegerField()
    last = serializers.SerializerMethodField(help_text="The last serial, inclusive.")
    quantity = serializers.SerializerMethodField(help_text="Units of 1 t CO2e.")
    transferring_account = serializers.CharField(source="transferring", allow_null=True)
    acquiring_account = serializers.CharField(source="acquiring")

    def get_block(self, moved: MovedRange) -> str:
        """Return the printed form."""
        return format_block(moved.registry, moved.unit_type, moved.vintage, moved.first, moved.next)

    def get_last(self, moved: MovedRange) -> int:
        """Return the last serial."""
        return moved.next - 1

    def get_quantity(self, moved: MovedRange) -> int:
        """Return the units in the range."""
        return moved.next - moved.first


class WarningSerializer(serializers.Serializer[DeadlineWarning]):
    """A deadline that is near, or over, while a transaction waits."""

    code = serializers.ChoiceField(choices=[str(code) for code in WarningCode])
    text = CodedText(source="code", code="warning.{}")
    deadline = serializers.DateTimeField()


class TransactionSummarySerializer(serializers.Serializer[Outcome]):
    """A transaction without its blocks. Accounts that the reader has no right to know of are null."""

    id = serializers.UUIDField(source="transaction_id")
    type = serializers.CharField(help_text="`10-50`.")
    state = serializers.ChoiceField(choices=[str(state) for state in State])
    transferring_account = serializers.CharField(source="transferring", allow_null=True)
    acquiring_account = serializers.SerializerMethodField(help_text="`JP13-OHA-1000042-47`.")
    quantity = serializers.IntegerField(help_text="Units of 1 t CO2e.")
    obligation = serializers.IntegerField(allow_null=True)
    allocation = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    beneficiary = serializers.CharField()
    client_reference = serializers.CharField()
    returns = serializers.IntegerField(allow_null=True, help_text="The allocation that was too much, of a return.")
    reverses = serializers.UUIDField(allow_null=True, help_text="The transaction that a reversal or correction undoes.")
    reference = serializers.CharField(help_text="The consent or order that a correction rests on.")
    proposed_at = serializers.DateTimeField(help_text="The registry's clock.")
    completed_at = serializers.DateTimeField(allow_null=True, help_text="The registry's clock.")
    expires_at = serializers.DateTimeField(
        allow_null=True,
        help_text="A proposal that nobody approved by then is cancelled; null: it waited for no approval.",
    )
    due_at = serializers.DateTimeField(
        allow_null=True, help_text="A delayed transaction is executed then, not before; null: it has no delay."
    )
    warnings = WarningSerializer(
        many=True, help_text="While it waits: which deadlines are near, for who proposed it and who may approve it."
    )
    mode = serializers.SerializerMethodField(help_text="What this registry is: in `exercise` no unit is real.")

    def get_acquiring_account(self, outcome: Outcome) -> str | None:
        """Return the acquiring account, or None where the reader may not know of it."""
        return outcome.acquiring or None

    def get_mode(self, _: Outcome) -> str:
        """Return the deployment's mode."""
        return str(settings.REGISTRY_MODE)


class TransactionSerializer(TransactionSummarySerializer):
    """A transaction with the blocks it moves."""

    serial_blocks = serializers.SerializerMethodField(help_text="By registry and serial.")

    @extend_schema_field(MovedBlockSerializer(many=True))
    def get_serial_blocks(self, outcome: Outcome) -> list[dict[str, Any]]:
        """Return the ranges by serial, so that every reading prints them alike."""
        in_order = sorted(outcome.ranges, key=lambda moved: (moved.registry, moved.first))
        return printed_rows(MovedBlockSerializer, in_order)


class StepSerializer(serializers.Serializer[Any]):
    """One change of a transaction's state."""

    step = serializers.ChoiceField(choices=[str(step) for step in Step], source="event")
    text = CodedText(source="event", code="transaction-step.{}")
    from_state = serializers.ChoiceField(choices=[str(state) for state in State])
    to_state = serializers.ChoiceField(choices=[str(state) for state in State])
    at = serializers.DateTimeField(help_text="The registry's clock.")
    by = serializers.CharField(allow_null=True, help_text="`user:7`; null: the registry itself, or not yours to know.")
    reason = serializers.CharField(allow_blank=True, help_text="Empty where it is not yours to know.")
    failures = serializers.ListField(child=serializers.IntegerField(), help_text="Codes of the checks that failed.")


class TransactionDetailSerializer(TransactionSerializer):
    """A transaction with the blocks it moves and everything that happened to it."""

    initiated_by = serializers.SerializerMethodField(
        help_text="`user:7`; null: the registry itself, or not yours to know."
    )
    steps = serializers.SerializerMethodField(help_text="Oldest first; the proposal itself is the row above.")

    def get_initiated_by(self, outcome: Outcome) -> str | None:
        """Return who proposed it, where the reader may know."""
        return outcome.initiated_by

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, outcome: Outcome) -> list[dict[str, Any]]:
        """Return the steps in their order."""
        return printed_rows(StepSerializer, outcome.steps)


class TransactionPageSerializer(serializers.Serializer[Any]):
    """A page of transactions, the latest first."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = TransactionSummarySerializer(many=True)


class UnitEventSerializer(serializers.Serializer[UnitEvent]):
    """A transaction that the unit took part in."""

    transaction = serializers.UUIDField(source="transaction_id")
    type = serializers.CharField()
    state = serializers.ChoiceField(choices=[str(state) for state in State])
    transferring_account = serializers.CharField(source="transferring", allow_null=True)
    acquiring_account = serializers.CharField(source="acquiring")
    proposed_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class UnitSerializer(serializers.Serializer[UnitLife]):
    """A unit and its life, as far as the reader may know it."""

    registry = serializers.CharField(help_text="The registry that issued it.")
    serial = serializers.IntegerField()
    block = serializers.SerializerMethodField(help_text="The unit as a block of one.")
    unit_type = serializers.CharField()
    vintage = serializers.IntegerField()
    project = serializers.CharField()
    period = serializers.CharField()
    standing = serializers.ChoiceField(
        choices=[str(standing) for standing in Standing], help_text="What it counts as now."
    )
    account = serializers.CharField(allow_null=True, help_text="Its holder; null where the reader may not know.")
    reserved = serializers.BooleanField(allow_null=True)
    frozen = serializers.BooleanField(allow_null=True)
    events = UnitEventSerializer(many=True, help_text="Oldest first; only those the reader may know of.")

    def get_block(self, life: UnitLife) -> str:
        """Return the printed form."""
        return format_block(life.registry, life.unit_type, life.vintage, life.serial, life.serial + 1)


class ObligationSerializer(serializers.Serializer[ObligationStanding]):
    """An obligation to surrender for a compliance year, what counts for it, and how the installation stands."""

    id = serializers.IntegerField(source="obligation.id", help_text="What a surrender names as its `obligation`.")
    year = serializers.IntegerField(source="obligation.year")
    opens_at = serializers.DateTimeField(
        source="obligation.opens_at", allow_null=True, help_text="Surrenders are taken from then on; null: at once."
    )
    due_at = serializers.DateTimeField(source="obligation.due_at", help_text="The deadline.")
    counts = serializers.ChoiceField(
        source="obligation.counts",
        choices=[str(counts) for counts in Counts],
        help_text="The instant of a surrender that must not be later than the deadline.",
    )
    closes_at = serializers.DateTimeField(
        source="obligation.closes_at", allow_null=True, help_text="Late surrenders count until then; null: always."
    )
    eligible_until_vintage = serializers.IntegerField(
        source="obligation.eligible_until_vintage", help_text="The latest vintage that counts."
    )
    emissions = serializers.IntegerField(
        allow_null=True, help_text="Verified emissions of the year, t CO2e; null: none recorded."
    )
    excluded = serializers.BooleanField(help_text="Whether the installation was outside the scheme that year.")
    surrendered = serializers.IntegerField(help_text="For this obligation, units of 1 t CO2e.")
    surrendered_in_time = serializers.IntegerField(
        help_text="Of that, what was in time by the instant that counts, units of 1 t CO2e."
    )
    cumulative_emissions = serializers.IntegerField(help_text="Of all years up to this one, t CO2e.")
    cumulative_surrendered = serializers.IntegerField(help_text="For all obligations, units of 1 t CO2e.")
    status = serializers.ChoiceField(choices=[str(status) for status in Status], help_text="For the year, as of now.")
    status_text = CodedText(source="status", code="compliance-status.{}")
    status_at_deadline = serializers.ChoiceField(
        choices=[str(status) for status in Status],
        allow_null=True,
        help_text="As it was determined at the deadline; never changed. Null: not determined yet.",
    )


class ObligationListSerializer(serializers.Serializer[Any]):
    """The obligations of an account's installation; none where it belongs to no installation."""

    account = serializers.CharField()
    installation = serializers.CharField(allow_null=True, help_text="Its permit or facility number.")
    results = ObligationSerializer(many=True)


class ProductSerializer(serializers.Serializer[Any]):
    """What has a balance of its own: a series and its recognition."""

    registry = serializers.CharField(source="series.origin.registry_code", help_text="The registry that issued it.")
    unit_type = serializers.CharField(source="series.unit_type.code")
    vintage = serializers.IntegerField(source="series.vintage")
    project = serializers.CharField(source="series.project")
    period = serializers.CharField(source="series.period")
    recognition = RecognitionSerializer()


class TotalSerializer(ProductSerializer):
    """The whole period for one series and recognition, in units of 1 t CO2e: `opening` + `in` - `out` = `closing`."""

    opening = serializers.IntegerField()
    closing = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; one is named by a word of Python's."""
        return super().get_fields() | _in_and_out()


class SumSerializer(serializers.Serializer[Any]):
    """The sums over all series, in units of 1 t CO2e: `opening` + `in` - `out` = `closing`."""

    opening = serializers.IntegerField()
    closing = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; one is named by a word of Python's."""
        return super().get_fields() | _in_and_out()


class MovementSerializer(ProductSerializer):
    """A line of a statement: one block that entered or left the account."""

    completed_at = serializers.DateTimeField(source="place.at")
    transaction = serializers.UUIDField(source="place.transaction_id")
    type = serializers.CharField()
    type_text = CodedText(source="type", code="transaction-type.{}")
    direction = serializers.SerializerMethodField(help_text="Whether it entered the account.")
    other_account = serializers.CharField(allow_null=True, help_text="The other side; null where units were issued.")
    block = serializers.CharField(help_text="`CNBJ-BEA-2026-1-1000-86`.")
    quantity_in = serializers.IntegerField(source="entered")
    quantity_out = serializers.IntegerField(source="left")
    balance = serializers.IntegerField(help_text="Of its series and recognition, after this line.")
    reason = serializers.CharField()
    client_reference = serializers.CharField()

    @extend_schema_field({"type": "string", "enum": ["in", "out"]})
    def get_direction(self, movement: Movement) -> str:
        """Return the direction."""
        return "in" if movement.enters else "out"


class StatementSerializer(serializers.Serializer[Any]):
    """A page of an account's statement, the oldest movement first. The totals are of the whole period, on every page."""

    account = serializers.CharField()
    to = serializers.DateTimeField(help_text="What completed exactly then is not in it.")
    exercise = serializers.BooleanField(help_text="Whether all this is an exercise.")
    totals = TotalSerializer(many=True, help_text="By registry, unit type, vintage, project and recognition.")
    total = SumSerializer()
    next = serializers.URLField(allow_null=True)
    results = MovementSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; one is named by a word of Python's."""
        begins = serializers.DateTimeField(help_text="What completed exactly then is in it.")
        return super().get_fields() | {"from": begins}


def _in_and_out() -> dict[str, Any]:
    return {"in": serializers.IntegerField(source="entered"), "out": serializers.IntegerField(source="left")}
