"""The final statements of links, and the flows that one is added up from. Texts of them are in `linking.statement_text`."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import F, Q, Sum
from django.db.models.functions import ExtractYear

from linking.models import Agreement, Corridor, Delinking, FinalStatement, Link
from linking.rules.end_figures import Content, End, Flow, Place, content_of, end_of
from linking.rules.rates import Rate
from registry.models import Recognition, Transaction, TransactionBlock, TransactionStep
from registry.rules.states import FINAL, State


def final_statements(link: Link) -> list[Content]:
    """Return what was stated of each end of a corridor of a link, in the order of the ends.

    Each names its corridor, who gave notice and when, when it ended and by which policy, and has the figures of both directions
    as at the end of the notice (`linking.rules.end_figures`). The same for either side.
    """
    rows = FinalStatement.objects.filter(delinking__corridor__link=link)
    known = rows.select_related(
        "delinking__corridor__origin", "delinking__corridor__destination", "delinking__instrument__side"
    )
    return [_told(row) for row in known.order_by("delinking__takes_effect_at", "id")]


def _told(row: FinalStatement) -> Content:
    ended = row.delinking
    last = Agreement.objects.filter(corridor=ended.corridor, superseded_at=ended.takes_effect_at).latest("version")
    return {
        "corridor": {"origin": ended.corridor.origin.code, "destination": ended.corridor.destination.code},
        "noticed_by": None if ended.instrument.side is None else ended.instrument.side.code,
        "noticed_at": ended.noticed_at.isoformat(),
        "as_of": ended.takes_effect_at.isoformat(),
        "made_at": row.made_at.isoformat(),
        "last_version": last.version,
        "delinking": last.terms["delinking"],
        **row.content,
    }


def end_content(delinking: Delinking) -> Content:
    """Return what is to be stated of an end: the figures of both directions as at the end of the notice."""
    corridor = delinking.corridor
    opposite = Corridor.objects.get(origin=corridor.destination, destination=corridor.origin)
    until = delinking.takes_effect_at
    return content_of(_end(corridor, until), _end(opposite, until))


def _end(corridor: Corridor, until: datetime) -> End:
    flows = flows_of(corridor, until)
    return end_of(corridor.origin.code, corridor.destination.code, flows, under_way(corridor, until))


def flows_of(corridor: Corridor, until: datetime) -> Iterator[Flow]:
    """Yield what has moved in, out and between places of a corridor by transactions completed before an instant."""
    counted = _recognitions(corridor)
    zone = ZoneInfo(corridor.destination.time_zone)
    rows = (
        TransactionBlock.objects.filter(
            Q(recognition_id__in=counted) | Q(to_recognition_id__in=counted),
            transaction__state=State.COMPLETED,
            transaction__completed_at__lt=until,
        )
        .values(
            "recognition_id",
            "from_account__jurisdiction",
            "from_account__type",
            "from_account__retires",
            "to_account__jurisdiction",
            "to_account__type",
            "to_account__retires",
            obligation=F("transaction__obligation_id"),
            undone=F("transaction__reverses__obligation_id"),
            year=ExtractYear("transaction__completed_at", tzinfo=zone),
        )
        .annotate(units=Sum(F("next_no") - F("first_no")))
        .order_by("year", "recognition_id")
    )
    for row in rows:
        before = _place(
            row["from_account__jurisdiction"], row["from_account__type"], row["from_account__retires"], corridor
        )
        after = _place(row["to_account__jurisdiction"], row["to_account__type"], row["to_account__retires"], corridor)
        obligation = row["obligation"] or row["undone"]
        rate = counted.get(row["recognition_id"])
        surrendered_for = None if obligation is None or rate is None else (obligation, rate)
        yield Flow(row["year"], before, after, row["units"], surrendered_for, row["obligation"] is None)


def under_way(corridor: Corridor, at: datetime) -> int:
    """Return the units that waited to enter by a corridor at an instant: neither completed nor ended before it."""
    ended = TransactionStep.objects.filter(to_state__in=FINAL, at__lt=at).values("transaction_id")
    waited = Transaction.objects.filter(
        Q(completed_at=None) | Q(completed_at__gte=at), type="3-0", proposed_at__lt=at
    ).exclude(pk__in=ended)
    blocks = TransactionBlock.objects.filter(to_recognition_id__in=_recognitions(corridor), transaction__in=waited)
    return blocks.aggregate(units=Sum(F("next_no") - F("first_no")))["units"] or 0


def _recognitions(corridor: Corridor) -> dict[int, Rate]:
    """What units that came by a corridor count as, by the id of the recognition."""
    versions = Agreement.objects.filter(corridor=corridor).values_list("pk", flat=True)
    rows = Recognition.objects.filter(agreement_id__in=list(versions))
    return {row.pk: Rate(row.rate_numerator, row.rate_denominator) for row in rows}


def _place(jurisdiction_id: int | None, account_type: str | None, retires: bool | None, corridor: Corridor) -> Place:
    if jurisdiction_id != corridor.destination_id:
        return Place.ELSEWHERE
    named = {"SUR": Place.SURRENDERED, "MRG": Place.POOLED}
    return named.get(str(account_type), Place.CANCELLED if retires else Place.HELD)
