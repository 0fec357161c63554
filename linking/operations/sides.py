"""Who acts for a side of a link, and whose logs tell of an act."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from accounts.models import Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import EVERYWHERE, Act, Actor, Role, role_name
from audit import entries
from linking.models import Agreement, Corridor, Link, Signature

ADMINISTRATORS = (Role.SENIOR_REGISTRY_ADMINISTRATOR, Role.JUNIOR_REGISTRY_ADMINISTRATOR)


def acts_for(actor: Actor, side: str) -> bool:
    """Return whether an actor is a registry administrator of exactly this jurisdiction: a role held everywhere is no side's."""
    return actor.user_id is not None and any(role_name(role, side) in actor.roles for role in ADMINISTRATORS)


def is_senior(actor: Actor, side: str) -> bool:
    """Return whether an actor is a senior registry administrator of exactly this jurisdiction."""
    return actor.user_id is not None and role_name(Role.SENIOR_REGISTRY_ADMINISTRATOR, side) in actor.roles


def side_of(actor: Actor, link: Link, act: Act) -> Jurisdiction:
    """Return the side that an actor acts for. Raises: NotPermitted for whoever administers neither, both, or everywhere."""
    sides = [side for side in (link.first, link.second) if acts_for(actor, side.code)]
    everywhere = any(role_name(role, EVERYWHERE) in actor.roles for role in ADMINISTRATORS)
    if len(sides) != 1 or everywhere:
        raise NotPermitted(act)
    return sides[0]


def person_of(actor: Actor) -> int:
    """Return the id of the person that acts. `side_of` has seen that there is one."""
    assert actor.user_id is not None
    return actor.user_id


def has_signed_for_another(actor: Actor, link: Link, side: Jurisdiction) -> bool:
    """Return whether an actor has ever signed for the other side of a link."""
    others = Signature.objects.filter(user_id=person_of(actor), instrument__link=link).exclude(jurisdiction=side)
    return others.exists()


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
