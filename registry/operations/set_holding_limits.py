"""Make the holding limits of a jurisdiction by its dated rule, from allocations and balances."""

from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.models import Jurisdiction
from accounts.queries import rule_in_force
from accounts.refusals import NotPermitted
from accounts.rules.access import Act, Actor
from audit import entries
from registry import ledger
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.plan import Plan
from registry.rules.limits import KEY, holding_rule_of


def holding_limits_are_stale(jurisdiction: Jurisdiction, now: datetime) -> bool:
    """Return whether the holding limits of a jurisdiction are otherwise than the rule of the day makes them.

    Raises: MalformedRule.
    """
    day = now.astimezone(ZoneInfo(jurisdiction.time_zone)).date()
    found = rule_in_force(jurisdiction, KEY, day)
    rule = None if found is None else holding_rule_of(found.value)
    return ledger.holding_limits_are_stale(
        jurisdiction_id=jurisdiction.pk,
        day=day,
        others=None if rule is None else rule.others,
        above_allocation=0 if rule is None else rule.operators_above_allocation,
    )


def set_holding_limits(*, jurisdiction: Jurisdiction, actor: Actor, now: datetime) -> int:
    """Give every holder of private accounts the limit that the rule `holding.limit` of the day says; return how many have one.

    Units of 1 t CO2e. Where no rule is in force there are none. What is held already stays, also above a limit; it only may not
    grow. `run_due` repeats it when allocations, operators, the rule or the year have changed; who opens an account gets the limit
    of its holder in the same database transaction, by the rule applied last.

    Raises: NotPermitted; MalformedRule. Source: domain.md section 6, check 5011.
    """
    if not actor.may(Act.SET_HOLDING_LIMITS, jurisdiction.code):
        raise NotPermitted(Act.SET_HOLDING_LIMITS)
    day = now.astimezone(ZoneInfo(jurisdiction.time_zone)).date()

    def story(database: DatabaseTransaction) -> int:
        found = rule_in_force(jurisdiction, KEY, day)
        rule = None if found is None else holding_rule_of(found.value)
        content = {
            "day": day.isoformat(),
            # Nothing stands for no limit: nought is one.
            "others": "" if rule is None else rule.others,
            "operators_above_allocation": "" if rule is None else rule.operators_above_allocation,
        }
        plan = Plan(
            entries=entries.rows(
                registry=jurisdiction.code,
                event="holding-limit.set",
                occurred_at=now,
                actor=actor.name,
                subject=f"holding-limits:{jurisdiction.code}",
                content=content,
            )
        )
        return ledger.set_holding_limits(
            database,
            jurisdiction_id=jurisdiction.pk,
            day=day,
            others=None if rule is None else rule.others,
            above_allocation=0 if rule is None else rule.operators_above_allocation,
            plan=plan,
        )

    return in_one_database_transaction(story)
