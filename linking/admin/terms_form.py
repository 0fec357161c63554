"""The form in which a person writes the terms of a corridor: one field for each term, made from the terms' own forms.

It holds no rule of its own: what was entered becomes a document, `terms_from` reads it, and each fault is told at its field.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_origin

from django import forms
from django.utils.translation import gettext_lazy

from accounts.texts import text
from linking.admin.terms_fields import LEAST_ROWS, FaultyForm, Member, field_of, members_of
from linking.rules.strict import Fault, show_instant
from linking.rules.terms import Terms, TermsFault, terms_from

LONGEST_DOCUMENT = 100_000
# Where the form has headings, as the printed agreement has them (linking/agreement_text.py).
SECTIONS: Sequence[tuple[str, tuple[str, ...]]] = (
    (
        "scope",
        (
            "version", "effective_from", "notice_days", "last_settlement_days", "unit_types", "first_vintage",
            "last_vintage", "account_types",
        ),
    ),
    ("worth", ("rate", "margin")),
    (
        "quotas",
        ("entry_quota", "net_flow_limit", "vintage_limits", "holder_limit", "use_quota", "reciprocity"),
    ),
    ("settlement", ("settlement_days", "hold_on_freeze_days", "good_faith")),
    ("ending", ("delinking", "instrument")),
)  # fmt: skip


class TermsForm(FaultyForm):
    """All terms of a version, field by field. `document`: what it begins with, a version before this one or none."""

    def __init__(self, *args: Any, document: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.corridor = document["corridor"]
        clause = document["reciprocity"] or {"taper": []}
        self.rows = {
            "use_quota": max(LEAST_ROWS, len(document["use_quota"]) + 1),
            "reciprocity.taper": max(LEAST_ROWS, len(clause["taper"]) + 1),
        }
        self.members = [row for row in members_of(Terms, self.rows) if not row.path.startswith("corridor.")]
        for member in self.members:
            self.fields[member.path] = field_of(member)
            self.initial.setdefault(member.path, _shown(member, document))

    def clean(self) -> dict[str, Any]:
        """Read what was entered as terms, and tell every fault at its field."""
        members: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return members
        document, names = self._document()
        try:
            members["terms"] = terms_from(document)
        except TermsFault as fault:
            self.add_faults([_moved(row, names) for row in fault.faults])
        return members

    def said(self) -> dict[str, Any]:
        """Return what was entered, without the key and what it was read as."""
        return {name: value for name, value in super().said().items() if name != "terms"}

    def _document(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the document that was entered, and which row of the form each row of it is: empty ones are left out."""
        entered: dict[str, Any] = {"corridor": dict(self.corridor)}
        for member in self.members:
            _put(entered, member.path.split("."), self._value(member))
        names: dict[str, str] = {}
        entered["use_quota"] = _filled(entered["use_quota"], "use_quota", names)
        clause = entered["reciprocity"]
        clause["taper"] = _filled(clause["taper"], "reciprocity.taper", names)
        for name in ("entry_quota", "reciprocity"):
            if not any(value not in (None, []) for value in entered[name].values()):
                entered[name] = None
        return entered, names

    def _value(self, member: Member) -> Any:
        """Return what was entered as the document has it."""
        value = self.cleaned_data.get(member.path)
        if member.path == "vintage_limits":
            return _vintage_limits(str(value or ""))
        if member.path == "settlement_days":
            days = str(value).split()
            return days[0] if len(days) == 1 and not days[0][:1].isdigit() else days
        if get_origin(member.hint) is tuple:
            return sorted(set(str(value or "").replace(",", " ").split()))
        if isinstance(value, datetime):
            return show_instant(value)
        if member.hint is str:
            return value or (None if not member.required and member.path.endswith(".within") else "")
        return None if value == "" else value

    def sections(self) -> Iterator[dict[str, Any]]:
        """Yield the headings with their groups of fields, for the page."""
        for heading, names in SECTIONS:
            groups = []
            for name in names:
                own = [path for path in self.fields if path == name or path.startswith(f"{name}.")]
                is_single = own == [name]
                groups.append(
                    {
                        "name": name,
                        "legend": "" if is_single else text(f"term.{name}"),
                        "rows": list(self._by_row(own)),
                    }
                )
            yield {"heading": text(f"agreement.section.{heading}"), "groups": groups}

    def _by_row(self, paths: Sequence[str]) -> Iterator[list[forms.BoundField]]:
        """Yield the fields that stand side by side: those of one part."""
        row: list[forms.BoundField] = []
        before = ""
        for path in paths:
            part = path.rpartition(".")[0]
            if row and part != before:
                yield row
                row = []
            row.append(self[path])
            before = part
        if row:
            yield row


class WholeTermsForm(FaultyForm):
    """All terms of a version as one JSON document, for who has it so."""

    document = forms.CharField(
        max_length=LONGEST_DOCUMENT,
        widget=forms.Textarea(attrs={"rows": 40, "spellcheck": "false"}),
        label=gettext_lazy("link.document"),
    )

    def clean(self) -> dict[str, Any]:
        """Read the document as terms, and tell every fault."""
        members: dict[str, Any] = super().clean() or self.cleaned_data
        if "document" not in members:
            return members
        try:
            members["terms"] = terms_from(json.loads(members["document"], parse_float=str, parse_constant=str))
        except TermsFault as fault:
            self.add_faults(fault.faults)
        except (ValueError, RecursionError):
            self.add_error("document", text("link.not-json"))
        return members

    def said(self) -> dict[str, Any]:
        """Return what was entered, without the key and what it was read as."""
        return {"document": self.cleaned_data["document"]}


def _shown(member: Member, document: Mapping[str, Any]) -> Any:
    """Return how the value of a document is shown in a member's field; None where the document has none."""
    value: Any = document
    for part in member.path.split("."):
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = None if value is None else value.get(part)
    if member.path == "vintage_limits":
        return "\n".join(f"{vintage}: {limit}" for vintage, limit in sorted((value or {}).items()))
    if isinstance(value, list):
        return " ".join(value)
    return datetime.fromisoformat(value).astimezone(UTC) if member.hint is datetime and value else value


def _put(document: dict[str, Any], parts: Sequence[str], value: Any) -> None:
    """Set a member by its path; the rows of a list are kept by their number, to be put in a row by `_filled`."""
    *parents, last = parts
    for part in parents:
        document = document.setdefault(part, {})
    document[last] = value


def _filled(rows: dict[str, dict[str, Any]], path: str, names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the rows in which something was entered, and note where each stood in the form."""
    found: list[dict[str, Any]] = []
    for place, row in sorted(rows.items(), key=lambda item: int(item[0])):
        if any(value not in (None, "", []) for value in row.values()):
            names[f"{path}.{len(found)}"] = f"{path}.{place}"
            found.append(row)
    return found


def _moved(fault: Fault, names: Mapping[str, str]) -> Fault:
    """Return a fault at the row of the form that the row of the document came from."""
    row = next((name for name in names if fault.path == name or fault.path.startswith(f"{name}.")), None)
    if row is None:
        return fault
    return Fault(names[row] + fault.path[len(row) :], fault.code, fault.params)


def _vintage_limits(told: str) -> dict[str, Any]:
    """Return the limits of lines `2025: 20000`; what is no number stays a text, which the terms then refuse."""
    limits: dict[str, Any] = {}
    for line in told.splitlines():
        if line.strip():
            vintage, _, limit = line.partition(":")
            number = limit.strip()
            limits[vintage.strip()] = (
                int(number) if number.isascii() and number.isdigit() and len(number) < 20 else number
            )
    return limits
