"""The forms of the small documents that are signed about a link, each read into what `propose_instrument` takes."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from accounts.texts import text
from linking.admin.terms_fields import INSTANT_FORMATS, FaultyForm, instant_widget
from linking.models import Agreement, Corridor, Link
from linking.rules.degrees import Degree, step_after
from linking.rules.documents import FORMS, Document, document_from
from linking.rules.strict import show_instant
from linking.rules.terms import GREATEST_UNITS, TermsFault
from registry.models import UnitType

LONGEST_REASON = 500
# Of a corridor that had no terms yet: what the form begins with. Nothing is recognised that its authors do not say.
FIRST_TERMS: Mapping[str, Any] = {
    "version": 1,
    "notice_days": 30,
    "last_settlement_days": 14,
    "unit_types": [],
    "first_vintage": None,
    "last_vintage": None,
    "account_types": ["EXS", "OHA", "TRA"],
    "rate": {
        "kind": "discount",
        "numerator": 1,
        "denominator": 1,
        "exceeds_one": False,
        "reserve": 0,
        "mitigation_value": {"numerator": 1, "denominator": 1, "source": ""},
        "compliance_value": {"numerator": 1, "denominator": 1, "source": ""},
    },
    "entry_quota": None,
    "net_flow_limit": None,
    "vintage_limits": {},
    "holder_limit": None,
    "use_quota": [],
    "reciprocity": None,
    "settlement_days": "any",
    "margin": "retired",
    "hold_on_freeze_days": 0,
    "good_faith": "buyer-keeps",
    "delinking": {"policy": "honour", "notice_days": 90, "sunset_days": 0, "under_way": "settle"},
    "instrument": "",
}


def next_terms(corridor: Corridor, *, now: datetime) -> dict[str, Any]:
    """Return the terms that a form begins with: those of the last version, as the next one, after its notice."""
    last = Agreement.objects.filter(corridor=corridor).order_by("-version").first()
    before = dict(FIRST_TERMS if last is None else last.terms)
    days = 0 if last is None else int(last.terms["notice_days"])
    # The next midnight after the notice, with a day to sign in.
    begins = datetime.combine(now.date() + timedelta(days=days + 2), time(), now.tzinfo)
    return before | {
        "corridor": {"origin": corridor.origin.code, "destination": corridor.destination.code},
        "version": 1 if last is None else last.version + 1,
        "effective_from": show_instant(begins),
    }


def _instant(label: str, required: bool = True) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=gettext_lazy(label), required=required, widget=instant_widget(), input_formats=INSTANT_FORMATS
    )


def _reason() -> forms.CharField:
    return forms.CharField(
        max_length=LONGEST_REASON, label=gettext_lazy("admin.reason"), widget=forms.Textarea(attrs={"rows": 2})
    )


def _ways(link: Link) -> list[tuple[str, str]]:
    rows = Corridor.objects.filter(link=link).select_related("origin", "destination").order_by("id")
    return [(f"{row.origin}>{row.destination}", str(row)) for row in rows]


def _way(told: str) -> dict[str, str] | None:
    origin, _, destination = told.partition(">")
    return {"origin": origin, "destination": destination} if destination else None


class DocumentForm(FaultyForm):
    """A document of one kind about a link, or about one of its corridors."""

    kind = ""

    def __init__(self, *args: Any, link: Link, corridor: Corridor | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.link, self.corridor = link, corridor

    def content(self) -> dict[str, Any]:
        """Return the document's content as JSON."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Read what was entered as the document, and tell every fault at its field."""
        members: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                members["read"] = document_from(self.kind, self.content())
            except TermsFault as fault:
                self.add_faults(fault.faults)
        return members

    def document(self) -> Document:
        """Return what a valid form says."""
        read: Document = self.cleaned_data["read"]
        return read

    def said(self) -> dict[str, Any]:
        """Return what was entered, without the key and what it was read as."""
        return {name: value for name, value in super().said().items() if name != "read"}

    def direction(self) -> dict[str, str]:
        """Return the corridor as documents name it."""
        assert self.corridor is not None
        return {"origin": self.corridor.origin.code, "destination": self.corridor.destination.code}


class LeaveForm(DocumentForm):
    """The origin's leave."""

    kind = "leave"
    limit = forms.IntegerField(
        min_value=0,
        max_value=GREATEST_UNITS,
        required=False,
        label=gettext_lazy("link.leave-limit"),
        help_text=gettext_lazy("link.no-limit-help"),
    )
    valid_from = _instant("link.valid-from")
    valid_to = _instant("link.valid-to", required=False)

    def content(self) -> dict[str, Any]:
        """Return the leave."""
        said = self.cleaned_data
        until = said["valid_to"]
        return {
            "corridor": self.direction(),
            "limit": said["limit"],
            "valid_from": show_instant(said["valid_from"]),
            "valid_to": None if until is None else show_instant(until),
        }


class DegreeForm(DocumentForm):
    """A step of the degree; `open` is asked for where a step leads to *unilateral*."""

    to = forms.ChoiceField(label=gettext_lazy("link.degree-to"))
    open = forms.ChoiceField(
        required=False, label=gettext_lazy("link.open-corridor"), help_text=gettext_lazy("link.open-corridor-help")
    )
    reason = _reason()

    def __init__(self, *args: Any, link: Link, **kwargs: Any) -> None:
        super().__init__(*args, link=link, **kwargs)
        steps = self.steps(Degree(link.degree))
        self.fields["to"].choices = [(str(row), text(f"degree.{row}")) for row in steps]  # type: ignore[attr-defined]
        if Degree.UNILATERAL in steps:
            self.fields["open"].choices = [("", "-"), *_ways(link)]  # type: ignore[attr-defined]
        else:
            del self.fields["open"]

    def steps(self, before: Degree) -> list[Degree]:
        """Return the degrees that may be asked for."""
        raise NotImplementedError

    def content(self) -> dict[str, Any]:
        """Return the step. The corridor that stays open is said where the step is to *unilateral*, and not elsewhere."""
        said = self.cleaned_data
        to_unilateral = said["to"] == Degree.UNILATERAL
        return {
            "from": self.link.degree,
            "to": said["to"],
            "open": _way(said.get("open", "")) if to_unilateral else None,
            "reason": said["reason"],
        }


class RaiseForm(DegreeForm):
    """One step up."""

    kind = "raise"

    def steps(self, before: Degree) -> list[Degree]:
        """Return the next degree."""
        step = step_after(before)
        return [] if step is None else [step]


class LowerForm(DegreeForm):
    """Any number of steps down."""

    kind = "lower"

    def steps(self, before: Degree) -> list[Degree]:
        """Return the lower degrees, the nearest first."""
        return [row for row in reversed(Degree) if row.rank < before.rank]


class MechanismsForm(DocumentForm):
    """The unit types of common mechanisms: all that will be listed, in place of those that are."""

    kind = "mechanisms"
    unit_types = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label=gettext_lazy("link.mechanism-units")
    )

    def __init__(self, *args: Any, link: Link, **kwargs: Any) -> None:
        super().__init__(*args, link=link, **kwargs)
        rows = (
            UnitType.objects.filter(kind="offset").select_related("jurisdiction").order_by("jurisdiction__code", "code")
        )
        choices = [(f"{row.jurisdiction} {row.code}", f"{row.code} ({row.jurisdiction})") for row in rows]
        self.fields["unit_types"].choices = choices  # type: ignore[attr-defined]
        listed = link.mechanism_units.select_related("unit_type__jurisdiction")
        self.initial.setdefault("unit_types", [f"{row.unit_type.jurisdiction} {row.unit_type.code}" for row in listed])

    def content(self) -> dict[str, Any]:
        """Return the list."""
        return {"unit_types": [told.split() for told in sorted(set(self.cleaned_data["unit_types"]))]}


class ResumeForm(DocumentForm):
    """A side's corridor resumes."""

    kind = "resume"
    reason = _reason()

    def content(self) -> dict[str, Any]:
        """Return the resumption."""
        return {"corridor": self.direction(), "reason": self.cleaned_data["reason"]}


class DelinkForm(DocumentForm):
    """A corridor ends, or both do."""

    kind = "delink"
    which = forms.ChoiceField(label=gettext_lazy("link.which-ends"))
    reason = _reason()

    def __init__(self, *args: Any, link: Link, **kwargs: Any) -> None:
        super().__init__(*args, link=link, **kwargs)
        self.fields["which"].choices = [*_ways(link), ("both", text("link.both-corridors"))]  # type: ignore[attr-defined]

    def content(self) -> dict[str, Any]:
        """Return the end."""
        return {"corridor": _way(self.cleaned_data["which"]), "reason": self.cleaned_data["reason"]}


DOCUMENT_FORMS: Mapping[str, type[DocumentForm]] = {
    form.kind: form for form in (LeaveForm, RaiseForm, LowerForm, MechanismsForm, ResumeForm, DelinkForm)
}
OF_A_CORRIDOR = frozenset({"terms", "leave", "resume"})
assert set(DOCUMENT_FORMS) == {*FORMS, "mechanisms"}
