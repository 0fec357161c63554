"""Record a facility's base and factor for a year: what its cap, and what it must reduce, come from."""

from datetime import datetime
from fractions import Fraction

from django.db import transaction

from accounts.models import Installation, Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries
from registry.models import RecordedBase
from registry.operations.load_compliance import MOST_TONNES, YEARS
from registry.rules.cover_the_excess import MOST_DENOMINATOR


def record_base(
    *,
    installation: Installation,
    year: int,
    base: int,
    factor_numerator: int,
    factor_denominator: int,
    source: str,
    actor: Actor,
    now: datetime,
) -> RecordedBase:
    """Record the base (t CO2e) and factor of a fiscal year, and log it. A later record of a year corrects the one before it.

    The factor is a share from 0 to 1, of two integers (17/100). Raises: NotPermitted; Refusal. Source: domain.md section 7.
    """
    home = installation.jurisdiction
    if not actor.may(Act.RECORD_EMISSIONS, home.code):
        raise NotPermitted(Act.RECORD_EMISSIONS)
    if not source.strip():
        raise Refusal("source-missing", field="source")
    if not YEARS[0] <= year <= YEARS[1] or not 0 <= base <= MOST_TONNES:
        raise Refusal("base-out-of-bounds", field="base", most=MOST_TONNES)
    if not 0 <= factor_numerator <= factor_denominator or not 1 <= factor_denominator <= MOST_DENOMINATOR:
        raise Refusal("factor-out-of-bounds", field="factor_numerator", most=MOST_DENOMINATOR)
    factor = Fraction(factor_numerator, factor_denominator)
    with transaction.atomic():
        # One recorder at a time in a jurisdiction, so that each sees what it corrects; grants are decided under the same lock.
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=home.pk)
        latest = RecordedBase.objects.filter(installation=installation, year=year, corrected_by__isnull=True).first()
        made = RecordedBase.objects.create(
            installation=installation,
            year=year,
            base=base,
            factor_numerator=factor.numerator,
            factor_denominator=factor.denominator,
            corrects=latest,
            source=source,
            recorded_by_id=actor.user_id,
            recorded_at=now,
        )
        entries.record(
            registry=home.code,
            event="base.recorded",
            occurred_at=now,
            actor=actor.name,
            subject=f"installation:{installation.number}",
            content={
                "year": year,
                "base": base,
                "factor": [factor.numerator, factor.denominator],
                "corrects": 0 if latest is None else latest.pk,
                "source": source,
            },
        )
    return made
