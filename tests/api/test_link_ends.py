"""Final statements and issuers' books over HTTP: the same figures as the queries give, told to whom they may be."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from linking.books import issuer_books
from linking.statement_queries import final_statements
from linking.statement_text import final_statement_text
from tests.accounts import samples
from tests.api.conftest import Asked, key_for
from tests.linking.cities import NOW, Pilot
from tests.linking.ends import BJ, DAY, JP, KR, SECOND, completed, delink, delinking, linked_by, pass_time, within

API = "/api/v1"
END = NOW + DAY + 60 * DAY


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return lambda: linked_by(margin="pooled", delinking=delinking("honour"))


@pytest.fixture
def ended(begun: Pilot) -> Pilot:
    """Beijing's units into Tokyo, some surrendered there; then the notice and its end."""
    owed = begun[JP].obligation("plant", 500).pk
    completed(begun.send((BJ, "ann"), (JP, "plant"), 40, (1, 41)))
    within(begun, "10-2", "plant", "SUR", 7, (1, 8), NOW + SECOND, obligation=owed)
    delink(begun, now=NOW + DAY)
    pass_time(END + SECOND)
    return begun


def ask(made: Pilot, city: str = "") -> Asked:
    user = samples.user("nobody") if not city else User.objects.get(pk=made[city].officers[0].user_id)
    return Asked(key_for(user), Client(raise_request_exception=False))


def read(asked: Asked, path: str) -> Any:
    answer = asked.get(f"{API}/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_everybody_reads_the_final_statement_in_figures_and_as_text(ended: Pilot):
    link = ended.link(BJ, JP)
    [stated] = final_statements(link)
    [told] = read(ask(ended), f"links/{link.pk}/final-statements")["results"]
    for name in ("corridor", "noticed_by", "last_version", "delinking", "directions", "imbalance"):
        assert told[name] == stated[name], name
    assert told["as_of"] == END.isoformat().replace("+00:00", "Z")
    assert told["text"] == final_statement_text(stated)
    total = told["directions"][0]["total"]
    assert (total["entered"], total["surrendered"], total["pooled"], total["held"]) == (40, 5, 2, 33)


def test_of_a_link_that_does_not_exist_nothing_was_stated(ended: Pilot):
    assert ask(ended).get(f"{API}/links/999/final-statements").status_code == 404


def test_a_link_without_an_end_has_no_statement(ended: Pilot):
    link = ended.link(BJ, KR)
    assert read(ask(ended), f"links/{link.pk}/final-statements") == {"results": []}


def test_the_staff_of_a_side_reads_both_books_now_and_as_they_stood(ended: Pilot):
    path = f"links/{ended.link(BJ, JP).pk}/books"
    now = read(ask(ended, JP), path)
    assert read(ask(ended, BJ), path) == now
    assert (now["as_of"], [row["issuer"] for row in now["results"]]) == (None, [BJ, JP])
    beijing = now["results"][0]
    books = issuer_books(BJ)
    assert (beijing["issued"], beijing["home"]["held"], beijing["balance"]) == (books.issued, books.home.held, True)
    assert beijing["abroad"] == [
        {"jurisdiction": JP, "held": 33, "margin": 2, "surrendered": 5, "cancelled": 0, "lapsed": 0}
    ]
    then = (NOW + SECOND - timedelta(milliseconds=1)).isoformat().replace("+00:00", "Z")
    before = read(ask(ended, JP), f"{path}?as_of={then}")
    assert before["as_of"] == then
    [abroad] = before["results"][0]["abroad"]
    assert (abroad["held"], abroad["surrendered"]) == (40, 0)


def test_books_are_not_everybodys(ended: Pilot):
    path = f"{API}/links/{ended.link(BJ, JP).pk}/books"
    for asked in (ask(ended), ask(ended, KR)):
        answer = asked.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted")
    assert ask(ended, JP).get(f"{API}/links/999/books").status_code == 404
    assert ask(ended, JP).get(f"{path}?as_of=2199-01-01T00:00:00Z").status_code == 400
