"""How unit types, checks, balances, limits, blocks and units are printed."""

from typing import Any

from rest_framework import serializers

from accounts.rules.account_types import Standing, UnitKind
from accounts.texts import text
from registry.limit_queries import HoldingLimitNow, LimitNow, LimitsNow
from registry.models import Holding, UnitBlock, UnitType
from registry.queries import UnitEvent, UnitLife
from registry.rules.serials import format_block
from registry.rules.states import State
from registry.statements import PastHolding


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
    """What a unit counts as here: its worth as two integers, 1/1 for a unit at home, and the period it was carried over into.

    Units of one series with different recognitions are different products; `/recognitions/{id}` tells one in full.
    """

    id = serializers.IntegerField(help_text="As an order names it; 0 for a unit at home that was not carried over.")
    numerator = serializers.IntegerField(source="rate_numerator")
    denominator = serializers.IntegerField(source="rate_denominator")
    applicable_period = serializers.CharField(help_text="Empty where it is the period of its series.")
    agreement = serializers.IntegerField(
        source="agreement_id", allow_null=True, help_text="The terms that a unit abroad came by; null: it is at home."
    )


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
    recognised = serializers.SerializerMethodField(
        help_text="Recognised tonnes: `quantity` times the rate, rounded down. A surrender is worth what it adds to its "
        "obligation's sum at the rate, which is rounded down once."
    )
    reserved = serializers.IntegerField(
        allow_null=True, help_text="Held for transactions that are not final; null for a past instant."
    )
    free = serializers.SerializerMethodField(help_text="What is not reserved; null for a past instant.")

    def get_recognised(self, holding: Holding | PastHolding) -> int:
        """Return what the units count as here."""
        return holding.quantity * holding.recognition.rate_numerator // holding.recognition.rate_denominator

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


class UnitEventSerializer(serializers.Serializer[UnitEvent]):
    """A transaction that the unit took part in."""

    transaction = serializers.UUIDField(source="transaction_id")
    type = serializers.CharField()
    state = serializers.ChoiceField(choices=[str(state) for state in State])
    transferring_account = serializers.CharField(source="transferring", allow_null=True)
    acquiring_account = serializers.CharField(source="acquiring")
    proposed_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    made_from = serializers.IntegerField(allow_null=True, help_text="The serial that a conversion retired for it.")
    became = serializers.IntegerField(allow_null=True, help_text="The serial that a conversion made in its place.")


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
