"""Take back a case of theft that nobody has decided: an administrator of the registry in which the units lie may, alone."""

from datetime import datetime

from django.db import transaction

from accounts.refusals import NotFound, Refusal
from accounts.rules.access import Actor
from linking.models import TheftCase
from linking.operations.theft_cases import hold_of, permitted, tell


def withdraw_theft_case(case_id: int, *, actor: Actor, now: datetime) -> TheftCase:
    """End a case without effect; the units stay frozen. Logged in both registries. Raises: NotFound; NotPermitted; Refusal."""
    case = TheftCase.objects.filter(pk=case_id).first()
    if case is None:
        raise NotFound("case")
    hold = hold_of(case.hold_id)
    person = permitted(actor, hold.jurisdiction.code)
    at = max(now, case.proposed_at)
    with transaction.atomic():
        open_case = TheftCase.objects.filter(pk=case_id, decided_at=None, withdrawn_at=None)
        if open_case.update(withdrawn_by_id=person, withdrawn_at=at) == 0:
            raise Refusal("case-is-not-open", case=case_id)
        tell(case, hold, "theft.case-withdrawn", actor=actor, now=at)
    case.refresh_from_db()
    return case
