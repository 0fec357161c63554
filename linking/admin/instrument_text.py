"""What an instrument says, in the languages of both sides and in English: people sign what they read."""

import json
from typing import Any

from django.utils import translation

from accounts.texts import text
from linking.agreement_text import languages_of, sections_of
from linking.models import Instrument
from linking.rules.documents import (
    DegreeDocument,
    DelinkDocument,
    Document,
    LeaveDocument,
    MechanismsDocument,
    ResumeDocument,
    document_from,
)
from linking.rules.strict import show_instant
from linking.rules.terms import Terms


def texts_of(instrument: Instrument) -> dict[str, Any]:
    """Return the text of an instrument of `signed_by` in each language, and its document as it is signed, laid out."""
    document = document_from(instrument.kind, instrument.content)
    sides = (instrument.link.first.language, instrument.link.second.language)
    return {
        "languages": [_in_language(language, document) for language in languages_of(*sides)],
        "document": json.dumps(instrument.content, indent=2, ensure_ascii=False, sort_keys=True),
    }


def terms_texts(terms: Terms, *sides: str) -> list[dict[str, Any]]:
    """Return the text of terms in each of the languages of the sides and in English."""
    return [_in_language(language, terms) for language in languages_of(*sides)]


def _in_language(language: str, document: Document) -> dict[str, Any]:
    with translation.override(language):
        info = translation.get_language_info(language)
        if isinstance(document, Terms):
            sections = [(heading, [row.says for row in rows]) for heading, rows in sections_of(document)]
        else:
            sections = [("", list(_said(document)))]
        return {"code": language, "name": info["name_local"], "sections": sections}


def _said(document: Document) -> tuple[str, ...]:
    """Return the sentences of a small document in the active language."""
    if isinstance(document, LeaveDocument):
        way, limit, until = document.corridor, document.limit, document.valid_to
        return (
            text("leave-says.way", origin=way.origin, destination=way.destination),
            text("leave-says.no-limit") if limit is None else text("leave-says.limit", units=f"{limit:,}"),
            text("leave-says.from", at=show_instant(document.valid_from)),
            text("leave-says.open") if until is None else text("leave-says.to", at=show_instant(until)),
        )
    if isinstance(document, DegreeDocument):
        told = [
            text("degree-says.step", before=text(f"degree.{document.before}"), after=text(f"degree.{document.to}")),
            text(f"degree-lets.{document.to}"),
        ]
        if document.open is not None:
            told.append(text("degree-says.open", corridor=f"{document.open.origin} -> {document.open.destination}"))
        return (*told, text("instrument-says.reason", reason=document.reason))
    if isinstance(document, MechanismsDocument):
        if not document.unit_types:
            return (text("mechanisms-say.none"),)
        listed = "; ".join(f"{code} ({issuer})" for issuer, code in document.unit_types)
        return (text("mechanisms-say.listed", unit_types=listed),)
    assert isinstance(document, ResumeDocument | DelinkDocument)
    kind, ended = "resume" if isinstance(document, ResumeDocument) else "delink", document.corridor
    told_way = text("link.both-corridors") if ended is None else f"{ended.origin} -> {ended.destination}"
    return (text(f"{kind}-says", corridor=told_way), text("instrument-says.reason", reason=document.reason))
