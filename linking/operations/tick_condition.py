"""Record that a condition of a degree is met, on what evidence, for one side."""

from datetime import datetime

from django.db import transaction

from accounts.models import Deployment
from accounts.refusals import Refusal
from accounts.rules.access import Act, Actor
from linking.models import Condition, Link
from linking.operations.sides import person_of, side_of, tell
from linking.readiness_queries import open_blocks
from linking.rules.degrees import BLOCKS, CONDITIONS, expiry_of


def tick_condition(link: Link, *, code: str, evidence: str, actor: Actor, now: datetime) -> Condition:
    """Tick a condition for the side that the actor administers; it counts until its table says. Logged in both registries.

    Raises: NotPermitted; Refusal where there is no such condition, it is computed, or no evidence is named. Source: linking.md 2.
    """
    link = Link.objects.select_related("first", "second").get(pk=link.pk)
    side = side_of(actor, link, Act.TICK_CONDITION)
    condition = next((row for row in CONDITIONS if row.code == code), None)
    if condition is None or not condition.is_ticked:
        raise Refusal("condition-is-not-ticked", field="code", condition=code)
    if not evidence.strip():
        raise Refusal("evidence-missing", field="evidence")
    if code == BLOCKS:
        _refuse_blocks(link, evidence, now)
    with transaction.atomic():
        ticked = Condition.objects.create(
            link=link,
            code=code,
            side=side,
            ticked_by_id=person_of(actor),
            ticked_at=now,
            evidence=evidence.strip(),
            expires_at=expiry_of(condition, now),
        )
        tell(
            link,
            "condition.ticked",
            {
                "condition": code,
                "side": side.code,
                "expires_at": "" if ticked.expires_at is None else ticked.expires_at.isoformat(),
            },
            subject=f"link:{link.pk}",
            actor=actor,
            now=now,
        )
    return ticked


def _refuse_blocks(link: Link, evidence: str, now: datetime) -> None:
    """Let nothing that blocks pass; an exercise may go on where the evidence names each point, as what it only assumes.

    Seoul runs no system of its own, so without this nobody could try a link with it (domain.md section 2).
    """
    blocks = open_blocks(link.first, link.second, now)
    unnamed = [point for point in blocks if point not in evidence]
    is_exercise = Deployment.objects.filter(mode=Deployment.Mode.EXERCISE).exists()
    if blocks and (unnamed or not is_exercise):
        raise Refusal("readiness-blocks", field="evidence", points=", ".join(blocks))
