"""Who acts for a side of a link, and whose logs tell of an act."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from accounts.models import Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import EVERYWHERE, Act, Actor, Role, role_name
from audit import entries
from linking.models import Agreement, Corridor, Link, Signature, Suspension
from linking.rules.documents import LeaveDocument


def acts_for(actor: Actor, side: str) -> bool:
    """Return whether an actor is a registry administrator of exactly this jurisdiction; one everywhere acts for no side."""
    return actor.user_id is not None and actor.administers(side) and not actor.administers(EVERYWHERE)


def side_for(actor: Actor, link: Link) -> Jurisdiction | None:
    """Return the side of a link that a person may act for; whoever could for both, or everywhere, acts for neither."""
    found = [side for side in (link.first, link.second) if acts_for(actor, side.code)]
    return found[0] if len(found) == 1 else None


def is_senior(actor: Actor, side: str) -> bool:
    """Return whether an actor is a senior registry administrator of exactly this jurisdiction."""
    return actor.user_id is not None and role_name(Role.SENIOR_REGISTRY_ADMINISTRATOR, side) in actor.roles


def side_of(actor: Actor, link: Link, act: Act) -> Jurisdiction:
    """Return the side that an actor acts for. Raises: NotPermitted for whoever administers neither, both, or everywhere."""
    side = side_for(actor, link)
    if side is None:
        raise NotPermitted(act)
    return side


def person_of(actor: Actor) -> int:
    """Return the id of the person that acts. `side_of` has seen that there is one."""
    assert actor.user_id is not None
    return actor.user_id


def has_signed_for_another(actor: Actor, link: Link, side: Jurisdiction) -> bool:
    """Return whether an actor has ever signed for the other side of a link."""
    others = Signature.objects.filter(user_id=person_of(actor), instrument__link=link).exclude(jurisdiction=side)
    return others.exists()


def refuse_what_is_not_suspended(corridor: Corridor | None, side: Jurisdiction) -> None:
    """Refuse to let resume what a side has not suspended, or has let resume already. Raises: Refusal."""
    if not Suspension.objects.filter(corridor=corridor, side=side, resumed_at=None).exists():
        raise Refusal("nothing-is-suspended", corridor=str(corridor))


def refuse_leave_that_has_ended(leave: LeaveDocument, now: datetime) -> None:
    """Refuse a leave that would be over before it begins: it begins when it says, or when it is signed. Raises: Refusal."""
    if leave.valid_to is not None and leave.valid_to <= max(leave.valid_from, now):
        raise Refusal("leave-has-ended", field="valid_to", until=leave.valid_to.isoformat())


def refuse_what_has_ended(link: Link, corridor: Corridor | None) -> None:
    """Refuse a notice where no terms are without an end: of the corridor, or of the link's (None). Raises: Refusal."""
    terms = Agreement.objects.filter(corridor__link=link, superseded_at=None)
    if not (terms if corridor is None else terms.filter(corridor=corridor)).exists():
        raise Refusal("nothing-to-delink", link=str(link))


def tell(link: Link, event: str, content: Mapping[str, object], *, subject: str, actor: Actor, now: datetime) -> None:
    """Append an act to the logs of both sides, in the current database transaction."""
    for side in _sides(link):
        entries.record(registry=side, event=event, occurred_at=now, actor=actor.name, subject=subject, content=content)


def _sides(link: Link) -> Iterable[str]:
    return (link.first.code, link.second.code)
