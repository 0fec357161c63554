"""An agreement as readable text, printed from its terms: people sign what they read (linking.md section 1).

One sentence for each term, in the languages of both sides and in English, with the digest of the terms. The text is made from the
terms alone, so the same terms give the same text, and other terms another one. It is never itself what is signed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils import translation

from accounts.texts import account_type_text, text
from linking.rules.strict import show_day, show_instant
from linking.rules.terms import Policy, ReciprocityClause, Settling, Terms, UseQuotaNode, digest_of


class _Ratio(Protocol):
    @property
    def numerator(self) -> int: ...

    @property
    def denominator(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one term says, in the active language. `field`: its path in the document; a field inside it is said with it."""

    field: str
    says: str


def languages_of(*sides: str) -> tuple[str, ...]:
    """Return the languages of an agreement: those of the two sides as settings name them, each once, and English last."""
    known = dict(settings.LANGUAGES)
    own = [side.lower() for side in sides if side.lower() in known and side.lower() != settings.LANGUAGE_CODE]
    return (*dict.fromkeys(own), settings.LANGUAGE_CODE)


def agreement_text(terms: Terms, languages: Sequence[str]) -> str:
    """Return the whole text: the agreement in each of the languages, one below the other, each with the digest of the terms."""
    return "\n".join(_in_language(terms, language) for language in languages)


def sections_of(terms: Terms) -> tuple[tuple[str, tuple[Sentence, ...]], ...]:
    """Return the sections of the text in the active language: the heading of each and its sentences, in a fixed order."""
    return tuple((text(f"agreement.section.{name}"), tuple(part(terms))) for name, part in _SECTIONS)


def _in_language(terms: Terms, language: str) -> str:
    with translation.override(language):
        lines = [
            text("agreement.title", **_sides(terms)),
            text("agreement.digest", digest=digest_of(terms)),
            *_caveats(terms),
        ]
        number = 0
        for heading, sentences in sections_of(terms):
            lines += ["", heading]
            for sentence in sentences:
                number += 1
                lines.append(f"{number}. {sentence.says}")
    return "\n".join(lines) + "\n"


def _say(field: str, code: str, **params: str | int) -> Sentence:
    shown = {name: f"{value:,}" if isinstance(value, int) else value for name, value in params.items()}
    return Sentence(field, text(f"agreement.{code}", **shown))


def _scope(terms: Terms) -> Iterator[Sentence]:
    yield _say("corridor", "corridor", **_sides(terms))
    yield _say("version", "version", version=terms.version)
    yield _say("effective_from", "effective-from", instant=show_instant(terms.effective_from))
    yield _say("notice_days", "notice", days=terms.notice_days)
    yield _say("last_settlement_days", "last-settlement", days=terms.last_settlement_days)
    yield _say("unit_types", "unit-types", types=_unit_types(terms.unit_types))
    # A year is a name, not a quantity: it has no thousands.
    first, last = terms.first_vintage, terms.last_vintage
    yield (
        _say("first_vintage", "first-vintage", vintage=str(first))
        if first
        else _say("first_vintage", "first-vintage-none")
    )
    yield _say("last_vintage", "last-vintage", vintage=str(last)) if last else _say("last_vintage", "last-vintage-none")
    names = [
        _named(code, "account-type", account_type_text(code, terms.corridor.destination))
        for code in terms.account_types
    ]
    yield _say("account_types", "account-types", types=_listed(names))


def _worth(terms: Terms) -> Iterator[Sentence]:
    rate = terms.rate
    yield _say("rate", f"rate.{rate.kind}", ratio=_ratio(rate))
    yield _say("rate.exceeds_one", "rate-exceeds-one" if rate.exceeds_one else "rate-within-one")
    yield _say("rate.reserve", "rate-reserve", units=rate.reserve)
    for name, value in (("mitigation_value", rate.mitigation_value), ("compliance_value", rate.compliance_value)):
        yield _say(f"rate.{name}", name.replace("_", "-"), ratio=_ratio(value), source=value.source)
    yield _say("margin", f"margin.{terms.margin}")


def _quotas(terms: Terms) -> Iterator[Sentence]:
    quota = terms.entry_quota
    if quota is None:
        yield _say("entry_quota", "entry-quota-none")
    else:
        measure, window = text(f"agreement.measure.{quota.measure}"), text(f"agreement.window.{quota.window}")
        yield _say("entry_quota", "entry-quota", limit=quota.limit, measure=measure, window=window)
    yield _limit("net_flow_limit", "net-flow", terms.net_flow_limit)
    if not terms.vintage_limits:
        yield _say("vintage_limits", "vintage-limit-none")
    for row in terms.vintage_limits:
        yield _say(f"vintage_limits.{row.vintage}", "vintage-limit", vintage=str(row.vintage), limit=row.limit)
    yield _limit("holder_limit", "holder-limit", terms.holder_limit)
    if not terms.use_quota:
        yield _say("use_quota", "use-quota-none")
    for place, node in enumerate(terms.use_quota):
        yield from _node(f"use_quota.{place}", node)
    yield from _clause(terms.reciprocity)


def _limit(field: str, code: str, limit: int | None) -> Sentence:
    return _say(field, f"{code}-none") if limit is None else _say(field, code, limit=limit)


def _node(field: str, node: UseQuotaNode) -> Iterator[Sentence]:
    yield _say(
        field,
        "use-quota",
        name=node.name,
        origins=_listed([_place(code) for code in node.origins]),
        types=_unit_types(node.unit_types) if node.unit_types else text("agreement.all-unit-types"),
        ratio=_ratio(node),
        base=text(f"agreement.base.{node.base}"),
        window=text(f"agreement.use-window.{node.window}"),
    )
    if node.within is None:
        yield _say(f"{field}.within", "use-quota-alone", name=node.name)
    else:
        yield _say(f"{field}.within", "use-quota-within", name=node.name, around=node.within)


def _clause(clause: ReciprocityClause | None) -> Iterator[Sentence]:
    if clause is None:
        yield _say("reciprocity", "clause-none")
        return
    yield _say("reciprocity.warn", "clause-warn", units=clause.warn)
    if not clause.taper:
        yield _say("reciprocity.taper", "clause-taper-none")
    for place, step in enumerate(clause.taper):
        yield _say(f"reciprocity.taper.{place}", "clause-taper", units=step.starts_at, ratio=_ratio(step))
    yield _say("reciprocity.suspend", "clause-suspend", units=clause.suspend)


def _settlement(terms: Terms) -> Iterator[Sentence]:
    days = terms.settlement_days
    if isinstance(days, Settling):
        yield _say("settlement_days", f"settlement.{days}")
    else:
        yield _say("settlement_days", "settlement.days", days=_listed([show_day(day) for day in days]))
    hold = terms.hold_on_freeze_days
    yield _say("hold_on_freeze_days", "hold", days=hold) if hold else _say("hold_on_freeze_days", "hold-none")
    yield _say("good_faith", f"good-faith.{terms.good_faith}")


def _ending(terms: Terms) -> Iterator[Sentence]:
    ending = terms.delinking
    yield _say("delinking.notice_days", "delinking-notice", days=ending.notice_days)
    yield _say("delinking.policy", f"delinking.{ending.policy}")
    sunset = "delinking-sunset" if ending.policy is Policy.SUNSET else "delinking-sunset-unused"
    yield _say("delinking.sunset_days", sunset, days=ending.sunset_days)
    yield _say("delinking.under_way", f"under-way.{ending.under_way}")
    if terms.instrument:
        yield _say("instrument", "instrument", name=terms.instrument)
    else:
        yield _say("instrument", "instrument-none")


_SECTIONS: Sequence[tuple[str, Callable[[Terms], Iterator[Sentence]]]] = (
    ("scope", _scope),
    ("worth", _worth),
    ("quotas", _quotas),
    ("settlement", _settlement),
    ("ending", _ending),
)


def _sides(terms: Terms) -> dict[str, str | int]:
    return {"origin": _place(terms.corridor.origin), "destination": _place(terms.corridor.destination)}


def _caveats(terms: Terms) -> list[str]:
    """Return what has to be said wherever a jurisdiction is presented, for each that the terms name."""
    named = {
        terms.corridor.origin,
        terms.corridor.destination,
        *(code for node in terms.use_quota for code in node.origins),
    }
    codes = [f"jurisdiction.{code}.caveat" for code in sorted(named)]
    return [told for code in codes if (told := text(code)) != code]


def _place(code: str) -> str:
    return _named(code, "jurisdiction", text(f"jurisdiction.{code}"))


def _unit_types(codes: Sequence[str]) -> str:
    return _listed([_named(code, "unit-type", text(f"unit-type.{code}")) for code in codes])


def _named(code: str, kind: str, name: str) -> str:
    """Return the name of what has a code, and the code; the code alone where it has no name here."""
    return code if name == f"{kind}.{code}" else f"{name} ({code})"


def _ratio(of: _Ratio) -> str:
    """Return a ratio as it is stored, 4/5."""
    return f"{of.numerator}/{of.denominator}"


def _listed(parts: Sequence[str]) -> str:
    return text("agreement.separator").join(parts)
