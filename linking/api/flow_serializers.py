"""How flows are printed."""

from typing import Any

from rest_framework import serializers

from linking.flow_queries import Flow


class FlowSerializer(serializers.Serializer[Flow]):
    """What crossed a corridor in a month of its destination's calendar.

    Units of 1 t CO2e, and recognised tonnes, which are rounded down once for each rate in the month.
    """

    corridor = serializers.IntegerField(source="corridor_id")
    origin = serializers.CharField()
    destination = serializers.CharField()
    month = serializers.SerializerMethodField(help_text="`2026-06`.")
    entered = serializers.IntegerField()
    entered_recognised = serializers.IntegerField()
    returned = serializers.IntegerField(help_text="What went home off the corridor.")
    returned_recognised = serializers.IntegerField()

    def get_month(self, flow: Flow) -> str:
        """Return the month."""
        return f"{flow.month:%Y-%m}"


class FlowListSerializer(serializers.Serializer[Any]):
    """Flows by month and corridor, of transfers that completed by an instant."""

    as_of = serializers.DateTimeField()
    results = FlowSerializer(many=True)
