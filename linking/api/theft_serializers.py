"""What comes in and goes out where notices of freezes are read, and cases of theft are proposed, decided and taken back."""

from dataclasses import dataclass
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import printed_rows
from accounts.api.fields import Flag, Integer, Pattern, StrictSerializer, Text
from linking.api.instrument_serializers import LONGEST_EVIDENCE
from linking.models import Notice, TheftCase
from linking.models.thefts import OUTCOMES
from linking.theft_queries import HoldState, state_of_case, state_of_hold
from registry.api.orders import ACCOUNT_FORM, LONGEST_REFERENCE
from registry.models import Freeze

STATES = ("open", "decided", "withdrawn")


@dataclass(frozen=True, slots=True)
class ReadCase:
    """A case, and whether its reader reads everything where the units lie: the evidence may name a person there."""

    case: TheftCase
    in_full: bool


class HeldSerialsSerializer(serializers.Serializer[Freeze]):
    """Serials that are held, of one registry."""

    registry = serializers.CharField(source="origin.registry_code", help_text="Who issued them, `CNBJ`.")
    first = serializers.IntegerField(source="first_no")
    last = serializers.SerializerMethodField(help_text="The last serial, inclusive.")
    quantity = serializers.SerializerMethodField(help_text="Units of 1 t CO2e.")

    def get_last(self, row: Freeze) -> int:
        """Return the last serial."""
        return (row.next_no or 0) - 1

    def get_quantity(self, row: Freeze) -> int:
        """Return the units in the range."""
        return (row.next_no or 0) - (row.first_no or 0)


class HoldSerializer(serializers.Serializer[Freeze]):
    """A hold of a notice, and what became of it."""

    id = serializers.IntegerField(help_text="The freeze that it is: `/freezes/{id}/confirm` of the side that holds.")
    serials = HeldSerialsSerializer(source="*")
    expires_at = serializers.DateTimeField()
    state = serializers.SerializerMethodField(
        help_text="It stands; was confirmed by a freeze of that side's own; lapsed; or ended with a release."
    )
    confirmed_by = serializers.IntegerField(
        source="confirmed_by_id", allow_null=True, help_text="The freeze that took its place."
    )
    ended_at = serializers.DateTimeField(source="released_at", allow_null=True)

    @extend_schema_field({"type": "string", "enum": [str(state) for state in HoldState]})
    def get_state(self, row: Freeze) -> str:
        """Return what became of it."""
        return state_of_hold(row)


class NoticeSerializer(serializers.Serializer[Notice]):
    """What a registry told another as its freeze held units there. It never changes; its holds do."""

    id = serializers.IntegerField()
    freeze = serializers.IntegerField(source="freeze_id", help_text="The freeze that it is of.")
    from_side = serializers.CharField(source="from_side.code")
    to_side = serializers.CharField(source="to_side.code")
    document = serializers.CharField(help_text="A JSON text: serials, versions of the terms, basis and expiry.")
    digest = serializers.CharField(help_text="SHA-256 of `document` in UTF-8.")
    given_by = serializers.SerializerMethodField(help_text="`user:7`, as in the log.")
    given_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="When the last of its holds ends by itself.")
    holds = serializers.SerializerMethodField(help_text="By serial.")

    def get_given_by(self, row: Notice) -> str:
        """Return who froze."""
        return f"user:{row.given_by_id}"

    @extend_schema_field(HoldSerializer(many=True))
    def get_holds(self, row: Notice) -> Any:
        """Return the holds of the registry that it went to; a freeze may have given notice to several."""
        there = [hold for hold in row.freeze.holds.all() if hold.jurisdiction_id == row.to_side_id]
        return printed_rows(HoldSerializer, there)


class NoticePageSerializer(serializers.Serializer[Any]):
    """A page of notices, the latest first."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = NoticeSerializer(many=True)


class TheftCaseOrderSerializer(StrictSerializer):
    """A case about the units of a hold that was confirmed: the one fact that people answer for."""

    hold = Integer(min_value=1, max_value=10**18 - 1, help_text="The `id` of the hold.")
    acquired_for_value = Flag(help_text="Whether who holds the units acquired them for value before the notice.")
    evidence = Text(max_length=LONGEST_EVIDENCE)
    victim = Pattern(
        ACCOUNT_FORM,
        code=2001,
        required=False,
        help_text="The account of the issuer's registry that they go home to, if the clause sends them home.",
    )
    reference = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=LONGEST_REFERENCE,
        help_text="The court's or authority's order, if they go home.",
    )


class TheftCaseSerializer(serializers.Serializer[ReadCase]):
    """What becomes of stolen units that were found abroad: proposed by one person where they lie, decided by another."""

    id = serializers.IntegerField(source="case.pk")
    state = serializers.SerializerMethodField()
    side = serializers.CharField(source="case.hold.jurisdiction.code", help_text="In whose registry the units lie.")
    for_side = serializers.CharField(
        source="case.hold.notice_of.jurisdiction.code", help_text="For whose freeze they were held."
    )
    hold = serializers.IntegerField(source="case.hold_id")
    freeze = serializers.IntegerField(source="case.freeze_id", help_text="The freeze that took the hold's place.")
    serials = HeldSerialsSerializer(source="case.hold")
    acquired_for_value = serializers.BooleanField(source="case.acquired_for_value")
    evidence = serializers.SerializerMethodField(
        help_text="It may name a person: null to whoever reads not everything of `side`."
    )
    outcome = serializers.ChoiceField(
        source="case.outcome",
        choices=list(OUTCOMES),
        help_text="By the good-faith clause of the terms that the units came by.",
    )
    victim = serializers.CharField(source="case.victim.identifier", default=None, allow_null=True)
    reference = serializers.CharField(source="case.reference")
    proposed_by = serializers.SerializerMethodField(help_text="`user:7`, as in the log.")
    proposed_at = serializers.DateTimeField(source="case.proposed_at")
    decided_by = serializers.SerializerMethodField()
    decided_at = serializers.DateTimeField(source="case.decided_at", allow_null=True)
    withdrawn_by = serializers.SerializerMethodField()
    withdrawn_at = serializers.DateTimeField(source="case.withdrawn_at", allow_null=True)
    transaction = serializers.UUIDField(
        source="case.transaction_id", allow_null=True, help_text="The restitution (3-55) that took them home."
    )

    @extend_schema_field({"type": "string", "enum": list(STATES)})
    def get_state(self, row: ReadCase) -> str:
        """Return how far it has come."""
        return state_of_case(row.case)

    def get_evidence(self, row: ReadCase) -> str | None:
        """Return the evidence, where it is the reader's to know."""
        return row.case.evidence if row.in_full else None

    def get_proposed_by(self, row: ReadCase) -> str:
        """Return who proposed it."""
        return f"user:{row.case.proposed_by_id}"

    def get_decided_by(self, row: ReadCase) -> str | None:
        """Return who decided it."""
        return None if row.case.decided_by_id is None else f"user:{row.case.decided_by_id}"

    def get_withdrawn_by(self, row: ReadCase) -> str | None:
        """Return who took it back."""
        return None if row.case.withdrawn_by_id is None else f"user:{row.case.withdrawn_by_id}"


class TheftCasePageSerializer(serializers.Serializer[Any]):
    """A page of cases, the latest first."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = TheftCaseSerializer(many=True)
