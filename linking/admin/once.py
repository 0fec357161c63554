"""Forms about links that are sent twice and carried out once, told the second time what became of the first.

The key is made when the form is shown and stored with the effect, in one database transaction: a crash leaves both or neither.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts.refusals import Refusal
from accounts.rules.access import Actor
from linking.models import SentForm
from linking.operations.sides import person_of
from registry.admin.keys import KeyedForm
from registry.api.orders import digest_of


class Made(Protocol):
    """What an act makes, or upon what it acts."""

    @property
    def pk(self) -> int: ...


class SentBefore(Exception):
    """The same form was carried out already; `made` is what it made then."""

    def __init__(self, made: int) -> None:
        super().__init__("sent before")
        self.made = made


def done_once(form: KeyedForm, request: HttpRequest, act: Callable[[], Made], *, actor: Actor, now: datetime) -> int:
    """Carry out what a valid form asks and return the id of what it made. All of the act is done, or nothing.

    Raises: SentBefore; Refusal, also where the key has come with another form (`form-key-taken`).
    """
    person, key = person_of(actor), form.cleaned_data["key"]
    said = {name: str(value) for name, value in form.said().items()}
    digest = digest_of("POST", request.get_full_path(), said)
    try:
        with transaction.atomic():
            _refuse_sent(person, key, digest)
            made = act().pk
            # Where the same form is sent at the same moment, one of the two waits here for the other, and finds it came later.
            SentForm.objects.create(user_id=person, key=key, digest=digest, made=made, at=now)
    except (IntegrityError, Refusal):
        _refuse_sent(person, key, digest)
        raise
    return made


def _refuse_sent(person: int, key: UUID, digest: str) -> None:
    sent = SentForm.objects.filter(user_id=person, key=key).first()
    if sent is None:
        return
    if sent.digest != digest:
        raise Refusal("form-key-taken")
    raise SentBefore(sent.made)
