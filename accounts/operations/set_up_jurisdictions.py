"""Set up the pilot's jurisdictions with every fact of the facts file, and the pilot's own defaults, as dated rules."""

from datetime import datetime

from django.db import transaction

from accounts.models import DatedRule, Jurisdiction
from accounts.refusals import NotPermitted
from accounts.rules.access import Act, Actor
from accounts.seed.defaults import default_rules
from accounts.seed.facts import SeedRule, read_facts, rules_of
from audit import entries

# Seoul has no emissions trading system of its own: wherever it is presented, this text is too (domain.md section 2).
CAVEATS = {"KR-11": "jurisdiction.KR-11.caveat"}


def set_up_jurisdictions(*, actor: Actor, now: datetime) -> tuple[Jurisdiction, ...]:
    """Make the jurisdictions of the facts file and their rules where they are missing, and log what was made.

    Raises: NotPermitted.
    """
    if not actor.may(Act.SET_UP_JURISDICTION):
        raise NotPermitted(Act.SET_UP_JURISDICTION)
    with transaction.atomic():
        return tuple(
            _set_up(rules_of(name, facts) + default_rules(name), actor, now) for name, facts in read_facts().items()
        )


def _set_up(rules: tuple[SeedRule, ...], actor: Actor, now: datetime) -> Jurisdiction:
    facts = {rule.key: str(rule.value) for rule in rules}
    code = facts["code"]
    jurisdiction, is_new = Jurisdiction.objects.get_or_create(
        code=code,
        defaults={
            "registry_code": code.replace("-", ""),
            "currency": facts["currency"],
            "time_zone": facts["time-zone"],
            "language": facts["language"],
            "caveat": CAVEATS.get(code, ""),
        },
    )
    known = set(DatedRule.objects.filter(jurisdiction=jurisdiction).values_list("key", flat=True))
    missing = [rule for rule in rules if rule.key not in known]
    DatedRule.objects.bulk_create(_record_of(rule, jurisdiction) for rule in missing)
    for event, content in (
        ("jurisdiction.made", {"registry_code": jurisdiction.registry_code} if is_new else {}),
        ("rule.set", {"keys": sorted({rule.key for rule in missing})} if missing else {}),
    ):
        if content:
            entries.record(
                registry=code, event=event, occurred_at=now, actor=actor.name, subject="seed facts", content=content
            )
    return jurisdiction


def _record_of(rule: SeedRule, jurisdiction: Jurisdiction) -> DatedRule:
    return DatedRule(
        jurisdiction=jurisdiction,
        key=rule.key,
        value=rule.value,
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
        confidence=rule.confidence,
        source=rule.source,
    )
