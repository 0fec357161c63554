"""Record a dated rule: it ends the one in force and holds from a day on."""

from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from accounts.models import DatedRule, Jurisdiction
from accounts.queries import Value
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries


def set_rule(
    *,
    jurisdiction: Jurisdiction,
    key: str,
    value: Value,
    valid_from: date,
    confidence: str,
    source: str,
    actor: Actor,
    now: datetime,
) -> DatedRule:
    """Let a rule hold from a day on, in place of the one of the same key, and log it. Earlier rules stay as they were.

    Raises: NotPermitted; Refusal when whoever reads the rule would not understand the value, or a rule of the key begins on that
    day or later. Source: domain.md section 2.
    """
    if not actor.may(Act.SET_RULE, jurisdiction.code):
        raise NotPermitted(Act.SET_RULE)
    if not all(import_string(path)(key, value) for path in settings.RULE_READERS):
        raise Refusal("rule-not-understood", field="value", key=key)
    with transaction.atomic():
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction.pk)
        same_key = DatedRule.objects.filter(jurisdiction=jurisdiction, key=key)
        if same_key.filter(valid_from__gte=valid_from).exists():
            raise Refusal("rule-begins-later", key=key)
        same_key.exclude(valid_to__lte=valid_from).update(valid_to=valid_from)
        rule = DatedRule.objects.create(
            jurisdiction=jurisdiction,
            key=key,
            value=value,
            valid_from=valid_from,
            confidence=confidence,
            source=source,
        )
        entries.record(
            registry=jurisdiction.code,
            event="rule.set",
            occurred_at=now,
            actor=actor.name,
            subject=f"rule:{key}",
            content={"value": value, "valid_from": valid_from.isoformat(), "source": source},
        )
    return rule
