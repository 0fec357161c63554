"""Foreign units surrendered: within the operator's quota, at their worth, with their margin booked, and retired abroad."""

import json
from collections.abc import Iterable

import pytest

from audit.models import Entry
from linking.models import Margin, Quota
from linking.rules.degrees import Degree
from registry.compliance_queries import obligations_of
from registry.models import TransactionBlock, UnitBlock
from registry.operations.approve import approve
from registry.operations.explain import explain
from registry.operations.outcome import MovedRange, Outcome, Refused
from registry.operations.propose import propose
from registry.operations.reverse import reverse
from registry.rules.crossings import UseTold
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.states import State
from registry.transaction_queries import transaction_of
from tests.linking.cities import NOW, Pilot, pilot

LINKED_AT_MOST_A_TENTH = [
    {
        "name": "linked",
        "within": None,
        "origins": ["CN-BJ"],
        "unit_types": [],
        "base": "verified-emissions",
        "numerator": 1,
        "denominator": 10,
        "window": "year",
    }
]


def with_use_quota(margin: str) -> Pilot:
    """Link Beijing and Tokyo at 4/5 with a use quota of a tenth of verified emissions; Tokyo's plant has 500 units."""
    made = pilot()
    made.agree("CN-BJ", "JP-13", rate=(4, 5), use_quota=LINKED_AT_MOST_A_TENTH, margin=margin)
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000_000)
    made.raise_to(Degree.RESTRICTED, "CN-BJ", "JP-13")
    made.send(("CN-BJ", "ann"), ("JP-13", "plant"), 500)
    return made


def retiring() -> Pilot:
    """Margin retired."""
    return with_use_quota("retired")


def pooling() -> Pilot:
    """Margin pooled."""
    return with_use_quota("pooled")


@pytest.fixture
def world(request: pytest.FixtureRequest):
    return request.param


def nested() -> Pilot:
    """Linked units at most a tenth, of which Beijing's at most a fortieth, of what was verified."""
    made = pilot()
    inner = LINKED_AT_MOST_A_TENTH[0] | {"name": "beijing", "within": "linked", "denominator": 40}
    outer = LINKED_AT_MOST_A_TENTH[0] | {"origins": ["CN-BJ", "KR-11"]}
    made.agree("CN-BJ", "JP-13", rate=(4, 5), use_quota=[outer, inner])
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000_000)
    made.raise_to(Degree.RESTRICTED, "CN-BJ", "JP-13")
    made.send(("CN-BJ", "ann"), ("JP-13", "plant"), 500)
    return made


def surrender(made: Pilot, obligation: int, *ranges: tuple[int, int]) -> Outcome:
    """Surrender Beijing units of Tokyo's plant."""
    return propose(ordered(made, obligation, *ranges), actor=made["JP-13"].people[0], now=NOW)


def ordered(made: Pilot, obligation: int, *ranges: tuple[int, int]) -> Proposal:
    """Return the order to surrender them."""
    city = made["JP-13"]
    quantity = sum(following - first for first, following in ranges)
    serials = tuple(SerialRange("CNBJ", *serials) for serials in ranges)
    line = Line(city["plant"], city["SUR"], quantity, "CNBJ", "BEA", serials=serials)
    return Proposal("10-2", (line,), obligation=obligation)


def first_serial(made: Pilot) -> int:
    """Return the first of the Beijing serials that Tokyo's plant holds."""
    return UnitBlock.objects.filter(account=made["JP-13"].accounts["plant"]).order_by("start_no")[0].start_no


@pytest.mark.parametrize("world", [retiring], indirect=True)
def test_an_operators_quota_of_foreign_units_is_kept_to_the_recognised_tonne(linked: Pilot):
    obligation = linked["JP-13"].obligation("plant", emissions=1_000)
    start = first_serial(linked)
    # A tenth of 1,000 t is 100 t, which 125 units at 4/5 cover.
    assert surrender(linked, obligation.pk, (start, start + 125)).state == State.COMPLETED
    quota = Quota.objects.get(kind="use", obligation=obligation)
    assert (quota.limit, quota.reserved, quota.used) == (100, 0, 100)
    # One unit more is worth nothing yet: floor(126 * 4/5) is 100.
    assert surrender(linked, obligation.pk, (start + 125, start + 126)).state == State.COMPLETED
    with pytest.raises(Refused) as refusal:
        surrender(linked, obligation.pk, (start + 126, start + 127))
    assert [(row.code, row.params["node"], row.params["left"]) for row in refusal.value.failures] == [
        (6006, "CN-BJ linked", 0)
    ]


@pytest.mark.parametrize("world", [nested], indirect=True)
def test_an_explanation_names_the_part_of_the_quota_that_binds(linked: Pilot):
    obligation = linked["JP-13"].obligation("plant", emissions=1_000)
    start, actor = first_serial(linked), linked["JP-13"].people[0]
    explained = explain(ordered(linked, obligation.pk, (start, start + 30)), actor=actor, now=NOW)
    # 30 units at 4/5 are 24 t: within the 25 t of the inner part and the 100 t of the outer one.
    assert explained.failures == ()
    wanted = [
        UseTold("CN-BJ beijing", quantity=24, limit=25, left_before=25, left_after=1, binds=True),
        UseTold("CN-BJ linked", quantity=24, limit=100, left_before=100, left_after=76, binds=False),
    ]
    assert list(explained.told.uses) == wanted
    explained = explain(ordered(linked, obligation.pk, (start, start + 40)), actor=actor, now=NOW)
    assert [(row.code, row.params["node"]) for row in explained.failures] == [(6006, "CN-BJ beijing")]
    assert [(row.left_after, row.binds) for row in explained.told.uses] == [(-7, True), (68, False)]


@pytest.mark.parametrize("world", [retiring], indirect=True)
def test_the_margin_is_booked_and_recomputed_when_a_surrender_is_reversed(linked: Pilot):
    city = linked["JP-13"]
    obligation = city.obligation("plant", emissions=10_000)
    start = first_serial(linked)
    one = [surrender(linked, obligation.pk, (start + n, start + n + 1)) for n in range(5)]
    row = Margin.objects.get(obligation=obligation)
    assert (row.quantity, row.value, row.margin, row.pooled) == (5, 4, 1, 0)
    undone = reverse(one[0].transaction_id, reason="an error", actor=city.officers[0], now=NOW)
    linked_approve(linked, undone)
    row.refresh_from_db()
    assert (row.quantity, row.value, row.margin) == (4, 3, 1)
    assert Quota.objects.get(kind="use", obligation=obligation).used == 3


def linked_approve(made: Pilot, outcome: Outcome) -> None:
    """Approve as a senior administrator of Tokyo."""
    assert approve(outcome.transaction_id, actor=made["JP-13"].officers[1], now=NOW).state == State.COMPLETED


@pytest.mark.parametrize("world", [pooling], indirect=True)
def test_a_pooled_margin_goes_to_the_margin_account(linked: Pilot):
    city = linked["JP-13"]
    obligation = city.obligation("plant", emissions=10_000)
    start = first_serial(linked)
    assert surrender(linked, obligation.pk, (start, start + 11)).state == State.COMPLETED
    # floor(11 * 4/5) is 8, so 3 are margin.
    pooled = UnitBlock.objects.filter(account=city.accounts["MRG"])
    assert sum((block.end_no or 0) - block.start_no for block in pooled) == 3
    row = Margin.objects.get(obligation=obligation)
    assert (row.quantity, row.value, row.margin, row.pooled) == (11, 8, 3, 3)
    # Four more are worth 4: floor(15 * 4/5) is 12, and nothing of them is margin.
    assert surrender(linked, obligation.pk, (start + 11, start + 15)).state == State.COMPLETED
    row.refresh_from_db()
    assert (row.quantity, row.value, row.margin, row.pooled) == (15, 12, 3, 3)


@pytest.mark.parametrize("world", [retiring], indirect=True)
def test_the_host_counts_what_foreign_units_are_worth(linked: Pilot):
    obligation = linked["JP-13"].obligation("plant", emissions=1_000)
    start = first_serial(linked)
    surrender(linked, obligation.pk, (start, start + 11))
    [standing] = obligations_of(linked["JP-13"].accounts["plant"].installation, at=NOW)
    assert (standing.units_surrendered, standing.surrendered) == (11, 8)


@pytest.mark.parametrize("world", [pooling], indirect=True)
def test_the_answer_the_record_and_the_log_tell_the_same_ranges(linked: Pilot):
    city = linked["JP-13"]
    obligation = city.obligation("plant", emissions=10_000)
    start = first_serial(linked)
    outcome = surrender(linked, obligation.pk, (start, start + 11))
    told = [(part.first, part.next, part.acquiring) for part in outcome.ranges]
    assert told == [(start + 8, start + 11, city["MRG"]), (start, start + 8, city["SUR"])]
    recorded = TransactionBlock.objects.filter(transaction=outcome.transaction_id).order_by("id")
    assert list(recorded.values_list("first_no", "next_no", "to_account__identifier")) == told
    body = json.loads(bytes(Entry.objects.filter(subject=str(outcome.transaction_id), registry="JP-13").get().body))
    assert [(row[3], row[4], row[6]) for row in body["content"]["ranges"]] == told
    assert (body["content"]["worth"], body["content"]["links"]) == (
        8,
        [["CNBJ", "JP-13", "JP-13", 0, "4/5", "4/5", 11]],
    )


@pytest.mark.parametrize("world", [pooling], indirect=True)
def test_what_waits_tells_the_same_ranges_when_explained_proposed_approved_and_read(linked: Pilot):
    """In every entry of both logs too, whatever was surrendered between the proposal and its approval."""
    city = linked["JP-13"]
    obligation = city.obligation("plant", emissions=10_000)
    account = city.accounts["plant"]
    start = first_serial(linked)
    order = ordered(linked, obligation.pk, (start, start + 4), (start + 10, start + 17))
    # 11 units are worth floor(11 * 4/5) = 8; the last 3 are margin.
    wanted = [
        (start, start + 4, city["SUR"]),
        (start + 10, start + 14, city["SUR"]),
        (start + 14, start + 17, city["MRG"]),
    ]
    assert told(explain(order, actor=city.people[0], now=NOW).ranges) == wanted
    account.one_person_surrender = False
    account.save(update_fields=["one_person_surrender"])
    outcome = propose(order, actor=city.people[0], now=NOW)
    assert (outcome.state, told(outcome.ranges)) == (State.AWAITING_APPROVAL, wanted)
    account.one_person_surrender = True
    account.save(update_fields=["one_person_surrender"])
    assert surrender(linked, obligation.pk, (start + 20, start + 24)).state == State.COMPLETED
    done = approve(outcome.transaction_id, actor=city.people[1], now=NOW)
    assert (done.state, told(done.ranges)) == (State.COMPLETED, wanted)
    read = transaction_of(city.officers[0], outcome.transaction_id)
    assert read is not None
    assert told(read.ranges) == wanted
    bodies = Entry.objects.filter(subject=str(outcome.transaction_id)).values_list("body", flat=True)
    logged = [json.loads(bytes(body))["content"]["ranges"] for body in bodies]
    assert len(logged) == 4
    assert all(sorted((row[3], row[4], row[6]) for row in ranges) == wanted for ranges in logged)


def told(ranges: Iterable[MovedRange]) -> list[tuple[int, int, str]]:
    """Return ranges by serial, each with the account that it goes to."""
    return sorted((moved.first, moved.next, moved.acquiring) for moved in ranges)
