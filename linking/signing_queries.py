"""Whose side of a link a person acts for, and which instruments that person could sign: what spares people a refusal.

It decides nothing: who may sign is for the operation to say, and for PostgreSQL.
"""

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from accounts.models import Jurisdiction
from accounts.rules.access import EVERYWHERE, Actor, role_name
from linking.models import Instrument, Link, Signature
from linking.operations.sides import ADMINISTRATORS, acts_for, is_senior
from linking.operations.sign_instrument import OF_EACH_SIDE


def signed_by(instruments: QuerySet[Instrument]) -> QuerySet[Instrument]:
    """Return instruments with their link, who proposed and who signed: in two statements however many there are."""
    signatures = Signature.objects.select_related("user", "jurisdiction").order_by("id")
    return instruments.select_related(
        "link__first", "link__second", "corridor__origin", "corridor__destination", "side", "proposed_by"
    ).prefetch_related(Prefetch("signatures", signatures))


def sides_of(link: Link, actor: Actor) -> tuple[Jurisdiction, ...]:
    """Return the side of a link that a person may act for; whoever could for both, or everywhere, acts for neither."""
    found = tuple(side for side in (link.first, link.second) if acts_for(actor, side.code))
    return found if len(found) == 1 and not _administers_everywhere(actor) else ()


def _administers_everywhere(actor: Actor) -> bool:
    return any(role_name(role, EVERYWHERE) in actor.roles for role in ADMINISTRATORS)


def awaiting_signature(actor: Actor) -> QuerySet[Instrument]:
    """Return the instruments that a person could sign now, the oldest first. In one statement.

    The second signature of a side is a senior administrator's, and nobody signs twice, or ever for both sides of a link.
    """
    rows = Instrument.objects.filter(concluded_at=None, withdrawn_at=None)
    if actor.user_id is None or _administers_everywhere(actor):
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
    """Return whether a person could sign an instrument of `signed_by` now, as `awaiting_signature` has it."""
    return awaiting_signature(actor).filter(pk=instrument.pk).exists()
