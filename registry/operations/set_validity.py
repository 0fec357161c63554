"""Record until when units of a type and vintage count."""

from datetime import datetime

from django.db import connection, transaction

from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries
from registry.models import UnitType
from registry.rules.checks_of_form import VINTAGES


def set_validity(
    *,
    unit_type: UnitType,
    vintage: int,
    valid_until: datetime,
    source: str,
    actor: Actor,
    now: datetime,
    applicable_period: str = "",
) -> None:
    """Record the instant from which units of a vintage only lapse, and log it; of several records the latest holds.

    Of those carried over into `applicable_period`, or, without one, of those that were not carried over.

    Raises: NotPermitted; Refusal for a year that is no vintage, or without a source. Source: domain.md section 5, lapse.
    """
    home = unit_type.jurisdiction.code
    if not actor.may(Act.SET_RULE, home):
        raise NotPermitted(Act.SET_RULE)
    if vintage not in VINTAGES:
        raise Refusal("vintage-unknown", vintage=vintage)
    if not source.strip():
        raise Refusal("source-missing")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO registry_unitvalidity (unit_type_id, vintage, applicable_period, valid_until, source)"
                " VALUES (%s, %s, %s, %s, %s)",
                [unit_type.pk, vintage, applicable_period, valid_until, source],
            )
        entries.record(
            registry=home,
            event="unit-validity.set",
            occurred_at=now,
            actor=actor.name,
            subject=f"{home}:{unit_type.code}:{vintage}",
            content={"applicable_period": applicable_period, "valid_until": valid_until.isoformat(), "source": source},
        )
