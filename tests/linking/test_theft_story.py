"""The worked story of docs/theft.md, figure by figure."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from linking.books import issuer_books
from linking.models import Quota
from registry.models import Freeze
from registry.operations.run_due import run_due
from tests.linking.cities import NOW, REGISTRY
from tests.linking.surrenders import surrender, undo
from tests.linking.thefts import Chase, chase

PAGE = (Path(__file__).parents[2] / "docs" / "theft.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+) \| [^|]+ \|((?: \d+ \|){6})$", re.MULTILINE)
STORY = [(int(row[1]), [int(figure) for figure in re.findall(r"\d+", row[2])]) for row in ROW.finditer(PAGE)]


def told() -> Chase:
    return chase(hold_days=10)


@pytest.fixture
def world() -> Callable[[], Chase]:
    return told


def day(number: int) -> datetime:
    return NOW + timedelta(days=number - 1)


def figures(theft: Chase) -> list[int]:
    """What the page tells of a moment, in the order of its columns."""
    books = issuer_books("CN-BJ")
    assert books.balance
    (tokyo,) = books.abroad
    used = Quota.objects.get(kind="entry", corridor__destination__code="JP-13").used
    stopped = (len(theft.frozen("CN-BJ")), len(theft.frozen("JP-13")))
    return [books.home.held, tokyo.held, tokyo.surrendered, *stopped, used]


def test_the_story_goes_as_the_page_tells_it(begun: Chase):
    theft, pilot = begun, begun.pilot
    happened: list[tuple[int, list[int]]] = []

    def then(number: int) -> None:
        happened.append((number, figures(theft)))

    theft.sent(1, 201, "bob")
    theft.sent(201, 301, "plant")
    then(1)
    surrendered = surrender(pilot, "plant", 50, (201, 251))
    then(1)
    frozen = theft.freeze(1, 401, now=day(2))
    then(2)
    bobs, plants = theft.holds()
    assert plants.expires_at == day(12)
    theft.confirm(bobs, now=day(3))
    then(3)
    case = theft.case(bobs, for_value=True, victim="ann", reference="court order 12", now=day(4))
    theft.decide(case, now=day(4))
    then(4)
    run_due(actor=REGISTRY, now=day(12))
    then(12)
    undo(pilot, surrendered, now=day(13))
    then(13)
    theft.lift(frozen.id, "CN-BJ", now=day(14))
    then(14)
    assert happened == STORY
    assert not Freeze.objects.filter(released_at=None).exists()
