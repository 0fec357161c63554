"""Propose what becomes of stolen units that were found abroad and frozen there, as the first of two persons."""

from datetime import datetime

from django.db import transaction

from accounts.models import Account
from accounts.refusals import NotFound, Refusal
from accounts.rules.access import Actor
from linking.models import Agreement, TheftCase
from linking.operations.theft_cases import hold_of, permitted, tell
from linking.rules.good_faith import CaseFacts, CaseOutcome, objections_to_case
from linking.rules.terms import GoodFaith
from registry.models import Freeze


def propose_theft_case(
    hold_id: int,
    *,
    acquired_for_value: bool,
    evidence: str,
    actor: Actor,
    now: datetime,
    victim: str = "",
    reference: str = "",
) -> TheftCase:
    """Propose a case about the units of a hold that was confirmed; the good-faith clause and one fact give its outcome.

    `acquired_for_value`: whether who holds them acquired them for value before the notice, on this `evidence`. Where the units go
    home, `victim` is the account they go to, and `reference` the court's or authority's order. By an administrator of the
    registry in which they lie; logged in both. Nothing moves yet.

    Raises: NotFound; NotPermitted; Refusal. Source: linking.md section 6.
    """
    hold = hold_of(hold_id)
    person = permitted(actor, hold.jurisdiction.code)
    account = Account.objects.filter(identifier=victim).first() if victim else None
    if victim and account is None:
        raise NotFound("account")
    with transaction.atomic():
        standing = Freeze.objects.filter(pk=hold.confirmed_by_id or 0, released_at=None).first()
        facts = CaseFacts(
            clause=GoodFaith(Agreement.objects.get(pk=hold.agreement_id or 0).terms["good_faith"]),
            are_abroad=hold.jurisdiction_id != hold.origin_id,
            hold_is_confirmed=standing is not None,
            release_is_requested=standing is not None and standing.release_requested_at is not None,
            has_case=TheftCase.objects.filter(freeze=standing, withdrawn_at=None).exists(),
            acquired_for_value=acquired_for_value,
            evidence=evidence,
            reference=reference,
            victim_is_at_home=None if account is None else account.jurisdiction_id == hold.origin_id,
        )
        for objection in objections_to_case(facts):
            raise Refusal(objection.code, field=objection.field)
        case = TheftCase(
            hold=hold,
            freeze=standing,
            acquired_for_value=acquired_for_value,
            evidence=evidence.strip(),
            outcome=facts.outcome,
            victim=account,
            reference=reference.strip() if facts.outcome is CaseOutcome.RETURN else "",
            proposed_by_id=person,
            proposed_at=max(now, hold.released_at or now),
        )
        case.save(force_insert=True)
        tell(case, hold, "theft.case-proposed", actor=actor, now=now)
    return case
