"""Sign an instrument for a side; the last signature that it needs concludes it, and what it says then holds."""

from datetime import datetime

from django.db import transaction

from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from linking.degree_queries import misfits_at, missing_for, terms_in_force
from linking.models import Agreement, Instrument, Link, Signature
from linking.operations.sides import (
    has_signed_for_another,
    is_senior,
    person_of,
    refuse_leave_that_has_ended,
    refuse_what_has_ended,
    refuse_what_is_not_suspended,
    side_of,
    tell,
)
from linking.rules.degrees import Degree, terms_fit
from linking.rules.documents import DegreeDocument, DelinkDocument, LeaveDocument, ResumeDocument, document_from
from linking.rules.terms import Terms

OF_EACH_SIDE = 2


def sign_instrument(instrument_id: int, *, digest: str, actor: Actor, now: datetime) -> Instrument:
    """Sign what has this digest, for the side that the actor administers. Two of each side sign, the second a senior one.

    Whoever signs names the digest of what they read. Commit point: before COMMIT nothing is signed; after it the signature is
    there with its log entries and, if it was the last, with what the instrument brings about, which PostgreSQL writes. A crash in
    between is one or the other.

    Raises: NotFound; NotPermitted; Refusal. Source: linking.md sections 1 and 2.
    """
    with transaction.atomic():
        found = Instrument.objects.select_for_update(of=("self",)).filter(pk=instrument_id)
        instrument = found.select_related("link__first", "link__second", "side", "corridor").first()
        if instrument is None:
            raise NotFound("instrument")
        link = instrument.link
        side = side_of(actor, link, Act.SIGN_INSTRUMENT)
        given = list(Signature.objects.filter(instrument=instrument))
        own = [row for row in given if row.jurisdiction_id == side.pk]
        if instrument.side is not None and instrument.side != side:
            raise NotPermitted(Act.SIGN_INSTRUMENT)
        if instrument.digest != digest:
            raise Refusal("digest-is-another", field="digest", digest=instrument.digest)
        if instrument.concluded_at is not None or instrument.withdrawn_at is not None or len(own) >= OF_EACH_SIDE:
            raise Refusal("instrument-is-not-open", instrument=instrument_id)
        if any(row.user_id == actor.user_id for row in given):
            raise Refusal("signed-already", instrument=instrument_id)
        if has_signed_for_another(actor, link, side):
            raise Refusal("signed-for-the-other-side", link=str(link))
        if own and not is_senior(actor, side.code):
            raise Refusal("second-signature-is-a-seniors", side=side.code)
        concludes = len(given) + 1 == OF_EACH_SIDE * (2 if instrument.side is None else 1)
        if concludes:
            _refuse(instrument, link, now)
        # After this point it must succeed.
        Signature.objects.create(instrument=instrument, jurisdiction=side, user_id=person_of(actor), at=now)
        content = {"kind": instrument.kind, "digest": digest, "side": side.code}
        subject = f"instrument:{instrument.pk}"
        tell(link, "instrument.signed", content, subject=subject, actor=actor, now=now)
        if concludes:
            told = {"kind": instrument.kind, "digest": digest, "document": instrument.document}
            tell(link, "instrument.concluded", told, subject=subject, actor=actor, now=now)
    instrument.refresh_from_db()
    return instrument


def _refuse(instrument: Instrument, link: Link, now: datetime) -> None:
    """Refuse what could not be concluded now, with its reason; PostgreSQL refuses the same."""
    document = document_from(instrument.kind, instrument.content)
    if isinstance(document, DegreeDocument):
        if document.before != link.degree:
            raise Refusal("degree-does-not-follow", field="from", before=link.degree, after=str(document.to))
        missing = () if document.lowers else missing_for(link, document.to, document.open, now=now)
        if missing:
            raise Refusal("conditions-missing", missing=", ".join(missing))
        if misfits := () if document.lowers else misfits_at(link, document.to, now=now):
            raise Refusal("terms-do-not-fit-the-degree", degree=str(document.to), misfits=", ".join(misfits))
    elif isinstance(document, Terms):
        _refuse_terms(instrument, link, document, now)
    elif isinstance(document, ResumeDocument) and instrument.side is not None:
        refuse_what_is_not_suspended(instrument.corridor, instrument.side)
    elif isinstance(document, LeaveDocument):
        refuse_leave_that_has_ended(document, now)
    elif isinstance(document, DelinkDocument):
        refuse_what_has_ended(link, instrument.corridor)


def _refuse_terms(instrument: Instrument, link: Link, document: Terms, now: datetime) -> None:
    last = Agreement.objects.filter(corridor=instrument.corridor).order_by("-version").first()
    following = 1 if last is None else last.version + 1
    if document.version != following:
        raise Refusal("version-is-not-the-next", field="version", version=following)
    begins = max(document.effective_from, now)
    if last is not None:
        notice = int(last.terms["notice_days"])
        is_early = last.superseded_at is None and (begins - now).days < notice
        if is_early or begins < last.effective_from or (last.superseded_at is not None and begins < last.superseded_at):
            raise Refusal("terms-give-notice", field="effective_from", days=notice)
    degree, way = Degree(link.degree), (document.corridor.origin, document.corridor.destination)
    # Where a degree says what the terms have, later ones have it too: each by itself, and at *formal* both together.
    terms = {way: document} if degree is Degree.RESTRICTED else {**terms_in_force(link, now), way: document}
    if degree in {Degree.RESTRICTED, Degree.FORMAL} and (misfits := terms_fit(degree, terms)):
        told = ", ".join(row.code for row in misfits)
        raise Refusal("terms-do-not-fit-the-degree", degree=link.degree, misfits=told)
