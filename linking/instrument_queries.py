"""Reads of what two sides sign: agreements for everybody, instruments for those who read everything on one of the sides."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Prefetch, Q, QuerySet, TextField, Value, When

from accounts.queries import readable_jurisdictions
from accounts.rules.access import Actor
from linking.models import Agreement, Instrument, Link, Signature
from linking.operations.sign_instrument import OF_EACH_SIDE

STANDINGS = ("follows", "in-force", "settling", "over")


@dataclass(frozen=True, slots=True)
class SignaturesMissing:
    """How many signatures of a side an instrument still needs; the second of a side is a senior administrator's."""

    side: str
    count: int


def agreements(*, now: datetime) -> QuerySet[Agreement]:
    """Return the agreements with their corridors, each with its `standing`, one of `STANDINGS`. The order is the caller's.

    It follows, is in force, only settles what is under way, or is over. With `signed` also who signed them.
    """
    standing = Case(
        When(effective_from__gt=now, then=Value(STANDINGS[0])),
        When(Q(superseded_at=None) | Q(superseded_at__gt=now), then=Value(STANDINGS[1])),
        When(last_settlement_at__gte=now, then=Value(STANDINGS[2])),
        default=Value(STANDINGS[3]),
        output_field=TextField(),
    )
    rows = Agreement.objects.select_related("corridor__origin", "corridor__destination", "instrument")
    return rows.annotate(standing=standing)


def signed(rows: QuerySet[Agreement]) -> QuerySet[Agreement]:
    """Return agreements with the signatures of their instruments, in one statement more."""
    return rows.prefetch_related(Prefetch("instrument__signatures", _signatures()))


def instruments(actor: Actor) -> QuerySet[Instrument]:
    """Return the instruments that an actor may know of with their signatures, in two statements. The order is the caller's.

    Drafts are the two sides' own: for whoever reads everything in one of them.
    """
    rows = described_instruments()
    readable = readable_jurisdictions(actor)
    if readable is None:
        return rows
    return rows.filter(Q(link__first__code__in=readable) | Q(link__second__code__in=readable))


def described_instruments() -> QuerySet[Instrument]:
    """Return all instruments with their signatures, in two statements."""
    rows = Instrument.objects.select_related(
        "link__first", "link__second", "corridor__origin", "corridor__destination", "side"
    )
    return rows.prefetch_related(Prefetch("signatures", _signatures()))


def reads_side_of(actor: Actor, link: Link) -> bool:
    """Return whether an actor reads everything on one of the sides of a link."""
    readable = readable_jurisdictions(actor)
    return readable is None or bool(readable & {link.first.code, link.second.code})


def signatures_missing(instrument: Instrument) -> tuple[SignaturesMissing, ...]:
    """Return what an instrument still needs, by side; nothing once it has ended."""
    if instrument.concluded_at is not None or instrument.withdrawn_at is not None:
        return ()
    sides = [instrument.link.first, instrument.link.second] if instrument.side is None else [instrument.side]
    given = [row.jurisdiction_id for row in instrument.signatures.all()]
    return tuple(
        SignaturesMissing(side.code, OF_EACH_SIDE - given.count(side.pk))
        for side in sides
        if given.count(side.pk) < OF_EACH_SIDE
    )


def _signatures() -> QuerySet[Signature]:
    return Signature.objects.select_related("jurisdiction").order_by("pk")
