"""The worked example of docs/linking.md: every figure of its tables comes out of the registry itself."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from linking.models import Margin, Quota
from linking.operations.suspend_corridor import suspend_corridor
from linking.rules.degrees import Degree
from linking.rules.documents import DelinkDocument, ResumeDocument
from linking.rules.rates import Rate, reissue_of, value_of
from linking.rules.terms import Direction
from registry.models import Holding, UnitBlock
from registry.operations.outcome import Refused
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal, SerialRange
from tests.linking.cities import NOW, Pilot, pilot

PAGE = Path(__file__).parents[2] / "docs" / "linking.md"
WAY = Direction("CN-BJ", "JP-13")
NODE = {
    "name": "linked",
    "within": None,
    "origins": ["CN-BJ"],
    "unit_types": [],
    "base": "verified-emissions",
    "numerator": 1,
    "denominator": 20,
    "window": "year",
}


def at_nine_tenths(policy: str = "honour") -> Pilot:
    """Link Beijing and Tokyo at 9/10: 100 units a year, a twentieth of emissions, delinked after 90 days by a policy."""
    made = pilot()
    made.agree(
        "CN-BJ",
        "JP-13",
        rate=(9, 10),
        entry_quota={"limit": 100, "measure": "units", "window": "year"},
        use_quota=[NODE],
        delinking={"policy": policy, "notice_days": 90, "sunset_days": 30, "under_way": "settle"},
    )
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000)
    made.raise_to(Degree.RESTRICTED, "CN-BJ", "JP-13")
    return made


def honouring() -> Pilot:
    """By honour."""
    return at_nine_tenths()


def sunsetting() -> Pilot:
    """By sunset."""
    return at_nine_tenths("sunset")


def reverting() -> Pilot:
    """By revert."""
    return at_nine_tenths("revert")


def freezing() -> Pilot:
    """By freeze."""
    return at_nine_tenths("freeze")


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Callable[[], Pilot]:
    return getattr(request, "param", honouring)


def said(title: str, *rows: tuple[str, object]) -> None:
    """Find rows in the table under a title of the page."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    for name, value in rows:
        assert f"| {name} | {value} |" in section, (title, name, value)


def codes(act: Callable[[], object]) -> str:
    """Return the codes of an act that is refused, or `done`."""
    try:
        act()
    except Refused as refusal:
        return ", ".join(sorted({str(row.code) for row in refusal.failures}))
    return "done"


def quota(made: Pilot, kind: str = "entry") -> Quota:
    return Quota.objects.get(kind=kind, corridor=made.corridor("CN-BJ", "JP-13"))


def held_in_tokyo(made: Pilot, name: str) -> int:
    held = Holding.objects.filter(account=made["JP-13"].accounts[name], series__origin=made["CN-BJ"].home)
    return sum(held.values_list("quantity", flat=True))


def surrender(made: Pilot, obligation: int, first: int, following: int, now: datetime = NOW) -> object:
    tokyo = made["JP-13"]
    serials = (SerialRange("CNBJ", first, following),)
    line = Line(tokyo["plant"], tokyo["SUR"], following - first, "CNBJ", "BEA", serials=serials)
    return propose(Proposal("10-2", (line,), obligation=obligation), actor=tokyo.people[0], now=now)


def test_eleven_units_at_nine_tenths(linked: Pilot):
    linked.send(("CN-BJ", "ann"), ("JP-13", "plant"), 11)
    offered = reissue_of(11, Rate(9, 10))
    said(
        "Eleven units at 9/10",
        ("units that enter, mirrored", held_in_tokyo(linked, "plant")),
        ("what they are worth in Tokyo, t", value_of(11, Rate(9, 10))),
        ("reissued: units that leave", offered.leaves),
        ("reissued: units that arrive", offered.arrives),
        ("reissued: units that stay", offered.stays),
        ("reissued: margin", offered.margin),
    )
    first = UnitBlock.objects.get(account=linked["JP-13"].accounts["plant"]).start_no
    linked.send(("JP-13", "plant"), ("CN-BJ", "ann"), 11, (first, first + 11), issuer="CN-BJ")
    said("Eleven units at 9/10", ("units that come home", 11 - held_in_tokyo(linked, "plant")))
    assert Holding.objects.get(account=linked["CN-BJ"].accounts["ann"]).quantity == 1_000
    assert quota(linked).used == 0


def test_beijing_units_surrendered_in_tokyo(linked: Pilot):
    obligation = linked["JP-13"].obligation("plant", emissions=1_000)
    linked.send(("CN-BJ", "ann"), ("JP-13", "plant"), 80)
    first = UnitBlock.objects.get(account=linked["JP-13"].accounts["plant"]).start_no
    surrender(linked, obligation.pk, first, first + 11)
    row = Margin.objects.get(obligation=obligation)
    use = Quota.objects.get(kind="use", obligation=obligation)
    said(
        "Beijing units surrendered in Tokyo",
        ("the plant's quota, a twentieth of 1,000 t", use.limit),
        ("11 units surrendered are worth, t", row.value),
        ("their margin, t", row.margin),
    )
    surrender(linked, obligation.pk, first + 11, first + 20)
    row.refresh_from_db()
    said(
        "Beijing units surrendered in Tokyo",
        ("20 units in two surrenders are worth, t", row.value),
        ("40 more units: refused by", codes(lambda: surrender(linked, obligation.pk, first + 20, first + 60))),
    )
    surrender(linked, obligation.pk, first + 20, first + 56)
    use.refresh_from_db()
    retired = UnitBlock.objects.filter(origin=linked["CN-BJ"].home, account=linked["JP-13"].accounts["SUR"])
    said(
        "Beijing units surrendered in Tokyo",
        ("36 more units use of the quota, t in all", use.used),
        ("Beijing's books: retired abroad", sum((row.end_no or 0) - row.start_no for row in retired)),
    )


def test_a_quota_filling(linked: Pilot):
    linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 60)
    waiting = linked.send(("CN-BJ", "ann"), ("JP-13", "far"), 30)
    row = quota(linked)
    said(
        "A quota filling",
        ("after 60 came and 30 wait: used", row.used),
        ("reserved", row.reserved),
        ("left", (row.limit or 0) - row.used - row.reserved),
        ("11 more: refused by", codes(lambda: linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 11))),
    )
    from registry.operations.withdraw import withdraw

    withdraw(waiting.transaction_id, actor=linked["CN-BJ"].people[0], now=NOW)
    first = UnitBlock.objects.get(account=linked["JP-13"].accounts["ann"], origin=linked["CN-BJ"].home).start_no
    linked.send(("JP-13", "ann"), ("CN-BJ", "ann"), 20, (first, first + 20), issuer="CN-BJ")
    row.refresh_from_db()
    said("A quota filling", ("after the 30 were withdrawn and 20 went home: left", (row.limit or 0) - row.used))


def test_a_corridor_suspended_with_units_abroad(linked: Pilot):
    linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 40)
    waiting = linked.send(("CN-BJ", "ann"), ("JP-13", "far"), 10)
    corridor = linked.corridor("CN-BJ", "JP-13")
    suspend_corridor(corridor.pk, reason="a price nobody understands", actor=linked["JP-13"].officers[0], now=NOW)
    first = UnitBlock.objects.get(account=linked["JP-13"].accounts["ann"], origin=linked["CN-BJ"].home).start_no
    said(
        "A corridor suspended with units abroad",
        ("another transfer to Tokyo: refused by", codes(lambda: linked.send(("CN-BJ", "ann"), ("JP-13", "ann"), 1))),
        ("the approval of one that waits: refused by", codes(lambda: linked.approve(waiting, "CN-BJ"))),
        (
            "15 units go home",
            codes(lambda: linked.send(("JP-13", "ann"), ("CN-BJ", "ann"), 15, (first, first + 15), issuer="CN-BJ")),
        ),
        ("Beijing units in Tokyo then", held_in_tokyo(linked, "ann")),
        ("Tokyo's own units to Beijing", codes(lambda: linked.send(("JP-13", "ann"), ("CN-BJ", "ann"), 5))),
    )
    linked.conclude(corridor.link, ResumeDocument(WAY, "understood"), "JP-13")
    said(
        "A corridor suspended with units abroad",
        ("the approval after two let it resume", codes(lambda: linked.approve(waiting, "CN-BJ"))),
    )


@pytest.mark.parametrize("world", [honouring, sunsetting, reverting, freezing], indirect=True)
def test_delinking_by_each_policy(linked: Pilot, world):
    obligation = linked["JP-13"].obligation("plant", emissions=1_000)
    linked.send(("CN-BJ", "ann"), ("JP-13", "plant"), 50)
    linked.conclude(linked.link("CN-BJ", "JP-13"), DelinkDocument(WAY, "the pilot ends"), "JP-13")
    first = UnitBlock.objects.get(account=linked["JP-13"].accounts["plant"]).start_no

    def acts(start: int, now: datetime) -> str:
        within = codes(lambda: surrender(linked, obligation.pk, first + start, first + start + 5, now))
        home = codes(
            lambda: linked.send(
                ("JP-13", "plant"),
                ("CN-BJ", "ann"),
                5,
                (first + start + 5, first + start + 10),
                issuer="CN-BJ",
                now=now,
            )
        )
        entry = codes(lambda: linked.send(("CN-BJ", "ann"), ("JP-13", "plant"), 1, now=now))
        return f"{within} | {home} | {entry}"

    name = world.__name__.removesuffix("ing")
    policy = {"honour": "honour", "sunsett": "sunset", "revert": "revert", "freez": "freeze"}[name]
    said(
        "Delinking by each policy",
        (f"{policy}, during the notice", acts(0, NOW + timedelta(days=89))),
        (f"{policy}, when the notice has ended", acts(10, NOW + timedelta(days=91))),
        (f"{policy}, 31 days later", acts(20, NOW + timedelta(days=122))),
    )
