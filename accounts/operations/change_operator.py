"""Record who operates an installation from a day on."""

from datetime import date, datetime

from django.db import transaction

from accounts.models import Holder, Installation, InstallationOperator
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries


def change_operator(
    *, installation: Installation, holder: Holder, valid_from: date, actor: Actor, now: datetime
) -> InstallationOperator:
    """End the present operator's time and begin another's on `valid_from`, and log it.

    Obligation, allocation and surrenders stay with the installation; accounts and representatives with the old operator.
    Raises: NotPermitted; Refusal when somebody is recorded from that day or later already. Source: domain.md section 3.
    """
    if not actor.may(Act.CHANGE_OPERATOR, installation.jurisdiction.code):
        raise NotPermitted(Act.CHANGE_OPERATOR)
    with transaction.atomic():
        Installation.objects.select_for_update(no_key=True).get(pk=installation.pk)
        recorded = InstallationOperator.objects.filter(installation=installation)
        if recorded.filter(valid_from__gte=valid_from).exists():
            raise Refusal("operator-recorded-later", installation=installation.number)
        recorded.filter(valid_to__isnull=True).update(valid_to=valid_from)
        operator = InstallationOperator.objects.create(installation=installation, holder=holder, valid_from=valid_from)
        entries.record(
            registry=installation.jurisdiction.code,
            event="installation.operator-changed",
            occurred_at=now,
            actor=actor.name,
            subject=f"installation:{installation.id}",
            content={"holder": holder.id, "valid_from": valid_from.isoformat()},
        )
    return operator
