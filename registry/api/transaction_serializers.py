"""How transactions, their blocks and their steps are printed. What comes in is read in `registry.api.orders`."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import printed_rows
from accounts.api.serializers import CodedText
from registry.operations.outcome import MovedRange, Outcome
from registry.rules.crossings import Recognised
from registry.rules.serials import format_block
from registry.rules.states import State, Step
from registry.rules.warnings import DeadlineWarning, WarningCode


class RecognisedSerializer(serializers.Serializer[Recognised]):
    """What units count as abroad."""

    id = serializers.IntegerField(allow_null=True, help_text="Null in an explanation: it is made with the transaction.")
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()


class RecognisedValueSerializer(RecognisedSerializer):
    """What a block counts as abroad, and its recognised tonnes."""

    recognised = serializers.IntegerField(help_text="Recognised tonnes of the block alone, rounded down.")


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
    becomes = serializers.CharField(
        help_text="The period that they are carried over into, the unit type that they are converted into; else empty."
    )
    made_from = serializers.SerializerMethodField(
        help_text="The block that a conversion retired for these, one for one in their order; else null."
    )

    recognition = serializers.SerializerMethodField(
        help_text="What they count as before they move; null: they are at home."
    )
    to_recognition = serializers.SerializerMethodField(
        help_text="What they count as where they arrive; null: they are at home."
    )

    @extend_schema_field(RecognisedValueSerializer(allow_null=True))
    def get_recognition(self, moved: MovedRange) -> dict[str, Any] | None:
        """Return what they counted as."""
        return _recognised(moved.recognition, moved)

    @extend_schema_field(RecognisedValueSerializer(allow_null=True))
    def get_to_recognition(self, moved: MovedRange) -> dict[str, Any] | None:
        """Return what they count as then."""
        return _recognised(moved.to_recognition, moved)

    def get_block(self, moved: MovedRange) -> str:
        """Return the printed form."""
        return format_block(moved.registry, moved.unit_type, moved.vintage, moved.first, moved.next)

    def get_made_from(self, moved: MovedRange) -> str | None:
        """Return the printed form of what was retired."""
        return None if moved.made_from is None else self.get_block(moved.made_from)

    def get_last(self, moved: MovedRange) -> int:
        """Return the last serial."""
        return moved.next - 1

    def get_quantity(self, moved: MovedRange) -> int:
        """Return the units in the range."""
        return moved.next - moved.first


def _recognised(found: Recognised | None, moved: MovedRange) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "id": found.id,
        "numerator": found.numerator,
        "denominator": found.denominator,
        "recognised": found.value_of(moved.next - moved.first),
    }


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
