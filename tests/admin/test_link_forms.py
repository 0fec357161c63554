"""Keys of the forms of links where commits are real: two that come at one moment are one act, and no key is taken back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from uuid import UUID

import psycopg
import pytest
from django.db import connections
from django.urls import reverse

from accounts.models import User
from linking.models import Instrument, Link, SentForm
from linking.rules.degrees import Degree
from tests.admin.test_links import client_of
from tests.linking.cities import Pilot, pilot

KEY = "00000000-0000-4000-8000-000000000001"
AT = datetime(2026, 6, 1, 4, tzinfo=UTC)
CLIENTS = 6


def indirect_pilot() -> Pilot:
    made = pilot()
    made.raise_to(Degree.INDIRECT, "CN-BJ", "JP-13")
    return made


@pytest.fixture
def world() -> object:
    return indirect_pilot


def test_the_same_form_from_many_at_one_moment_is_one_act(begun: Pilot):
    link = Link.objects.get()
    address = reverse("admin:linking_link_propose", args=[link.pk, "lower"])
    entered = {"key": KEY, "to": "none", "reason": "a look"}
    clients = [client_of("cn-junior") for _ in range(CLIENTS)]
    together = Barrier(CLIENTS)

    def send(client) -> str:
        together.wait()
        try:
            return str(client.post(address, entered).headers["Location"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(send, clients))
    made = Instrument.objects.get(kind="lower")
    assert set(answers) == {reverse("admin:linking_instrument_change", args=[made.pk])}
    assert SentForm.objects.count() == 1


def test_a_crash_after_the_act_leaves_neither_act_nor_key(begun: Pilot, monkeypatch: pytest.MonkeyPatch):
    class Crash(Exception):
        pass

    def crash(**_: object) -> None:
        raise Crash

    monkeypatch.setattr(SentForm.objects, "create", crash)
    address = reverse("admin:linking_link_propose", args=[Link.objects.get().pk, "lower"])
    with pytest.raises(Crash):
        client_of("cn-junior").post(address, {"key": KEY, "to": "none", "reason": "a look"})
    assert not Instrument.objects.filter(kind="lower").exists()


@pytest.mark.parametrize(
    "attack",
    ["UPDATE linking_sentform SET made = 2", "DELETE FROM linking_sentform", "TRUNCATE linking_sentform"],
    ids=["changed", "deleted", "emptied"],
)
@pytest.mark.parametrize("role", ["as_application_role", "owner"])
def test_a_form_that_was_carried_out_stays_so(begun: Pilot, request, attack, role):
    SentForm.objects.create(user=User.objects.get(username="cn-junior"), key=UUID(KEY), digest="x", made=1, at=AT)
    with pytest.raises(psycopg.Error):
        request.getfixturevalue(role).execute(attack)
    assert SentForm.objects.get().made == 1


def test_a_key_is_kept_once_for_a_person(begun: Pilot, as_application_role):
    person = User.objects.get(username="cn-junior").pk
    keep = "INSERT INTO linking_sentform VALUES (%s, %s, 'x', 1, now())"
    as_application_role.execute(keep, [person, KEY])
    with pytest.raises(psycopg.errors.UniqueViolation):
        as_application_role.execute(keep, [person, KEY])
    as_application_role.execute(keep, [User.objects.get(username="cn-senior").pk, KEY])
