"""Open a link between two registries, at the degree *none*: its two corridors let nothing through yet."""

from datetime import datetime

from django.db import transaction

from accounts.models import Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries
from linking.models import Link
from linking.rules.degrees import Degree


def open_link(*, one: Jurisdiction, other: Jurisdiction, actor: Actor, now: datetime) -> Link:
    """Record a link with its two corridors, and log it in both registries. Two registries have one link.

    Raises: NotPermitted; Refusal where the two are one or have a link already. Source: linking.md section 1.
    """
    if not actor.may(Act.OPEN_LINK):
        raise NotPermitted(Act.OPEN_LINK)
    first, second = sorted((one, other), key=lambda place: place.pk)
    with transaction.atomic():
        if first == second or Link.objects.filter(first=first, second=second).exists():
            raise Refusal("link-exists", link=f"{first} - {second}")
        link = Link.objects.create(first=first, second=second, degree=str(Degree.NONE))
        for side in (first, second):
            entries.record(
                registry=side.code,
                event="link.opened",
                occurred_at=now,
                actor=actor.name,
                subject=f"link:{link.pk}",
                content={"sides": [first.code, second.code]},
            )
    return Link.objects.select_related("first", "second").get(pk=link.pk)
