"""A rate above one is an exchange: said outright, and covered by units that the destination has set aside."""

import pytest
from django.db import IntegrityError

from linking.models import Quota
from linking.rules.degrees import Degree
from registry.operations.approve import approve
from registry.operations.outcome import Refused
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal
from registry.rules.states import State
from tests.linking.cities import NOW, Pilot, pilot


def at_five_fourths() -> Pilot:
    """Link Beijing and Tokyo, Beijing's units counting 5/4 in Tokyo, which has set 20 of its own units aside."""
    made = pilot()
    made["JP-13"].stock("MRG", 20)
    made.agree("CN-BJ", "JP-13", rate=(5, 4), net_flow_limit=1_000)
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000)
    made.raise_to(Degree.RESTRICTED, "CN-BJ", "JP-13")
    return made


@pytest.fixture
def world():
    return at_five_fourths


def reserve() -> tuple[int, int]:
    row = Quota.objects.get(kind="reserve")
    return row.reserved, row.used


def test_what_a_rate_above_one_adds_is_covered_by_units_set_aside(linked: Pilot):
    out = linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 78)
    # 78 units count 97 t and a half, so 20 t are added at most.
    assert reserve() == (0, 20)
    with pytest.raises(Refused) as refusal:
        linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 1)
    told = [(row.code, row.params["quota"], row.params["left"]) for row in refusal.value.failures]
    assert told == [(6005, "reserve", 0)]
    first = out.ranges[0].first
    linked.send(("JP-13", "ann"), ("CN-BJ", "ann"), 8, (first, first + 8), issuer="CN-BJ")
    assert reserve() == (0, 18)


def test_postgresql_alone_asks_for_the_cover(linked: Pilot, monkeypatch):
    monkeypatch.setattr("linking.rules.checks.run", lambda context, facts: ())
    with pytest.raises(IntegrityError, match="covered by units set aside"):
        linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 100)


def test_what_was_cancelled_out_of_the_margin_account_still_covers(linked: Pilot):
    """It is the one way out of it: the cover is used for what it is there for."""
    tokyo = linked["JP-13"]
    line = Line(tokyo["MRG"], tokyo["MCN"], 20, "JP13", "TER")
    order = Proposal("4-48", (line,), reason="covers what counted above one")
    outcome = propose(order, actor=tokyo.officers[0], now=NOW)
    assert approve(outcome.transaction_id, actor=tokyo.officers[1], now=NOW).state == State.COMPLETED
    linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 80)
    assert reserve() == (0, 20)
