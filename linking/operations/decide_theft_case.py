"""Decide a case of theft, as the second of two persons: the units stay where they are and are free, or go home."""

from datetime import datetime

from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from linking.models import TheftCase
from linking.operations.sides import is_senior
from linking.operations.theft_cases import hold_of, permitted, rows
from linking.rules.good_faith import CaseOutcome
from registry import freezes, ledger
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.models import Freeze, UnitBlock
from registry.operations.judging import failures_of, settled
from registry.operations.outcome import Outcome, Refused, accepted
from registry.operations.terms import terms_of_proposal
from registry.plan import Plan
from registry.rules.proposal import Line, Proposal, SerialRange


def decide_theft_case(case_id: int, *, actor: Actor, now: datetime) -> Outcome | None:
    """Carry a case out as another, senior administrator of the registry in which the units lie. None where the buyer keeps them.

    The freeze is released by the two who decide. Where the units go home, a restitution (3-55) takes them to the victim's account
    in the same database transaction: what the clause says holds as a whole or not at all. Quota is given back. There they are
    still frozen for as long as a freeze of the issuer's stands, which two of its administrators release.

    Commit point: before COMMIT the freeze stands and nothing has moved; after it the case is decided, with its log entries in
    both registries. A crash in between is one or the other.

    Raises: NotFound; NotPermitted; Refusal where it is not open or the same person proposed it; Refused with all failures of the
    restitution. Source: linking.md section 6.
    """
    case = TheftCase.objects.select_related("victim").filter(pk=case_id).first()
    if case is None:
        raise NotFound("case")
    hold = hold_of(case.hold_id)
    person = permitted(actor, hold.jurisdiction.code)
    if not is_senior(actor, hold.jurisdiction.code):
        raise NotPermitted(Act.DECIDE_THEFT_CASE)
    if person == case.proposed_by_id:
        raise Refusal("case-decided-by-its-proposer", case=case_id)
    # Another process's clock may be a moment behind the one that wrote the proposal.
    at = max(now, case.proposed_at)

    def story(database: DatabaseTransaction) -> Outcome | None:
        # Locks in the one order: the freeze, then the accounts.
        standing = freezes.to_release(database, case.freeze_id, None).freeze
        if standing is None or not standing.is_active or standing.release_requested_at is not None:
            raise Refusal("case-is-not-open", case=case_id)
        proposal = None
        if case.outcome == CaseOutcome.RETURN:
            proposal = _restitution(case, hold)
            ledger.read(database, [proposal], actor=actor, now=at)
        open_case = TheftCase.objects.filter(pk=case_id, decided_at=None, withdrawn_at=None)
        # From here on the units are free, for this database transaction alone.
        if open_case.update(decided_by_id=person, decided_at=at) == 0:
            raise Refusal("case-is-not-open", case=case_id)
        told = rows(case, hold, "theft.case-decided", actor=actor, now=at)
        if proposal is None:
            ledger.record(database, Plan(entries=told))
            return None
        facts = ledger.read(database, [proposal], actor=actor, now=at)
        judged = settled(database, ledger.context(proposal, facts, actor=actor, now=at))
        if failures := failures_of(judged):
            raise Refused(failures)
        # After this point it must succeed.
        outcome, plan = accepted(judged, actor=actor, now=at, terms=terms_of_proposal(judged))
        plan.entries.extend(told)
        ledger.apply(database, plan)
        return outcome

    return in_one_database_transaction(story)


def _restitution(case: TheftCase, hold: Freeze) -> Proposal:
    """The order that sends the units home. They are frozen, so who holds them and what they are stays as it is read here."""
    assert hold.origin is not None
    assert hold.first_no is not None
    assert hold.next_no is not None
    assert case.victim is not None
    block = UnitBlock.objects.select_related("account", "series__unit_type").get(
        origin=hold.origin, start_no__lte=hold.first_no, end_no__gt=hold.first_no
    )
    assert block.account is not None
    serials = SerialRange(hold.origin.registry_code, hold.first_no, hold.next_no)
    line = Line(
        block.account.identifier,
        case.victim.identifier,
        serials.quantity,
        registry=serials.registry,
        serials=(serials,),
    )
    return Proposal("3-55", (line,), case=case.pk, reference=case.reference, reason=case.evidence)
