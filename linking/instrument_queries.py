"""Reads of what two sides sign: agreements for everybody, instruments for those who read everything on one of the sides.

Which of them a person could sign spares people a refusal: who may sign is for the operation to say, and for PostgreSQL.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, Exists, OuterRef, Prefetch, Q, QuerySet, TextField, Value, When

from accounts.queries import is_readable, readable_jurisdictions
from accounts.rules.access import Actor
from linking.models import Agreement, Instrument, Link, Signature
from linking.operations.sides import acts_for, is_senior
from linking.operations.sign_instrument import OF_EACH_SIDE

STANDINGS = ("follows", "in-force", "settling", "over")
STATES = ("open", "concluded", "withdrawn")


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
    return described(Instrument.objects.filter(is_readable(actor, "link__first", "link__second")))


def described(rows: QuerySet[Instrument]) -> QuerySet[Instrument]:
    """Return instruments with their link, who proposed and who signed: in two statements however many there are."""
    return rows.select_related(
        "link__first", "link__second", "corridor__origin", "corridor__destination", "side", "proposed_by"
    ).prefetch_related(Prefetch("signatures", _signatures()))


def state_of(instrument: Instrument) -> str:
    """Return how far an instrument has come, one of `STATES`."""
    if instrument.concluded_at is not None:
        return "concluded"
    return "open" if instrument.withdrawn_at is None else "withdrawn"


def reads_side_of(actor: Actor, link: Link) -> bool:
    """Return whether an actor reads everything on one of the sides of a link."""
    readable = readable_jurisdictions(actor)
    return readable is None or bool(readable & {link.first.code, link.second.code})


def signatures_missing(instrument: Instrument) -> tuple[SignaturesMissing, ...]:
    """Return what an instrument still needs, by side; nothing once it has ended."""
    if state_of(instrument) != "open":
        return ()
    sides = [instrument.link.first, instrument.link.second] if instrument.side is None else [instrument.side]
    given = [row.jurisdiction_id for row in instrument.signatures.all()]
    return tuple(
        SignaturesMissing(side.code, OF_EACH_SIDE - given.count(side.pk))
        for side in sides
        if given.count(side.pk) < OF_EACH_SIDE
    )


def awaiting_signature(actor: Actor) -> QuerySet[Instrument]:
    """Return the instruments that a person could sign now, the oldest first. In one statement.

    The second signature of a side is a senior administrator's, and nobody signs twice, or ever for both sides of a link.
    """
    rows = Instrument.objects.filter(concluded_at=None, withdrawn_at=None)
    if actor.user_id is None:
        return rows.none()
    homes = {role.rpartition("@")[2] for role in actor.roles}
    mine = [code for code in homes if acts_for(actor, code)]
    given = Signature.objects.filter(instrument=OuterRef("pk"))
    wanted = Q(pk__in=[])
    for code in mine:
        others = Signature.objects.filter(user_id=actor.user_id, instrument__link=OuterRef("link")).exclude(
            jurisdiction__code=code
        )
        of_side = given.filter(jurisdiction__code=code).order_by().values("instrument")
        signed = of_side.annotate(count=Count("pk")).values("count")
        few = ~Exists(signed.filter(count__gte=OF_EACH_SIDE if is_senior(actor, code) else 1))
        is_side = Q(side__code=code) | Q(side=None) & (Q(link__first__code=code) | Q(link__second__code=code))
        wanted |= is_side & few & ~Exists(others)
    # Who may act for both sides of a link acts for neither.
    both = Q(link__first__code__in=mine, link__second__code__in=mine)
    return rows.filter(wanted & ~both & ~Exists(given.filter(user_id=actor.user_id))).order_by("proposed_at", "id")


def may_be_signed(instrument: Instrument, actor: Actor) -> bool:
    """Return whether a person could sign an instrument now, as `awaiting_signature` has it."""
    return awaiting_signature(actor).filter(pk=instrument.pk).exists()


def _signatures() -> QuerySet[Signature]:
    return Signature.objects.select_related("user", "jurisdiction").order_by("pk")
