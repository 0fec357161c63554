"""The certificate of a completed surrender or cancellation: what a page of it says, and in which language.

Only who may know both accounts and every block of the transaction gets one; nothing on it is left out for its reader.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts import clock
from accounts.models import Account, Jurisdiction
from accounts.rules.access import Actor
from accounts.texts import account_type_text, text
from registry import transaction_queries
from registry.models import Obligation, Transaction
from registry.operations.outcome import MovedRange, Outcome
from registry.rules.serials import format_block
from registry.rules.states import State

# What ends the life of units for good, and is worth showing to others: surrender, voluntary and mandatory cancellation.
CERTIFIED = frozenset({"10-2", "4-0", "4-48"})
_TEMPLATE = "registry/certificate.html"
_STYLE = Path(__file__).parent / "templates" / "registry" / "certificate.css"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate certifies. `year`: of the obligation surrendered for; `reversed_by`: the transaction that undid it."""

    outcome: Outcome
    account: Account
    completed_at: datetime
    year: int | None
    reversed_by: UUID | None

    @property
    def jurisdiction(self) -> Jurisdiction:
        """Whose registry certifies."""
        return self.account.jurisdiction


def certificate_of(actor: Actor, transaction_id: UUID) -> Certificate | None:
    """Return the certificate of a transaction; None where there is none, or none for this reader. In five statements."""
    found = transaction_queries.transaction_of(actor, transaction_id)
    if found is None or found.type not in CERTIFIED or found.state != State.COMPLETED or found.transferring is None:
        return None
    if sum(moved.next - moved.first for moved in found.ranges) != found.quantity:
        return None
    assert found.completed_at is not None
    account = Account.objects.select_related("jurisdiction", "holder", "type").get(identifier=found.transferring)
    named = Obligation.objects.filter(id=found.obligation or 0)
    year = named.values_list("year", flat=True).first()
    undone = Transaction.objects.filter(reverses_id=transaction_id, state=State.COMPLETED).values_list("id", flat=True)
    return Certificate(found, account, found.completed_at, year, undone.first())


def language_for(certificate: Certificate, wanted: str | None, accepted: str) -> str:
    """Return the language of a page: the one asked for, else the first accepted that there is, else the jurisdiction's."""
    if wanted is not None:
        return wanted
    for name, _ in parse_accept_lang_header(accepted.lower()):
        try:
            return translation.get_supported_language_variant(name)
        except LookupError:
            continue
    own = certificate.jurisdiction.language.lower()
    return own if own in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def page_of(certificate: Certificate, language: str) -> HttpResponse:
    """Return the certificate as a page that needs nothing else: its one style is named in its policy by its digest."""
    style, digest = _style()
    with translation.override(language):
        content = render_to_string(_TEMPLATE, _context(certificate, language, style))
    policy = f"default-src 'none'; style-src '{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    headers = {
        "Content-Security-Policy": policy,
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
    }
    return HttpResponse(content, content_type="text/html; charset=utf-8", headers=headers)


def _context(certificate: Certificate, language: str, style: str) -> dict[str, object]:
    home = certificate.jurisdiction
    return {
        "language": {"zh-hans": "zh-Hans"}.get(language, language),
        "style": style,
        "title": text(f"certificate.title.{certificate.outcome.type}"),
        "registry": text("certificate.registry-of", place=text(f"jurisdiction.{home.code}")),
        "registry_code": home.registry_code,
        "certifies": text(f"certificate.certifies.{certificate.outcome.type}"),
        "quantity": f"{certificate.outcome.quantity:,}",
        "unit": text("certificate.unit"),
        "exercise": text("certificate.exercise") if clock.is_exercise() else "",
        "mark": text("mode.exercise") if clock.is_exercise() else "",
        "reversed": text("certificate.reversed", id=str(certificate.reversed_by)) if certificate.reversed_by else "",
        "caveat": text(home.caveat) if home.caveat else "",
        "blocks_title": text("certificate.blocks"),
        "columns": [text(f"certificate.{name}") for name in ("block", "unit-type", "vintage")],
        "verify": text("certificate.verify"),
        "facts": _facts(certificate),
        "blocks": [_block(moved) for moved in certificate.outcome.ranges],
    }


def _facts(certificate: Certificate) -> Sequence[tuple[str, str, str]]:
    """Return what the page says line by line: the code of each, its name and its text. What was not given is left out."""
    outcome, account = certificate.outcome, certificate.account
    zone = ZoneInfo(certificate.jurisdiction.time_zone)
    here = certificate.completed_at.astimezone(zone)
    facts = (
        ("kind", f"{text(f'transaction-type.{outcome.type}')} ({outcome.type})"),
        ("holder", account.holder.name),
        ("account", f"{account.identifier} ({account_type_text(account.type_id, certificate.jurisdiction.code)})"),
        ("beneficiary", outcome.beneficiary),
        ("reason", outcome.reason),
        ("obligation-year", "" if certificate.year is None else str(certificate.year)),
        ("completed-at", f"{here:%Y-%m-%d %H:%M:%S} {zone.key} (UTC{here.isoformat()[-6:]})"),
        ("completed-at-utc", f"{certificate.completed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"),
        ("transaction", str(outcome.transaction_id)),
        ("client-reference", outcome.client_reference),
    )
    return [(code, text(f"certificate.{code}"), told) for code, told in facts if told]


def _block(moved: MovedRange) -> tuple[str, str, int, str]:
    """Return a block as printed, its unit type's name, its vintage and its quantity."""
    code = f"unit-type.{moved.unit_type}"
    name = found if (found := text(code)) != code else moved.unit_type
    printed = format_block(moved.registry, moved.unit_type, moved.vintage, moved.first, moved.next)
    return printed, name, moved.vintage, f"{moved.next - moved.first:,}"


@cache
def _style() -> tuple[str, str]:
    """Return the page's style and its digest as a content-security policy names it."""
    style = _STYLE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"sha256-{digest}"
