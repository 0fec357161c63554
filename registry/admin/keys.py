"""Keys hidden in forms: a form that is sent twice is carried out once, and the second time told what became of the first.

The key is made when the form is shown, and stored with the effect, as an `Idempotency-Key` of the API is.
"""

import json
from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest

from accounts.rules.access import Actor
from registry.admin.reasons import reasons_of
from registry.api.orders import digest_of
from registry.operations.outcome import AnsweredBefore, AnswerKey, Outcome, Refused
from registry.rules.freezes import FreezeRecord


class KeyedForm(forms.Form):
    """A form that names itself."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def said(self) -> dict[str, Any]:
        """Return what was entered, without the key."""
        return {name: value for name, value in self.cleaned_data.items() if name != "key"}


def new_key() -> dict[str, Any]:
    """Return the beginning of a form that is shown for the first time."""
    return {"key": uuid4()}


def answer_key(form: KeyedForm, request: HttpRequest, actor: Actor) -> AnswerKey:
    """Return the key of a valid form: whose, which, and what was entered where."""
    said = {name: str(value) for name, value in form.said().items()}
    return AnswerKey(
        f"admin:{actor.user_id}",
        str(form.cleaned_data["key"]),
        digest_of("POST", request.get_full_path(), said),
        _printed,
    )


def first_answer(before: AnsweredBefore) -> tuple[str | None, list[str]]:
    """Return the id of what the same form made the first time, or why it was refused."""
    first = json.loads(before.answer.body)
    return first.get("id"), first.get("reasons", [])


def key_anew(form: KeyedForm, request: HttpRequest) -> None:
    """Give a form that was refused another key: what is corrected and sent again is another request."""
    data = request.POST.copy()
    data["key"] = str(uuid4())
    form.data = data


def _printed(result: Outcome | FreezeRecord | Refused) -> tuple[int, str]:
    if isinstance(result, Refused):
        return 422, json.dumps({"reasons": reasons_of(result)})
    made = result.id if isinstance(result, FreezeRecord) else result.transaction_id
    return 201, json.dumps({"id": str(made)})
