"""How final statements and issuers' books are printed."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from linking.books import Books, Place
from linking.rules.end_figures import Content
from linking.rules.terms import Policy, UnderWay
from linking.statement_text import final_statement_text


class StatedInstant(serializers.DateTimeField):
    """An instant of a statement, which holds it as a text."""

    def to_representation(self, value: Any) -> Any:
        """Return it as all instants are printed."""
        return super().to_representation(datetime.fromisoformat(value))


class WaySerializer(serializers.Serializer[Content]):
    """A direction."""

    origin = serializers.CharField()
    destination = serializers.CharField()


class FiguresSerializer(serializers.Serializer[Content]):
    """Sums in units of 1 t CO2e, `value` in recognised tonnes.

    `entered = returned + held + surrendered + pooled + cancelled`; of a year they are changes, and may be negative.
    """

    entered = serializers.IntegerField()
    returned = serializers.IntegerField()
    held = serializers.IntegerField(help_text="What is still abroad, on the accounts of holders.")
    surrendered = serializers.IntegerField()
    pooled = serializers.IntegerField(help_text="In the margin account.")
    cancelled = serializers.IntegerField()
    value = serializers.IntegerField(help_text="What was surrendered counted as, recognised tonnes.")
    margin_retired = serializers.IntegerField(help_text="Units surrendered beyond what they counted.")


class YearFiguresSerializer(FiguresSerializer):
    """What a year changed."""

    year = serializers.IntegerField(help_text="Of the destination's calendar.")


class EndedDirectionSerializer(WaySerializer):
    """One direction as at the end of the notice, by the years in which anything changed and in all."""

    years = YearFiguresSerializer(many=True)
    total = FiguresSerializer()
    under_way = serializers.IntegerField(help_text="Units that waited to enter then.")


class YearImbalanceSerializer(serializers.Serializer[Content]):
    """What a year added to the imbalance."""

    year = serializers.IntegerField()
    units = serializers.IntegerField()


class EndedImbalanceSerializer(serializers.Serializer[Content]):
    """What entered and did not return, less the same of the opposite direction. Units of 1 t CO2e."""

    total = serializers.IntegerField()
    years = YearImbalanceSerializer(many=True)


class EndTermsSerializer(serializers.Serializer[Content]):
    """What the last terms said of their end."""

    policy = serializers.ChoiceField(choices=[str(policy) for policy in Policy])
    notice_days = serializers.IntegerField()
    sunset_days = serializers.IntegerField()
    under_way = serializers.ChoiceField(choices=[str(way) for way in UnderWay])


class FinalStatementSerializer(serializers.Serializer[Content]):
    """The final statement of a corridor's end."""

    corridor = WaySerializer()
    noticed_by = serializers.CharField(allow_null=True, help_text="The side that gave notice; null: both did.")
    noticed_at = StatedInstant()
    as_of = StatedInstant(help_text="The end of the notice: what completed before it counts.")
    made_at = StatedInstant()
    last_version = serializers.IntegerField(help_text="Of the corridor's terms.")
    delinking = EndTermsSerializer()
    directions = EndedDirectionSerializer(many=True, help_text="That which ended, then the opposite one.")
    imbalance = EndedImbalanceSerializer()
    text = serializers.SerializerMethodField(help_text="The same as text, in the reader's language.")

    def get_text(self, statement: Content) -> str:
        """Return the text."""
        return final_statement_text(statement)


class FinalStatementListSerializer(serializers.Serializer[Any]):
    """The final statements of a link, in the order of the ends."""

    results = FinalStatementSerializer(many=True)


class PlaceSerializer(serializers.Serializer[Place]):
    """Units of an issuer in one registry, of 1 t CO2e; what is reserved or frozen is held."""

    jurisdiction = serializers.CharField()
    held = serializers.IntegerField()
    margin = serializers.IntegerField(help_text="In the margin account, pooled at surrender.")
    surrendered = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    lapsed = serializers.IntegerField()


class BooksSerializer(serializers.Serializer[Books]):
    """Where everything is that a registry has issued: `issued` is the sum of all places."""

    issuer = serializers.CharField(source="home.jurisdiction")
    issued = serializers.IntegerField()
    home = PlaceSerializer()
    abroad = PlaceSerializer(many=True, help_text="The other registries that have any, by their codes.")
    balance = serializers.BooleanField(help_text="Whether every unit issued is in exactly one place.")


class BothBooksSerializer(serializers.Serializer[Any]):
    """The books of both sides of a link."""

    as_of = serializers.DateTimeField(allow_null=True, help_text="The past instant; null: now.")
    results = BooksSerializer(many=True, help_text="Of either side, as the link names them.")
