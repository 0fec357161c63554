"""Propose the issuance of excess credits that were applied for and approved, under the cap of their vintage like any other."""

from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import Account, Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from accounts.rules.statuses import AccountStatus
from registry.models import Allocation, ExcessApplication, IssuanceCap, Transaction
from registry.operations.issue import issue
from registry.operations.outcome import Outcome
from registry.rules.states import State

ISSUANCE = "1-0"
WITHOUT_EFFECT = (State.REJECTED, State.CANCELLED, State.TERMINATED)


def issue_excess_credits(*, application: ExcessApplication, actor: Actor, now: datetime) -> Outcome:
    """Propose to issue what an approved application grants, in units of 1 t CO2e, into the issuance account; once.

    Another administrator approves it, as every issuance (domain.md section 5, 1-0). The units bear the period of the application.
    Raises: NotPermitted; Refusal where it is not approved, issued already, or under no cap; Refused with all failed checks.
    """
    row = Allocation.objects.select_related("table__jurisdiction", "unit_type").get(pk=application.allocation_id)
    home = row.table.jurisdiction
    if not actor.may(Act.RUN_ALLOCATION, home.code):
        raise NotPermitted(Act.RUN_ALLOCATION)
    reference = reference_of(application)
    with transaction.atomic():
        # One proposal of each, however many ask at once.
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=home.pk)
        if Allocation.objects.get(pk=row.pk).state != Allocation.State.READY:
            raise Refusal("excess-credits-not-approved")
        issued = Transaction.objects.filter(jurisdiction=home, type_id=ISSUANCE, client_reference=reference)
        if issued.exclude(state__in=WITHOUT_EFFECT).exists():
            raise Refusal("excess-credits-issued-already")
        return issue(
            cap_id=_cap_of(row, now).pk,
            acquiring=issuance_account(home).identifier,
            quantity=row.quantity,
            actor=actor,
            now=now,
            period=f"{application.first_year}-{application.last_year}",
            client_reference=reference,
        )


def reference_of(application: ExcessApplication) -> str:
    """Return the reference by which the issuance for an application is known again."""
    return f"excess credits, application {application.pk}"


def issuance_account(home: Jurisdiction) -> Account:
    """Return a registry's issuance account. Raises: Refusal where it has none."""
    found = Account.objects.filter(jurisdiction=home, type="ISS").exclude(status=AccountStatus.CLOSED).order_by("id")
    if (account := found.first()) is None:
        raise Refusal("no-issuance-account")
    return account


def _cap_of(row: Allocation, now: datetime) -> IssuanceCap:
    # PostgreSQL asks whether a cap is in force by the day in UTC.
    day = now.astimezone(UTC).date()
    caps = IssuanceCap.objects.filter(unit_type=row.unit_type, vintage=row.vintage, valid_from__lte=day)
    found = caps.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day)).order_by("id").first()
    if found is None:
        raise Refusal("no-cap-in-force", unit_type=row.unit_type.code, vintage=row.vintage)
    return found
