"""Links over HTTP: how they stand, what limits them, what crossed, what units abroad count as, and who may know what."""

from datetime import timedelta

import pytest

from accounts import clock
from accounts.models import User
from accounts.rules.keys import Scope
from linking.condition_queries import conditions_now
from linking.operations.suspend_corridor import suspend_corridor
from linking.operations.tick_condition import tick_condition
from linking.rules.degrees import Degree
from tests.api.conftest import key_for
from tests.api.linked import Linked, linked_market
from tests.api.test_statements import statements
from tests.conftest import begun_in, shared_by_module

API = "/api/v1"
links_database = shared_by_module(linked_market)


@pytest.fixture
def links(links_database, db) -> Linked:
    """The linked pilot, rolled back after the test."""
    found: Linked = begun_in(links_database)
    return found


def read(links: Linked, path: str, name: str = "nobody"):
    answer = links.ask(name).get(f"{API}/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def sent(links: Linked, quantity: int = 50) -> dict:
    answer = links.ask("cn").post(f"{API}/transactions", links.order(quantity), key=f"sent-{quantity}")
    assert answer.status_code == 201, answer.content
    outcome: dict = answer.json()
    return outcome


def quota(corridor: dict, kind: str) -> dict:
    return next(row for row in corridor["quotas"] if row["kind"] == kind)


def test_a_link_tells_its_degree_and_both_corridors_to_everybody_with_a_key(links):
    link = read(links, f"links/{links.link()}")
    assert (link["sides"], link["degree"], link["degree_text"]) == (["CN-BJ", "JP-13"], "reciprocal", "reciprocal")
    there, back = link["corridors"]
    assert (there["origin"], there["destination"], there["state"], there["rate"]) == ("CN-BJ", "JP-13", "open", "4/5")
    assert (back["state"], back["rate"], back["leave"]["limit"]) == ("open", "1/1", None)
    assert (there["agreement"]["version"], there["following"], there["end"]) == (1, None, None)
    assert link["margins"] == []
    assert links.ask("").get(f"{API}/links").status_code == 401


def test_quotas_of_which_nothing_was_used_are_told_too(links):
    there = read(links, f"corridors/{links.corridor()}")
    year = clock.now().year
    assert [(row["kind"], row["year"], row["vintage"], row["limit"], row["left"]) for row in there["quotas"]] == [
        ("entry", year, None, 200, 200),
        ("leave", year, None, 250, 250),
        ("vintage", year, 2026, 400, 400),
        ("net-flow", year, None, 500, 500),
    ]


def test_a_leave_is_counted_by_the_year_also_where_the_entry_quota_is_for_life(links):
    for_life = {"entry_quota": {"limit": 60, "measure": "units", "window": "life"}, "leave": 90}
    links.pilot.agree("CN-BJ", "KR-11", clock.now(), **for_life)
    links.pilot.raise_to(Degree.UNILATERAL, "CN-BJ", "KR-11", clock.now())
    order = links.order(20, acquiring_account=links.account("KR-11", "ann"))
    answer = links.ask("cn").post(f"{API}/transactions", order, key="out")
    assert answer.status_code == 201, answer.content
    year, corridor = clock.now().year, links.corridor("CN-BJ", "KR-11")
    wanted = {"entry": (0, 60, 20, 40), "leave": (year, 90, 20, 70), "net-flow": (year, None, 20, None)}
    rows = read(links, f"quotas?corridor={corridor}")["results"]
    assert all(row["current"] for row in rows)
    for told in (read(links, f"corridors/{corridor}")["quotas"], [row["quota"] for row in rows]):
        assert wanted == {row["kind"]: tuple(row[name] for name in ("year", "limit", "used", "left")) for row in told}


def test_what_enters_is_used_of_every_quota_and_moves_the_meter(links):
    sent(links, 61)
    there, back = read(links, f"links/{links.link()}")["corridors"]
    entry = quota(there, "entry")
    assert (entry["measure"], entry["used"], entry["left"]) == ("recognised", 49, 151)  # 61 at 4/5, rounded up.
    assert [quota(there, kind)["left"] for kind in ("leave", "vintage", "net-flow")] == [189, 339, 439]
    meter = there["meter"]
    assert (meter["level"], meter["imbalance"], meter["next_level"], meter["until_next"]) == ("warn", 61, "taper", 39)
    assert (back["meter"]["level"], back["meter"]["imbalance"]) == ("quiet", -61)
    assert quota(back, "net-flow")["opposite"] == 61
    sent(links, 40)
    there = read(links, f"corridors/{links.corridor()}")
    assert (there["meter"]["level"], there["meter"]["agreed_limit"]) == ("taper", 200)
    assert (quota(there, "entry")["limit"], quota(there, "entry")["left"]) == (100, 19)


def test_a_corridor_says_everything_that_stands_in_its_way(links):
    seoul = read(links, f"links/{links.link('CN-BJ', 'KR-11')}")
    assert seoul["corridors"][0]["states"] == ["no-terms", "no-leave", "closed"]
    assert seoul["corridors"][0]["rate"] is None
    officer = links.pilot["JP-13"].officers[0]
    suspend_corridor(links.corridor(), reason="a drill", actor=officer, now=clock.now())
    there = read(links, f"corridors/{links.corridor()}")
    assert (there["state"], there["state_text"]) == ("suspended", "suspended")
    assert [(row["side"], row["reason"]) for row in there["suspensions"]] == [("JP-13", "a drill")]
    assert read(links, f"corridors/{links.corridor('JP-13', 'CN-BJ')}")["state"] == "open"


def test_what_waits_is_counted_for_everybody_and_listed_for_the_staff_of_its_sides(links):
    order = links.order(30, acquiring_account=links.account("JP-13", "far"))
    waiting = links.ask("cn").post(f"{API}/transactions", order).json()
    assert waiting["state"] == "AWAITING_APPROVAL"
    path = f"links/{links.link()}"
    for name in ("nobody", "cn", "kr-senior"):
        told = read(links, path, name)
        assert (told["corridors"][0]["open_transfers"]["count"], told["transfers"]) == (1, None), name
    for name in ("cn-junior", "jp-senior"):
        told = read(links, path, name)
        assert told["corridors"][0]["open_transfers"]["units"] == 30
        [row] = told["transfers"]
        assert (row["transaction"], row["way"], row["units"], row["age_hours"]) == (waiting["id"], "entry", 30, 0)
        assert row["corridor"] == links.corridor()
    assert quota(told["corridors"][0], "entry")["reserved"] == 24


def test_the_conditions_of_the_next_step_are_met_missing_or_expired(links):
    officer, now = links.pilot["CN-BJ"].officers[0], clock.now()
    link = links.pilot.link("CN-BJ", "JP-13")
    step = read(links, f"links/{link.pk}")["next_step"]
    assert step["degree"] == "formal"
    assert {(row["code"], row["side"], row["standing"]) for row in step["conditions"]} == {
        ("instrument-named", "CN-BJ", "missing"),
        ("instrument-named", "JP-13", "missing"),
        ("one-to-one", None, "missing"),
        ("no-quota", None, "missing"),
    }
    tick_condition(link, code="instrument-named", evidence="a treaty", actor=officer, now=now)
    ticked = read(links, f"links/{link.pk}")["next_step"]["conditions"][0]
    assert (ticked["side"], ticked["standing"], ticked["ticked_at"] is not None) == ("CN-BJ", "met", True)
    assert not ticked["text"].startswith("condition.")


def test_a_tick_that_no_longer_counts_is_told_as_expired(links):
    link, officer = links.pilot.link("CN-BJ", "KR-11"), links.pilot["CN-BJ"].officers[0]
    for code in ("mechanism-listed", "mechanism-quota-set"):
        for side in ("CN-BJ", "KR-11"):
            tick_condition(link, code=code, evidence="test", actor=links.pilot[side].officers[0], now=clock.now())
    step = read(links, f"links/{link.pk}")["next_step"]
    assert {row["standing"] for row in step["conditions"]} == {"met"}
    long_ago = clock.now() - timedelta(days=400)
    tick_condition(link, code="contacts-named", evidence="test", actor=officer, now=long_ago)
    link.degree = Degree.INDIRECT
    found = conditions_now(link, now=clock.now())
    assert found.lapsed == ()
    told = {(row.code, row.side): row for row in found.next}
    assert told["contacts-named", "CN-BJ"].standing == "expired"
    assert told["contacts-named", "CN-BJ"].expires_at == long_ago + timedelta(days=365)
    assert told["contacts-named", "KR-11"].standing == "missing"


def test_what_has_lapsed_of_a_step_already_taken_is_told_until_it_is_renewed(links, monkeypatch):
    link, officer = links.pilot.link("CN-BJ", "JP-13"), links.pilot["CN-BJ"].officers[0]
    assert read(links, f"links/{link.pk}")["lapsed"] == []
    later = clock.now() + timedelta(days=366)
    monkeypatch.setattr(clock, "now", lambda: later)
    told = read(links, f"links/{link.pk}")
    # What counts for two years, and what never expires, stands; the degree stays what it is.
    codes = ("contacts-named", "readiness-compared", "drill-done", "flows-reported", "flows-reviewed")
    assert [(row["code"], row["side"]) for row in told["lapsed"]] == [
        (code, side) for code in codes for side in ("CN-BJ", "JP-13")
    ]
    assert {row["standing"] for row in told["lapsed"]} == {"expired"}
    assert told["degree"] == "reciprocal"
    tick_condition(link, code="drill-done", evidence="drill of the year", actor=officer, now=later)
    lapsed = {(row["code"], row["side"]) for row in read(links, f"links/{link.pk}")["lapsed"]}
    assert ("drill-done", "CN-BJ") not in lapsed
    assert ("drill-done", "JP-13") in lapsed


def test_a_holders_quota_is_for_who_may_know_of_the_holder(links):
    sent(links, 50)
    path = f"quotas?corridor={links.corridor()}&kind=holder"
    for name in ("jp", "jp-junior", "jp-senior"):
        [row] = read(links, path, name)["results"]
        assert (row["quota"]["limit"], row["quota"]["used"], row["quota"]["left"]) == (300, 50, 250), name
        assert row["holder"] == "holder of organisation"
    for name in ("nobody", "kr-senior", "cn-junior"):
        assert read(links, path, name)["results"] == [], name
    others = {row["quota"]["kind"] for row in read(links, f"quotas?link={links.link()}")["results"]}
    assert others == {"entry", "leave", "vintage", "net-flow"}


def test_quotas_are_filtered_and_say_which_window_is_nows(links):
    sent(links, 50)
    [row] = read(links, f"quotas?kind=entry&year={clock.now().year}&corridor={links.corridor()}")["results"]
    assert (row["current"], row["origin"], row["quota"]["left"]) == (True, "CN-BJ", 160)
    assert read(links, "quotas?year=1999")["results"] == []
    assert links.ask("nobody").get(f"{API}/quotas?kind=all").status_code == 400


def test_flows_are_sums_by_month_and_direction(links):
    before = clock.now()
    first = sent(links, 61)
    sent(links, 24)
    serials = [first["serial_blocks"][0]["block"]]
    home = {
        "type": "3-0",
        "transferring_account": links.account("JP-13", "ann"),
        "acquiring_account": links.account("CN-BJ", "bob"),
        "quantity": 61,
        "serial_blocks": serials,
    }
    assert links.ask("jp").post(f"{API}/transactions", home, key="home").status_code == 201
    [row] = read(links, f"flows?link={links.link()}")["results"]
    assert (row["origin"], row["destination"], row["entered"], row["returned"]) == ("CN-BJ", "JP-13", 85, 61)
    assert (row["entered_recognised"], row["returned_recognised"]) == (68, 48)
    assert read(links, f"flows?as_of={before:%Y-%m-%dT%H:%M:%S}Z")["results"] == []
    assert read(links, f"flows?corridor={links.corridor('JP-13', 'CN-BJ')}")["results"] == []
    there = read(links, f"corridors/{links.corridor()}")
    assert quota(there, "entry")["used"] == 49 + 20 - 48


def test_an_agreement_is_told_with_terms_digest_and_signatures(links):
    [found] = read(links, f"agreements?corridor={links.corridor()}&standing=in-force")["results"]
    told = read(links, f"agreements/{found['id']}")
    assert (told["version"], told["standing"], told["terms"]["rate"]["numerator"]) == (1, "in-force", 4)
    assert told["digest"] == found["digest"]
    sides = [row["side"] for row in told["signatures"]]
    assert (sorted(sides), len({row["user"] for row in told["signatures"]})) == (["CN-BJ"] * 2 + ["JP-13"] * 2, 4)
    assert all(row["user"].startswith("user:") for row in told["signatures"])
    assert read(links, "agreements?standing=over")["results"] == []


def test_an_agreement_is_read_in_the_languages_of_both_sides_or_in_one(links):
    [found] = read(links, f"agreements?corridor={links.corridor()}")["results"]
    whole = read(links, f"agreements/{found['id']}/text")
    assert whole["languages"] == ["zh-hans", "ja", "en"]
    english = read(links, f"agreements/{found['id']}/text?language=en")
    assert english["digest"] == found["digest"]
    assert found["digest"] in english["text"]
    assert english["text"] in whole["text"]
    assert links.ask("nobody").get(f"{API}/agreements/{found['id']}/text?language=fr").status_code == 400


def test_any_unit_says_what_it_counts_as_by_which_terms(links):
    abroad = sent(links, 50)["serial_blocks"][0]
    at_home = abroad["first"] - 1 or abroad["last"] + 1
    [told] = read(links, f"recognitions?registry=CNBJ&serial={abroad['first']}")["results"]
    assert (told["numerator"], told["denominator"], told["issuer"], told["host"]) == (4, 5, "CN-BJ", "JP-13")
    assert (told["version"], told["window"], told["corridor"]) == (1, clock.now().year, links.corridor())
    assert len(told["digest"]) == 64
    assert read(links, f"recognitions/{told['id']}") == told
    assert read(links, "recognitions")["results"] == read(links, "recognitions?registry=CNBJ")["results"] == [told]
    assert read(links, "recognitions?registry=JP13")["results"] == []
    [home] = read(links, f"recognitions?registry=CNBJ&serial={at_home}")["results"]
    assert (home["id"], home["numerator"], home["denominator"], home["host"]) == (0, 1, 1, None)
    assert read(links, "recognitions?registry=CNBJ&serial=5000")["results"] == []
    for path in ("recognitions/77", f"recognitions/{2**40}"):
        assert links.ask("nobody").get(f"{API}/{path}").status_code == 404, path
    assert links.ask("nobody").get(f"{API}/recognitions?serial=1").status_code == 400


def test_what_is_not_there_is_not_found(links):
    for path in ("links/9999", "corridors/9999", "agreements/9999", "agreements/9999/text", "instruments/9999"):
        assert links.ask("cn-senior").get(f"{API}/{path}").status_code == 404, path


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("links", 12),
        ("corridors", 10),
        ("quotas?kind=net-flow", 12),
        ("flows", 4),
        ("agreements", 3),
        ("recognitions", 5),
        ("instruments", 4),
    ],
)
def test_a_list_costs_as_many_statements_for_many_rows_as_for_one(links, path, most):
    sent(links, 50)
    links.pilot.link("JP-13", "KR-11")
    reader = links.ask("jp-senior")
    read(links, "links", "jp-senior")  # The first use of a key is written down.
    of_one = {"flows": f"corridor={links.corridor()}"}.get(path, "limit=1")
    with_one = statements(lambda: reader.get(f"{API}/{path}{'&' if '?' in path else '?'}{of_one}"))
    with_all = statements(lambda: reader.get(f"{API}/{path}"))
    assert len(with_all) <= len(with_one) <= most, with_one


def test_a_link_is_read_in_as_many_statements_however_much_was_signed(links):
    path = f"{API}/links/{links.link()}"
    read(links, "links", "cn-senior")  # The first use of a key is written down.
    few = len(statements(lambda: links.ask("cn-senior").get(path)))
    for code in ("instrument-named", "flows-reviewed", "flows-reported"):
        for side in ("CN-BJ", "JP-13"):
            officer = links.pilot[side].officers[0]
            link = links.pilot.link("CN-BJ", "JP-13")
            tick_condition(link, code=code, evidence="x", actor=officer, now=clock.now())
    sent(links, 50)
    assert len(statements(lambda: links.ask("cn-senior").get(path))) == few


def test_a_link_asked_for_again_is_not_sent_again(links):
    path = f"{API}/corridors/{links.corridor()}"
    first = links.ask("nobody").get(path)
    assert links.ask("nobody").get(path, If_None_Match=first["ETag"]).status_code == 304


def test_a_key_without_the_scope_reads_no_link(links):
    links.keys["only-transact"] = key_for(User.objects.get(username="nobody"), Scope.TRANSACT)
    assert links.ask("only-transact").get(f"{API}/links").status_code == 403
