"""How links, corridors and quotas are printed."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import printed_rows
from accounts.api.serializers import CodedText
from linking.condition_queries import ConditionNow, ConditionsNow
from linking.flow_queries import OpenTransfer, OpenTransfers
from linking.models import Agreement, Delinking, Leave, Suspension
from linking.models.quotas import KINDS
from linking.queries import CorridorNow, LinkNow, MarginNow
from linking.quota_list_queries import ListedQuota
from linking.quota_queries import QuotaNow
from linking.rules.degrees import Degree, Ticker
from linking.rules.reciprocity import Level, Meter
from linking.rules.standing import Standing
from registry.rules.states import State

SECONDS_OF_AN_HOUR = 3_600


class QuotaSerializer(serializers.Serializer[QuotaNow]):
    """A quota in its measure: `left` = `limit` + `opposite` - `reserved` - `used`, never below nought; null: no limit."""

    kind = serializers.ChoiceField(choices=list(KINDS))
    year = serializers.IntegerField(help_text="Of the destination's calendar; 0: the corridor's whole life.")
    vintage = serializers.IntegerField(allow_null=True)
    measure = serializers.ChoiceField(choices=["units", "recognised"], help_text="Units of 1 t CO2e, or recognised t.")
    limit = serializers.IntegerField(
        allow_null=True, help_text="Of an entry quota as the reciprocity clause leaves it now."
    )
    reserved = serializers.IntegerField(help_text="By transfers that wait.")
    used = serializers.IntegerField(help_text="What entered less what went home.")
    opposite = serializers.IntegerField(help_text="Of a net flow: what came the other way, which makes room.")
    left = serializers.IntegerField(allow_null=True)


class ListedQuotaSerializer(serializers.Serializer[ListedQuota]):
    """A quota with what it is of."""

    id = serializers.IntegerField(source="row.pk")
    corridor = serializers.IntegerField(
        source="row.corridor_id", allow_null=True, help_text="Null: an operator's (`use`), of all its linked units."
    )
    origin = serializers.SerializerMethodField()
    destination = serializers.SerializerMethodField()
    holder = serializers.SerializerMethodField(help_text="Whose, of a holder's quota.")
    obligation = serializers.IntegerField(source="row.obligation_id", allow_null=True)
    installation = serializers.SerializerMethodField(help_text="Its number, of an operator's quota.")
    node = serializers.CharField(
        source="row.node", allow_null=True, help_text="The part of the use quota, by its name."
    )
    current = serializers.BooleanField(
        source="is_current", help_text="Whether its window is now's; the limit of a past one is as it last was."
    )
    quota = QuotaSerializer()

    def get_origin(self, listed: ListedQuota) -> str | None:
        """Return the issuer of what enters."""
        return None if listed.row.corridor is None else listed.row.corridor.origin.code

    def get_destination(self, listed: ListedQuota) -> str | None:
        """Return where it enters."""
        return None if listed.row.corridor is None else listed.row.corridor.destination.code

    def get_holder(self, listed: ListedQuota) -> str | None:
        """Return the holder's name."""
        return None if listed.row.holder is None else listed.row.holder.name

    def get_installation(self, listed: ListedQuota) -> str | None:
        """Return the installation's number."""
        return None if listed.row.obligation is None else listed.row.obligation.installation.number


class QuotaPageSerializer(serializers.Serializer[Any]):
    """A page of quotas, in the order in which they were first used."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ListedQuotaSerializer(many=True)


class MeterSerializer(serializers.Serializer[Meter]):
    """The imbalance against the reciprocity clause, in units of the year of the net flow."""

    level = serializers.ChoiceField(choices=[str(level) for level in Level])
    level_text = CodedText(source="level", code="reciprocity-level.{}")
    imbalance = serializers.IntegerField(
        help_text="What entered and waits to, less what entered the other way; below nought where more did."
    )
    next_level = serializers.ChoiceField(choices=[str(level) for level in Level], allow_null=True)
    until_next = serializers.IntegerField(allow_null=True, help_text="After how many more units it begins.")
    agreed_limit = serializers.IntegerField(allow_null=True, help_text="The entry quota as agreed.")
    entry_limit = serializers.IntegerField(allow_null=True, help_text="The entry quota at this imbalance.")


class SuspensionSerializer(serializers.Serializer[Suspension]):
    """That a side lets nothing in by a corridor."""

    side = serializers.CharField(source="side.code")
    at = serializers.DateTimeField()
    reason = serializers.CharField()


class LeaveSerializer(serializers.Serializer[Leave]):
    """The origin's consent that its units leave."""

    limit = serializers.IntegerField(allow_null=True, help_text="Units a year; null: no limit.")
    valid_from = serializers.DateTimeField()
    valid_to = serializers.DateTimeField(allow_null=True)


class AgreementNameSerializer(serializers.Serializer[Agreement]):
    """A version of a corridor's terms."""

    id = serializers.IntegerField()
    version = serializers.IntegerField()
    digest = serializers.CharField(help_text="SHA-256 of the terms' canonical JSON: what was signed.")
    effective_from = serializers.DateTimeField()
    superseded_at = serializers.DateTimeField(allow_null=True)
    last_settlement_at = serializers.DateTimeField(
        allow_null=True, help_text="Until when what was proposed under it may complete."
    )


class DelinkingSerializer(serializers.Serializer[Delinking]):
    """The notice of a corridor's end."""

    noticed_at = serializers.DateTimeField()
    takes_effect_at = serializers.DateTimeField()


class OpenTransfersSerializer(serializers.Serializer[OpenTransfers]):
    """What waits on a corridor, both ways."""

    count = serializers.IntegerField()
    units = serializers.IntegerField()
    oldest_at = serializers.DateTimeField(allow_null=True)


class OpenTransferSerializer(serializers.Serializer[OpenTransfer]):
    """A transfer that waits."""

    transaction = serializers.UUIDField(source="transaction_id")
    state = serializers.ChoiceField(choices=[str(state) for state in State])
    way = serializers.ChoiceField(choices=["entry", "return"])
    units = serializers.IntegerField()
    proposed_at = serializers.DateTimeField()
    age_hours = serializers.SerializerMethodField()

    def get_age_hours(self, waiting: OpenTransfer) -> int:
        """Return for how many whole hours it has waited."""
        return int(waiting.age.total_seconds()) // SECONDS_OF_AN_HOUR


class CorridorSerializer(serializers.Serializer[CorridorNow]):
    """One direction of a link: what the destination recognises of the origin's units, as it stands now."""

    id = serializers.IntegerField(source="corridor.pk")
    link = serializers.IntegerField(source="corridor.link_id")
    origin = serializers.CharField(source="corridor.origin.code")
    destination = serializers.CharField(source="corridor.destination.code")
    state = serializers.SerializerMethodField(help_text="The gravest of `states`.")
    states = serializers.SerializerMethodField(help_text="All that stands in the way of an entry, or `open`.")
    state_text = serializers.SerializerMethodField()
    suspensions = SuspensionSerializer(many=True)
    agreement = AgreementNameSerializer(allow_null=True, help_text="In force now.")
    following = AgreementNameSerializer(allow_null=True, help_text="Signed, in force later.")
    rate = serializers.SerializerMethodField(help_text="Of what enters now, `4/5`; null: nothing does.")
    leave = LeaveSerializer(allow_null=True)
    end = DelinkingSerializer(source="delinking", allow_null=True, help_text="The last notice of its end.")
    meter = MeterSerializer()
    quotas = QuotaSerializer(many=True, help_text="In the windows of now, also those of which nothing was used yet.")
    open_transfers = OpenTransfersSerializer(source="open")

    @extend_schema_field({"type": "string", "enum": [str(row) for row in Standing]})
    def get_state(self, now: CorridorNow) -> str:
        """Return how it stands in one word."""
        return str(now.standings[0])

    @extend_schema_field({"type": "array", "items": {"type": "string", "enum": [str(row) for row in Standing]}})
    def get_states(self, now: CorridorNow) -> list[str]:
        """Return all that is in the way."""
        return [str(row) for row in now.standings]

    def get_state_text(self, now: CorridorNow) -> str:
        """Return how it stands, in the reader's language."""
        return CodedText(code="corridor-standing.{}").to_representation(now.standings[0])

    def get_rate(self, now: CorridorNow) -> str | None:
        """Return the rate of the terms in force."""
        return None if now.terms is None else f"{now.terms.rate.numerator}/{now.terms.rate.denominator}"


class CorridorPageSerializer(serializers.Serializer[Any]):
    """A page of corridors."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = CorridorSerializer(many=True)


class MarginSerializer(serializers.Serializer[MarginNow]):
    """The atmospheric margin of an issuer's units surrendered on the other side, t CO2e: `margin` = `retired` + `pooled`."""

    origin = serializers.CharField(help_text="Who issued the units.")
    destination = serializers.CharField(help_text="Where they were surrendered.")
    quantity = serializers.IntegerField(help_text="Units surrendered there: `value` + `margin`.")
    value = serializers.IntegerField(help_text="What they counted there.")
    margin = serializers.IntegerField()
    retired = serializers.IntegerField()
    pooled = serializers.IntegerField(help_text="In the margin account, a reserve against reversal.")


class ConditionSerializer(serializers.Serializer[ConditionNow]):
    """A condition of a step of the degree."""

    code = serializers.CharField()
    text = CodedText(source="code", code="condition.{}")
    ticked_by = serializers.ChoiceField(choices=[str(ticker) for ticker in Ticker])
    side = serializers.CharField(allow_null=True, help_text="Whose tick; null: the registry finds it by itself.")
    corridor = serializers.SerializerMethodField(
        help_text="`CN-BJ -> JP-13`: judged for a step about this one; null: about the link."
    )
    standing = serializers.ChoiceField(choices=["met", "missing", "expired"])
    ticked_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)

    def get_corridor(self, condition: ConditionNow) -> str | None:
        """Return the corridor's two sides."""
        way = condition.way
        return None if way is None else f"{way.origin} -> {way.destination}"


class LinkSerializer(serializers.Serializer[LinkNow]):
    """Two registries, how far they are linked, and both directions."""

    id = serializers.IntegerField(source="link.pk")
    sides = serializers.SerializerMethodField()
    degree = serializers.ChoiceField(source="link.degree", choices=[str(degree) for degree in Degree])
    degree_text = CodedText(source="link.degree", code="degree.{}")
    open_corridor = serializers.IntegerField(
        source="link.open_corridor_id", allow_null=True, help_text="The one that is open at the degree `unilateral`."
    )
    corridors = CorridorSerializer(many=True)
    margins = MarginSerializer(many=True, help_text="Of each direction in which units were surrendered.")

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_sides(self, now: LinkNow) -> list[str]:
        """Return the two jurisdictions."""
        return [now.link.first.code, now.link.second.code]


class LinkPageSerializer(serializers.Serializer[Any]):
    """A page of links."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = LinkSerializer(many=True)


class NextStepSerializer(serializers.Serializer[Any]):
    """The next step of a link's degree and how each of its conditions stands."""

    degree = serializers.ChoiceField(choices=[str(degree) for degree in Degree])
    degree_text = CodedText(source="degree", code="degree.{}")
    conditions = ConditionSerializer(many=True)


class ListedTransferSerializer(OpenTransferSerializer):
    """A transfer that waits, on which corridor."""

    corridor = serializers.IntegerField()


class LinkDetailSerializer(LinkSerializer):
    """A link with what its next step needs and, for the staff of a side, each transfer that waits."""

    next_step = NextStepSerializer(allow_null=True, help_text="Null: there is none above.")
    lapsed = ConditionSerializer(
        many=True, help_text="Ticks of steps already taken that have expired: to be renewed; they lower nothing."
    )
    transfers = ListedTransferSerializer(
        many=True, allow_null=True, help_text="The oldest first; null: for the staff of the two sides alone."
    )


def printed_link(now: LinkNow, conditions: ConditionsNow, *, in_full: bool) -> dict[str, Any]:
    """Return a link as its own address prints it; each transfer that waits only `in_full`."""
    rows = [
        (waiting.proposed_at, corridor.corridor.pk, waiting)
        for corridor in now.corridors
        for waiting in corridor.open.rows
    ]
    rows.sort(key=lambda row: (row[0], str(row[2].transaction_id), row[1]))
    transfers = [
        {**printed_rows(OpenTransferSerializer, [waiting])[0], "corridor": corridor} for _, corridor, waiting in rows
    ]
    return {
        **printed_rows(LinkSerializer, [now])[0],
        "next_step": None
        if conditions.step is None
        else printed_rows(NextStepSerializer, [{"degree": str(conditions.step), "conditions": conditions.next}])[0],
        "lapsed": printed_rows(ConditionSerializer, conditions.lapsed),
        "transfers": transfers if in_full else None,
    }
