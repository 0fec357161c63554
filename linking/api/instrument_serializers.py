"""What comes in and goes out where agreements are read and instruments are proposed, signed and taken back."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import printed_rows
from accounts.api.fields import Integer, Pattern, StrictSerializer, Text, Word, fault
from accounts.api.serializers import CodedText
from linking.api.link_serializers import AgreementNameSerializer
from linking.instrument_queries import STANDINGS, STATES, SignaturesMissing, signatures_missing, state_of
from linking.models import Agreement, Condition, Instrument, Signature
from linking.recognition_queries import RecognitionNow
from linking.rules.documents import KINDS

LONGEST_EVIDENCE = 1_000
LONGEST_REASON = 500
_DOCUMENT = {"type": "object", "additionalProperties": True}


class SignatureSerializer(serializers.Serializer[Signature]):
    """One person's signature for one side."""

    side = serializers.CharField(source="jurisdiction.code")
    user = serializers.SerializerMethodField(help_text="`user:7`, as in the log.")
    at = serializers.DateTimeField()

    def get_user(self, row: Signature) -> str:
        """Return who signed."""
        return f"user:{row.user_id}"


class AgreementSerializer(AgreementNameSerializer):
    """A version of a corridor's terms, and how it stands."""

    corridor = serializers.IntegerField(source="corridor_id")
    origin = serializers.CharField(source="corridor.origin.code")
    destination = serializers.CharField(source="corridor.destination.code")
    standing = serializers.ChoiceField(
        choices=list(STANDINGS), help_text="It follows, is in force, only settles what is under way, or is over."
    )


class AgreementPageSerializer(serializers.Serializer[Any]):
    """A page of agreements, in the order in which they were concluded."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = AgreementSerializer(many=True)


class AgreementDetailSerializer(AgreementSerializer):
    """A version of a corridor's terms in full, with who signed it."""

    terms = serializers.SerializerMethodField(help_text="As they were signed (docs/agreements.md).")
    instrument = serializers.IntegerField(source="instrument_id")
    signatures = SignatureSerializer(source="instrument.signatures", many=True)

    @extend_schema_field(_DOCUMENT)
    def get_terms(self, agreement: Agreement) -> Any:
        """Return the document."""
        return agreement.terms


class AgreementTextSerializer(serializers.Serializer[Any]):
    """A version of a corridor's terms as text; what was signed is the document with this digest, never the text."""

    agreement = serializers.IntegerField()
    digest = serializers.CharField()
    languages = serializers.ListField(child=serializers.CharField(), help_text="In their order in the text.")
    text = serializers.CharField()


class RecognitionDetailSerializer(serializers.Serializer[RecognitionNow]):
    """What units count as where they are, pinned when they came in. At home: 1/1, and everything else is null."""

    id = serializers.IntegerField(source="recognition.pk")
    numerator = serializers.IntegerField(source="recognition.rate_numerator")
    denominator = serializers.IntegerField(source="recognition.rate_denominator")
    applicable_period = serializers.CharField(source="recognition.applicable_period")
    issuer = serializers.CharField(source="agreement.corridor.origin.code", default=None, allow_null=True)
    host = serializers.CharField(
        source="agreement.corridor.destination.code", default=None, allow_null=True, help_text="Where they count so."
    )
    corridor = serializers.IntegerField(source="agreement.corridor_id", default=None, allow_null=True)
    agreement = serializers.IntegerField(source="agreement.pk", default=None, allow_null=True)
    version = serializers.IntegerField(source="agreement.version", default=None, allow_null=True)
    digest = serializers.CharField(source="agreement.digest", default=None, allow_null=True)
    window = serializers.IntegerField(
        source="quota.year",
        default=None,
        allow_null=True,
        help_text="The year whose entry quota they used and give back to; 0: the corridor's whole life.",
    )


class RecognitionPageSerializer(serializers.Serializer[Any]):
    """A page of recognitions; that of one unit where one was named."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RecognitionDetailSerializer(many=True)


class Document(serializers.JSONField):
    """A JSON object; what is in it is read by the rules of its kind."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the object. Raises: ValidationError."""
        if data is not serializers.empty and not isinstance(data, dict):
            raise fault("not-an-object")
        return super().run_validation(data)


@extend_schema_field(_DOCUMENT)
class DocumentField(Document):
    """`Document` as the OpenAPI document tells it."""


class ProposalSerializer(StrictSerializer):
    """A document to be signed."""

    kind = Word(choices=list(KINDS))
    link = Integer(min_value=1, max_value=10**18 - 1, help_text="The `id` of the link.")
    document = DocumentField(help_text="The terms, or another document of the kind (docs/agreements.md, docs/api.md).")


class SigningSerializer(StrictSerializer):
    """A signature."""

    digest = Pattern(r"^[0-9a-f]{64}$", help_text="Of the document that you have read.")


class SuspensionOrderSerializer(StrictSerializer):
    """Why a corridor is suspended."""

    reason = Text(max_length=LONGEST_REASON)


class ConditionOrderSerializer(StrictSerializer):
    """That a condition of a degree is met."""

    code = Pattern(r"^[a-z]+(-[a-z]+)*$", max_length=60, help_text="`drill-done`.")
    evidence = Text(max_length=LONGEST_EVIDENCE)


class TickedConditionSerializer(serializers.Serializer[Condition]):
    """A condition that a side has ticked."""

    id = serializers.IntegerField()
    link = serializers.IntegerField(source="link_id")
    code = serializers.CharField()
    text = CodedText(source="code", code="condition.{}")
    side = serializers.CharField(source="side.code")
    evidence = serializers.CharField()
    ticked_by = serializers.SerializerMethodField(help_text="`user:7`, as in the log.")
    ticked_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)

    def get_ticked_by(self, row: Condition) -> str:
        """Return who ticked it."""
        return f"user:{row.ticked_by_id}"


class SignaturesMissingSerializer(serializers.Serializer[SignaturesMissing]):
    """What a side still has to sign; its second signature is a senior administrator's."""

    side = serializers.CharField()
    count = serializers.IntegerField()


class InstrumentSerializer(serializers.Serializer[Instrument]):
    """A document to be signed by two administrators of each side that must; the last signature concludes it."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=list(KINDS))
    link = serializers.IntegerField(source="link_id")
    corridor = serializers.IntegerField(source="corridor_id", allow_null=True)
    side = serializers.SerializerMethodField(help_text="Who alone signs; null: both sides.")
    state = serializers.SerializerMethodField()
    digest = serializers.CharField(help_text="SHA-256 of the document's canonical JSON: a signature names it.")
    document = serializers.SerializerMethodField()
    proposed_by = serializers.SerializerMethodField(help_text="`user:7`, as in the log.")
    proposed_at = serializers.DateTimeField()
    signatures = serializers.SerializerMethodField()
    missing = serializers.SerializerMethodField(help_text="The signatures that it still needs.")
    concluded_at = serializers.DateTimeField(allow_null=True)
    withdrawn_by = serializers.SerializerMethodField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)

    def get_side(self, row: Instrument) -> str | None:
        """Return who alone signs."""
        return None if row.side is None else row.side.code

    @extend_schema_field({"type": "string", "enum": list(STATES)})
    def get_state(self, row: Instrument) -> str:
        """Return how it stands."""
        return state_of(row)

    @extend_schema_field(_DOCUMENT)
    def get_document(self, row: Instrument) -> Any:
        """Return the document."""
        return row.content

    def get_proposed_by(self, row: Instrument) -> str:
        """Return who proposed it."""
        return f"user:{row.proposed_by_id}"

    @extend_schema_field(SignatureSerializer(many=True))
    def get_signatures(self, row: Instrument) -> Any:
        """Return the signatures, the first first."""
        return printed_rows(SignatureSerializer, row.signatures.all())

    @extend_schema_field(SignaturesMissingSerializer(many=True))
    def get_missing(self, row: Instrument) -> Any:
        """Return what is missing."""
        return printed_rows(SignaturesMissingSerializer, signatures_missing(row))

    def get_withdrawn_by(self, row: Instrument) -> str | None:
        """Return who took it back."""
        return None if row.withdrawn_by_id is None else f"user:{row.withdrawn_by_id}"


class InstrumentPageSerializer(serializers.Serializer[Any]):
    """A page of instruments, the latest first."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = InstrumentSerializer(many=True)
