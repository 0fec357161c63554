"""Reads of people and places."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts.models import Account, DatedRule, Holder, Installation, Jurisdiction, Representative, User, UserRole
from accounts.rules.access import EVERYWHERE, Act, Actor
from accounts.rules.representatives import RepresentativeState, Rights

# What a rule's value may be: JSON of integers and texts; a ratio or price is the text of its decimal.
Value = int | str | None | Sequence["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """A dated rule as it stood on a day. `to_be_confirmed`: recalled, not read; it must be shown as such."""

    key: str
    value: Value
    valid_from: date
    valid_to: date | None
    confidence: str
    source: str
    to_be_confirmed: bool


def rule_in_force(jurisdiction: Jurisdiction | int, key: str, on: date) -> RuleInForce | None:
    """Return the rule that held in a jurisdiction on a day of its calendar, or None where none did."""
    rule = _rules_on(jurisdiction, on).filter(key=key).first()
    return None if rule is None else _as_it_stood(rule)


def operator_on(installation: Installation | int, on: date) -> Holder | None:
    """Return who operated an installation on a day."""
    return Holder.objects.filter(_valid("operated__", on), operated__installation=installation).first()


def actor_for(user: User) -> Actor:
    """Return the actor that a signed-in user is, with the roles held now."""
    rows = UserRole.objects.filter(user=user).values_list("role", "jurisdiction__code")
    return Actor(user.id, f"user:{user.id}", frozenset(f"{role}@{code or EVERYWHERE}" for role, code in rows))


def rights_of(actor: Actor, account: Account | int) -> Rights | None:
    """Return the active right of an actor as a representative of an account."""
    found = _represented(actor).filter(account=account).values_list("rights", flat=True)
    return next(map(Rights, found), None)


def visible_accounts(actor: Actor) -> QuerySet[Account]:
    """Return the accounts an actor may know of: those represented, and all of a jurisdiction where a role says so."""
    accounts = Account.objects.select_related("jurisdiction", "type").order_by("identifier")
    if actor.may(Act.READ_EVERY_ACCOUNT):
        return accounts
    jurisdictions = {role.rpartition("@")[2] for role in actor.roles}
    readable = [code for code in jurisdictions if actor.may(Act.READ_EVERY_ACCOUNT, code)]
    represented = _represented(actor).values("account_id")
    return accounts.filter(Q(jurisdiction__code__in=readable) | Q(id__in=represented))


def _represented(actor: Actor) -> QuerySet[Representative]:
    active = Representative.objects.filter(state=RepresentativeState.ACTIVE)
    return active.none() if actor.user_id is None else active.filter(user_id=actor.user_id)


def _valid(prefix: str, on: date) -> Q:
    # Half-open: a rule that ends on a day does not hold on it.
    return Q(**{f"{prefix}valid_from__lte": on}) & (
        Q(**{f"{prefix}valid_to__gt": on}) | Q(**{f"{prefix}valid_to__isnull": True})
    )


def _rules_on(jurisdiction: Jurisdiction | int, on: date) -> QuerySet[DatedRule]:
    return DatedRule.objects.filter(_valid("", on), jurisdiction=jurisdiction)


def _as_it_stood(rule: DatedRule) -> RuleInForce:
    return RuleInForce(
        key=rule.key,
        value=rule.value,
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
        confidence=rule.confidence,
        source=rule.source,
        to_be_confirmed=rule.to_be_confirmed,
    )


def jurisdictions() -> QuerySet[Jurisdiction]:
    """Return the jurisdictions hosted here, by code."""
    return Jurisdiction.objects.order_by("code")


def dated_rules(jurisdiction: Jurisdiction, *, on: date | None = None, key: str | None = None) -> QuerySet[DatedRule]:
    """Return the rules of a jurisdiction, of every time or in force on a day of its calendar, by key and day."""
    rules = DatedRule.objects.filter(jurisdiction=jurisdiction).order_by("key", "valid_from", "id")
    if on is not None:
        rules = rules.filter(_valid("", on))
    return rules if key is None else rules.filter(key=key)


def described_accounts(actor: Actor) -> QuerySet[Account]:
    """Return the accounts an actor may know of with what a list shows of each, the actor's own right among it, in one query."""
    own = _represented(actor).filter(account=OuterRef("pk")).values("rights")[:1]
    return visible_accounts(actor).select_related("holder", "installation").annotate(right=Subquery(own))


def readable_jurisdictions(actor: Actor) -> frozenset[str] | None:
    """Return the codes of the jurisdictions in which a role lets the actor read everything; None: in every one."""
    if actor.may(Act.READ_EVERY_ACCOUNT):
        return None
    named = {role.rpartition("@")[2] for role in actor.roles}
    return frozenset(code for code in named if actor.may(Act.READ_EVERY_ACCOUNT, code))


def is_readable(actor: Actor, *ways: str, everything: bool = False) -> Q:
    """Return the condition that the actor reads everything in a jurisdiction to which one of the ways leads (`link__first`).

    `everything`: whoever asks reads it all, as the system's superuser does.
    """
    codes = None if everything else readable_jurisdictions(actor)
    if codes is None:
        return Q()
    return reduce(or_, (Q(**{f"{way}__code__in": codes}) for way in ways))


def represented_account_ids(actor: Actor) -> QuerySet[Representative, int]:
    """Return the ids of the accounts that the actor is an active representative of, for use in another query."""
    return _represented(actor).values_list("account_id", flat=True)
