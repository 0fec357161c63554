"""How each term is entered: the fields of a form, made from the terms' own forms, and faults told at their fields."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from django import forms
from django.utils.translation import gettext_lazy

from accounts.texts import text
from linking.rules import strict
from linking.rules.strict import Fault
from linking.rules.terms import VintageLimit
from registry.admin.keys import KeyedForm

INSTANT_FORMATS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
LONGEST = 500
# Rows of a list (steps of a taper, nodes of a use quota) that a form has at least; one more than there are, to add one.
LEAST_ROWS = 2


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the terms: its path in the document (a list's rows by number), its type, and whether it must be there."""

    path: str
    hint: Any
    form: strict.Form
    required: bool

    @property
    def text_code(self) -> str:
        """The code of its text: `term.use_quota[].name` for any row."""
        told = "term"
        for part in self.path.split("."):
            told += "[]" if part.isdigit() else f".{part}"
        return told


def _plain(hint: Any) -> tuple[Any, bool]:
    """Return a type without its `| None`, and whether it had one."""
    if not isinstance(hint, UnionType):
        return hint, False
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return (kinds[0] if len(kinds) == 1 else hint), type(None) in get_args(hint)


def _row_type(hint: Any) -> Callable[..., object] | None:
    """Return the dataclass of a list's rows; None for anything else."""
    inside = get_args(hint)[0] if get_origin(hint) is tuple else None
    is_part = isinstance(inside, type) and is_dataclass(inside) and inside is not VintageLimit
    return inside if is_part else None


def members_of(
    made: Callable[..., object], rows: Mapping[str, int], path: str = "", required: bool = True
) -> Iterator[Member]:
    """Yield the single members of a document in their order; lists of parts as often as `rows` says by their path."""
    hints = get_type_hints(made)
    for name, (field, form) in strict.members_of(made).items():
        at = f"{path}.{name}" if path else name
        hint, may_be_null = _plain(hints[field])
        if isinstance(hint, type) and is_dataclass(hint):
            yield from members_of(hint, rows, at, required and not may_be_null)
        elif (row := _row_type(hint)) is not None:
            for place in range(rows.get(at, LEAST_ROWS)):
                yield from members_of(row, rows, f"{at}.{place}", required=False)
        else:
            yield Member(at, hint, form, required and not may_be_null)


def field_of(member: Member) -> forms.Field:
    """Return how a member is entered."""
    label = gettext_lazy(member.text_code)
    told: dict[str, Any] = {"label": label, "required": member.required}
    hint = member.hint
    if hint is bool:
        return forms.BooleanField(label=label, required=False)
    if hint is int:
        return forms.IntegerField(localize=False, **told)
    if hint is datetime:
        return forms.DateTimeField(widget=instant_widget(), input_formats=INSTANT_FORMATS, **told)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        words = [(str(word), str(word)) for word in hint]
        return forms.ChoiceField(choices=words if member.required else [("", "-"), *words], **told)
    if member.path == "vintage_limits":
        told |= {"required": False, "help_text": gettext_lazy("link.vintage-limits-help")}
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=10_000, **told)
    if member.path == "settlement_days":
        return forms.CharField(max_length=20_000, help_text=gettext_lazy("link.settlement-days-help"), **told)
    if get_origin(hint) is tuple:
        told["required"] = member.required and not _reads(member.form, [])
        return forms.CharField(max_length=2_000, help_text=gettext_lazy("link.list-help"), **told)
    told["required"] = member.required and not _reads(member.form, "")
    return forms.CharField(max_length=LONGEST, **told)


def _reads(form: strict.Form, value: object) -> bool:
    faults: strict.Faults = []
    form.read(value, "", faults)
    return not faults


def instant_widget() -> forms.DateTimeInput:
    """Return how an instant is entered: UTC, to the second."""
    return forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")


class FaultyForm(KeyedForm):
    """A form whose document is read strictly; every fault is told at the field that it is about."""

    def add_faults(self, faults: Sequence[Fault], names: Mapping[str, str] | None = None) -> None:
        """Tell faults at their fields. `names`: the fields of paths that the form names otherwise."""
        for fault in faults:
            told = text(f"terms-fault.{fault.code}", **dict(fault.params))
            name = self._named((names or {}).get(fault.path, fault.path))
            self.add_error(name, told if name is not None else f"{fault.path}: {told}" if fault.path else told)

    def _named(self, path: str) -> str | None:
        """The field of a path: of itself, of the nearest part around it, or of the first in it."""
        around = path
        while around and around not in self.fields:
            around = around.rpartition(".")[0]
        return around or next((name for name in self.fields if path and name.startswith(f"{path}.")), None)
