"""Propose what two sides, or one, are to sign: terms, an export leave, a step of the degree, a resumption, an end."""

from datetime import datetime

from django.db import transaction

from accounts.models import Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit.canonical import canonical_json
from linking.degree_queries import missing_for
from linking.models import Agreement, Corridor, Instrument, Link, Suspension
from linking.operations.sides import person_of, refuse_what_has_ended, side_of, tell
from linking.rules.degrees import Degree, may_lower, may_raise
from linking.rules.documents import (
    DegreeDocument,
    DelinkDocument,
    Document,
    LeaveDocument,
    MechanismsDocument,
    ResumeDocument,
    document_of,
    kind_of,
)
from linking.rules.terms import Terms
from registry.models import UnitType


def propose_instrument(
    link: Link, document: Document, *, actor: Actor, now: datetime, side: Jurisdiction | None = None
) -> Instrument:
    """Record a document for signature, and log it in both registries. Whoever proposes signs like everybody else.

    Proposed by a registry administrator of a side that signs it. What could not be concluded as things stand is refused at once:
    a step that lacks a condition, a version that is not the next.

    Raises: NotPermitted; Refusal, for a step with each missing condition's code. Source: linking.md sections 1 to 3.
    """
    link = Link.objects.select_related("first", "second").get(pk=link.pk)
    own = side_of(actor, link, Act.PROPOSE_INSTRUMENT)
    kind = kind_of(document, link.degree)
    corridor = _corridor(link, document)
    signing = _signing_side(document, corridor, own)
    if signing is not None and signing != own:
        raise NotPermitted(Act.PROPOSE_INSTRUMENT)
    with transaction.atomic():
        _refuse(link, corridor, document, own, now)
        content = document_of(document)
        instrument = Instrument.objects.create(
            kind=kind,
            link=link,
            corridor=corridor,
            side=signing,
            document=canonical_json(content).decode(),
            content=content,
            digest="",
            proposed_by_id=person_of(actor),
            proposed_at=now,
        )
        instrument.refresh_from_db()
        tell(
            link,
            "instrument.proposed",
            {"kind": kind, "digest": instrument.digest, "corridor": "" if corridor is None else str(corridor)},
            subject=f"instrument:{instrument.pk}",
            actor=actor,
            now=now,
        )
    return instrument


def _corridor(link: Link, document: Document) -> Corridor | None:
    way = getattr(document, "corridor", None)
    if way is None:
        return None
    found = Corridor.objects.filter(link=link, origin__code=way.origin, destination__code=way.destination)
    corridor = found.select_related("origin", "destination").first()
    if corridor is None:
        raise Refusal("corridor-of-another-link", field="corridor", corridor=f"{way.origin} -> {way.destination}")
    return corridor


def _signing_side(document: Document, corridor: Corridor | None, own: Jurisdiction) -> Jurisdiction | None:
    """Who alone signs: the origin its leave, a side what it resumes, lowers or ends; None: both sides."""
    if isinstance(document, LeaveDocument) and corridor is not None:
        return corridor.origin
    if isinstance(document, ResumeDocument | DelinkDocument):
        return own
    return own if isinstance(document, DegreeDocument) and document.lowers else None


def _refuse(link: Link, corridor: Corridor | None, document: Document, own: Jurisdiction, now: datetime) -> None:
    match document:
        case Terms():
            last = Agreement.objects.filter(corridor=corridor).order_by("-version").first()
            following = 1 if last is None else last.version + 1
            if document.version != following:
                raise Refusal("version-is-not-the-next", field="version", version=following)
            known = set(
                UnitType.objects.filter(jurisdiction__code=document.corridor.origin).values_list("code", flat=True)
            )
            for unit_type in sorted(set(document.unit_types) - known):
                raise Refusal("unit-type-unknown", field="unit_types", unit_type=unit_type)
        case DegreeDocument():
            _refuse_degree(link, document, now)
        case MechanismsDocument():
            for issuer, unit_type in document.unit_types:
                if not UnitType.objects.filter(jurisdiction__code=issuer, code=unit_type, kind="offset").exists():
                    raise Refusal("mechanism-unit-unknown", field="unit_types", unit_type=f"{issuer} {unit_type}")
        case ResumeDocument():
            if not Suspension.objects.filter(corridor=corridor, side=own, resumed_at=None).exists():
                raise Refusal("nothing-is-suspended", corridor=str(corridor))
        case DelinkDocument():
            refuse_what_has_ended(link, corridor)
        case LeaveDocument():
            pass


def _refuse_degree(link: Link, document: DegreeDocument, now: datetime) -> None:
    before, after = Degree(link.degree), document.to
    allowed = may_lower(before, after) if document.lowers else may_raise(before, after)
    if document.before is not before or not allowed:
        raise Refusal("degree-does-not-follow", field="to", before=str(before), after=str(after))
    if after is Degree.UNILATERAL and document.open is None:
        raise Refusal("open-corridor-missing", field="open")
    if not document.lowers:
        missing = missing_for(link, after, document.open, now=now)
        if missing:
            raise Refusal("conditions-missing", missing=", ".join(missing))
