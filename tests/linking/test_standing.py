"""How a corridor stands: each thing in its way alone, and all of them, the gravest first."""

import pytest
from django.utils import translation

from accounts.texts import text
from linking.rules.degrees import Degree
from linking.rules.standing import Standing, standings

OPEN = {
    "has_terms": True,
    "has_ended": False,
    "has_leave": True,
    "suspended_by": (),
    "degree": Degree.RESTRICTED,
    "is_the_open_one": False,
    "lists_mechanisms": False,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Standing.OPEN),
        ({"has_terms": False}, Standing.NO_TERMS),
        ({"has_terms": False, "has_ended": True}, Standing.ENDED),
        ({"has_leave": False}, Standing.NO_LEAVE),
        ({"suspended_by": ("JP-13",)}, Standing.SUSPENDED),
        ({"degree": Degree.INCREMENTAL}, Standing.CLOSED),
        ({"degree": Degree.UNILATERAL}, Standing.CLOSED),
        ({"degree": Degree.UNILATERAL, "is_the_open_one": True}, Standing.OPEN),
        ({"degree": Degree.INDIRECT, "lists_mechanisms": True}, Standing.MECHANISMS_ONLY),
        ({"degree": Degree.NONE, "lists_mechanisms": True}, Standing.CLOSED),
    ],
)
def test_each_thing_in_the_way_is_told_alone(changes, expected):
    assert standings(**(OPEN | changes)) == (expected,)


def test_everything_in_the_way_is_told_the_gravest_first():
    changes = {"has_terms": False, "has_leave": False, "suspended_by": ("CN-BJ",), "degree": Degree.NONE}
    assert standings(**(OPEN | changes)) == (
        Standing.NO_TERMS,
        Standing.NO_LEAVE,
        Standing.SUSPENDED,
        Standing.CLOSED,
    )


@pytest.mark.parametrize("language", ["en", "zh-hans", "ja", "ko"])
def test_every_standing_has_a_text(language):
    with translation.override(language):
        assert not any(text(f"corridor-standing.{row}").startswith("corridor-standing") for row in Standing)
