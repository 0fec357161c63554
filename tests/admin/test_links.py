"""The administration of links: what each page shows and to whom, each number drawn as it is told. Acts: test_link_acts.py."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from accounts import clock
from accounts.models import User, UserRole
from accounts.rules.access import Role
from accounts.texts import text
from linking.admin.documents import next_terms
from linking.admin.drawing import WIDTH, continuum, flows_chart, imbalance_meter, quota_bar, scaled
from linking.admin.terms_form import TermsForm
from linking.flow_queries import flows
from linking.models import Agreement, Corridor, Instrument, Link, Quota
from linking.models.instruments import KINDS
from linking.models.quotas import KINDS as QUOTA_KINDS
from linking.operations.suspend_corridor import suspend_corridor
from linking.queries import corridors, corridors_now
from linking.quota_list_queries import holder_quotas
from linking.rules.degrees import CONDITIONS, Degree
from linking.rules.documents import DegreeDocument
from linking.rules.reciprocity import Level
from linking.rules.standing import Standing
from linking.rules.terms import terms_from
from tests.conftest import Own, begun_in, shared_by_module
from tests.linking.cities import NOW, Pilot, pilot

PAIR = ("CN-BJ", "JP-13")
CLAUSE = {"warn": 200, "taper": [{"from": 300, "numerator": 1, "denominator": 2}], "suspend": 500}


def pages_of_links() -> Pilot:
    """Beijing and Tokyo reciprocal, with quotas and a clause; units went both ways, one transfer waits. Seoul is not linked."""
    made = pilot()
    made.agree(
        "CN-BJ",
        "JP-13",
        rate=(4, 5),
        leave=5_000,
        entry_quota={"limit": 1_000, "measure": "units", "window": "year"},
        vintage_limits={"2026": 800},
        holder_limit=600,
        reciprocity=CLAUSE,
    )
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000_000)
    made.raise_to(Degree.RECIPROCAL, *PAIR)
    made.link("JP-13", "KR-11")
    out = made.send(("CN-BJ", "ann"), ("JP-13", "ann"), 250)
    made.send(("JP-13", "ann"), ("CN-BJ", "ann"), 30)
    serials = (out.ranges[0].first, out.ranges[0].first + 10)
    made.send(("JP-13", "ann"), ("CN-BJ", "bob"), 10, serials, issuer="CN-BJ")
    made.send(("CN-BJ", "ann"), ("JP-13", "far"), 100)
    return made


pages_database = shared_by_module(pages_of_links)


@pytest.fixture
def cities(pages_database: Own[Pilot], db: None, monkeypatch: pytest.MonkeyPatch) -> Pilot:
    # The pages read the registry's clock; here it stands where the pilot's acts were done.
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=27))
    return begun_in(pages_database)


def client_of(name: str) -> Client:
    """Sign somebody of the pilot in, who may look at everything that their roles let them read."""
    user, _ = User.objects.get_or_create(username=name, defaults={"password": "!"})
    User.objects.filter(pk=user.pk).update(is_staff=True)
    readers, _ = Group.objects.get_or_create(name="readers")
    readers.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    user.groups.add(readers)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


@pytest.fixture
def junior(cities: Pilot) -> Client:
    return client_of("cn-junior")


@pytest.fixture
def senior(cities: Pilot) -> Client:
    return client_of("cn-senior")


@pytest.fixture
def opposite(cities: Pilot) -> Client:
    return client_of("jp-junior")


@pytest.fixture
def third(cities: Pilot) -> Client:
    return client_of("kr-senior")


def page_of(client: Client, name: str, *args: object, **query: object) -> str:
    found = client.get(reverse(f"admin:linking_{name}", args=args), query)
    assert found.status_code == 200, found
    return found.content.decode()


def send(client: Client, name: str, args: tuple[object, ...], query: str, **entered: object) -> Any:
    """Send a form once, with a key of its own unless one is given."""
    address = reverse(f"admin:linking_{name}", args=args) + query
    return client.post(address, {"key": str(uuid4())} | entered, follow=True)


def told(page: Any) -> str:
    return re.sub(r"\s+", " ", page.content.decode())


def propose(client: Client, link: Link, kind: str, corridor: Corridor | None = None, **entered: object) -> Any:
    query = "" if corridor is None else f"?corridor={corridor.pk}"
    return send(client, "link_propose", (link.pk, kind), query, **entered)


def sign(client: Client, instrument: Instrument, **entered: object) -> str:
    return told(send(client, "instrument_sign", (instrument.pk,), "", **({"digest": instrument.digest} | entered)))


def entered_terms(corridor: Corridor, **changes: object) -> dict[str, object]:
    """What a person sees in the form of the next terms, with other values as named by their paths."""
    form = TermsForm(initial={}, document=next_terms(corridor, now=clock.now()))
    entered: dict[str, object] = {}
    for name in form.fields:
        value = form[name].value()
        if hasattr(value, "strftime"):
            value = value.strftime("%Y-%m-%dT%H:%M:%S")
        if value is not None and value is not False:
            entered[name] = value
    return entered | changes


# What is shown, and to whom.


def test_the_list_shows_every_link_with_its_degree_and_both_corridors(cities, third):
    page = page_of(client_of("jp-senior"), "link_changelist")
    assert "reciprocal" in page
    assert page.count("corridor-line") == 4
    assert page.count("corridor-open") == 2
    assert page.count("corridor-no-terms") == 2
    # Seoul's staff see Seoul's link, and not the one between the other two.
    assert page_of(third, "link_changelist").count("corridor-line") == 2


def test_a_page_shows_what_is_there_and_the_staff_of_a_third_city_do_not_see_it(cities, junior, third):
    link = cities.link(*PAIR)
    page = page_of(junior, "link_change", link.pk)
    for wanted in ("4/5", "cn-junior (CN-BJ)", "awaiting approval", "1 d 3 h", "You act for CN-BJ"):
        assert wanted in re.sub(r"\s+", " ", page), wanted
    assert third.get(reverse("admin:linking_link_change", args=[link.pk])).status_code == 302
    for name in ("agreement", "instrument"):
        row = (Agreement if name == "agreement" else Instrument).objects.filter(pk__gt=0)[0]
        assert third.get(reverse(f"admin:linking_{name}_change", args=[row.pk])).status_code == 302
    assert third.get(reverse("admin:linking_link_suspend", args=[link.pk])).status_code == 404
    auditor = client_of("auditor")
    UserRole.objects.create(user=User.objects.get(username="auditor"), role=Role.AUDITOR, jurisdiction=None)
    assert "you only look" in page_of(auditor, "link_change", link.pk)


def test_only_readers_of_the_destination_learn_which_holder_brought_in_how_much(cities, junior, opposite):
    link = cities.link(*PAIR)
    assert "holder of organisation" not in page_of(junior, "link_change", link.pk)
    assert "holder of organisation" in page_of(opposite, "link_change", link.pk)


def test_a_transfer_is_opened_by_the_readers_of_its_sending_registry(cities, junior, opposite):
    link = cities.link(*PAIR)
    way = "/admin/registry/transaction/"
    assert re.search(rf'href="{way}[0-9a-f-]+/change/"', page_of(junior, "link_change", link.pk))
    assert not re.search(rf'href="{way}[0-9a-f-]+/change/"', page_of(opposite, "link_change", link.pk))


def test_seouls_caveat_is_said_on_the_pages_of_its_links(cities, third, junior):
    link = cities.link("JP-13", "KR-11")
    cities.agree("JP-13", "KR-11")
    made = Instrument.objects.latest("id")
    assert "K-ETS" in page_of(third, "link_change", link.pk)
    assert "K-ETS" in page_of(third, "instrument_change", made.pk)
    assert "K-ETS" in page_of(third, "agreement_change", Agreement.objects.get(instrument=made).pk)
    assert "K-ETS" not in page_of(junior, "link_change", cities.link(*PAIR).pk)


def numbers(page: str, section: str) -> list[list[str]]:
    """The cells of the tables of a section, row by row."""
    found = re.search(rf'<section[^>]*id="{section}".*?</section>', page, re.DOTALL)
    assert found, section
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", found[0], re.DOTALL)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]


def test_quotas_say_what_the_database_counts_and_are_drawn_so(cities, opposite):
    corridor = cities.corridor(*PAIR)
    page = page_of(opposite, "link_change", cities.link(*PAIR).pk)
    rows = [
        [re.split("<br", cell)[0] for cell in row] for row in numbers(page, f"corridor-{corridor.pk}") if len(row) == 4
    ]
    # 250 in and 10 home again, 100 reserved. The imbalance is 310: the entry quota is tapered to the half.
    assert rows == [
        ["240", "100", "160", "500"],
        ["240", "100", "4,660", "5,000"],
        ["240", "100", "460", "800"],
        ["240", "0", "360", "600"],
        ["0", "100", "500", "600"],
    ]
    entry = Quota.objects.get(kind="entry", corridor=corridor)
    assert (entry.used, entry.reserved) == (240, 100)
    assert f'<rect class="bar-used" width="{240 * WIDTH // 500}"' in page
    assert f'<rect class="bar-reserved" x="{240 * WIDTH // 500}" width="{100 * WIDTH // 500}"' in page
    assert "agreed 1,000" in re.sub(r"\s+", " ", page)


def test_flows_are_drawn_as_their_table_says(cities, junior):
    page = page_of(junior, "link_change", cities.link(*PAIR).pk)
    rows = [row for row in numbers(page, "flows") if len(row) == 4]
    assert len(rows) == 13
    assert rows[-2] == rows[-1] == ["250", "10", "30", "0"]
    drawn = re.findall(r"<title>(\d{4}-\d\d), (\S+ -&gt; \S+), ([^:]+): ([\d,]+)</title>", page)
    by_month = {(month, corridor, way): units for month, corridor, way, units in drawn}
    assert len(drawn) == len(by_month) == 12 * 4
    columns = [(c, way) for c in ("CN-BJ -&gt; JP-13", "JP-13 -&gt; CN-BJ") for way in ("Entered", "Went home")]
    months = sorted({month for month, *_ in by_month})
    assert [[by_month[month, *column] for column in columns] for month in months] == rows[:-1]


def test_flows_before_the_months_shown_are_not_read(cities):
    corridor = cities.corridor(*PAIR)
    [(entered, units)] = [(row.month, row.entered) for row in flows([corridor.pk], as_of=clock.now())]
    assert units == 250
    assert [row.month for row in flows([corridor.pk], as_of=clock.now(), since=NOW)] == [entered]
    assert flows([corridor.pk], as_of=clock.now(), since=clock.now()) == []


def test_of_many_holders_those_that_used_most_are_shown_and_the_others_counted(cities):
    corridor = cities.corridor(*PAIR)
    standing = corridors_now(corridors().filter(pk=corridor.pk), now=clock.now())
    every, none = holder_quotas(standing, most=3)
    rows = [(quota.used, quota.reserved, quota.limit) for _, quota in every[corridor.pk]]
    assert (rows, none) == ([(240, 0, 600), (0, 100, 600)], 0)
    first, more = holder_quotas(standing, most=1)
    assert (first[corridor.pk], more) == (every[corridor.pk][:1], 1)


def test_the_imbalance_stands_on_the_meter_where_its_number_says(cities, junior):
    page = re.sub(r"\s+", " ", page_of(junior, "link_change", cities.link(*PAIR).pk))
    # 250 entered, 10 went home, 100 are reserved; 30 came the other way.
    assert "<strong>310</strong> t CO2e: tapering. 190 more until: suspended." in page
    assert "warning 200 · tapering 300 · suspended 500" in page
    assert "Imbalance 310</text>" in page


def test_conditions_of_the_next_step_say_who_has_ticked_them_and_who_has_not(cities, junior):
    page = page_of(junior, "link_change", cities.link(*PAIR).pk)
    rows = numbers(page, "conditions")
    cells = [re.sub(r"<[^>]+>|\s+", " ", " ".join(row)) for row in rows if row]
    assert len(cells) == 4  # the instrument's name by both sides, and two that the registry computes
    assert all("missing" in cell for cell in cells)
    send(junior, "link_tick", (cities.link(*PAIR).pk,), "", code="instrument-named", evidence="Protocol 7")
    page = page_of(junior, "link_change", cities.link(*PAIR).pk)
    cells = [re.sub(r"<[^>]+>|\s+", " ", " ".join(row)) for row in numbers(page, "conditions") if row]
    assert "Protocol 7" in cells[0]
    assert "missing" not in cells[0]
    assert "missing" in cells[1]


def test_to_unilateral_each_corridor_has_its_own_conditions(cities):
    cities.raise_to(Degree.INCREMENTAL, "JP-13", "KR-11")
    page = page_of(client_of("kr-junior"), "link_change", cities.link("JP-13", "KR-11").pk)
    assert page.count("If the step opens") == 2


@pytest.mark.parametrize("who", ["cn-junior", "jp-senior", "auditor", "chief"])
def test_pages_cost_as_many_statements_however_much_there_is(cities, who):
    client = client_of(who)
    if who == "auditor":
        UserRole.objects.create(user=User.objects.get(username=who), role=Role.AUDITOR, jurisdiction=None)
    User.objects.filter(username="chief").update(is_superuser=True)
    link = cities.link(*PAIR)

    def cost() -> list[int]:
        counts = []
        for address in (
            reverse("admin:linking_link_changelist"),
            reverse("admin:linking_link_change", args=[link.pk]),
            reverse("admin:linking_instrument_changelist"),
            reverse("admin:linking_instrument_change", args=[Instrument.objects.filter(kind="terms")[0].pk]),
            reverse("admin:linking_agreement_changelist"),
            reverse("admin:linking_agreement_change", args=[Agreement.objects.all()[0].pk]),
            reverse("admin:registry_transaction_waiting"),
            "/admin/",
        ):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200
            counts.append(len(captured))
        return counts

    before = cost()
    corridor = cities.corridor(*PAIR)
    for _ in range(3):
        cities.send(("CN-BJ", "ann"), ("JP-13", "ann"), 5)
        cities.send(("CN-BJ", "ann"), ("JP-13", "far"), 5)
        lowering = DegreeDocument(Degree.RECIPROCAL, Degree.RESTRICTED, None, "a test's step")
        cities.conclude(link, lowering, "CN-BJ")
        cities.raise_to(Degree.RECIPROCAL, *PAIR)
    suspend_corridor(corridor.pk, reason="a look", actor=cities["CN-BJ"].officers[0], now=NOW)
    after = cost()
    assert [abs(a - b) <= 0 for a, b in zip(before, after, strict=True)] == [True] * len(after), (before, after)


# Drawings.


def test_a_bar_is_as_long_as_its_number_and_what_is_there_is_seen():
    assert [scaled(value, 1_000, 100) for value in (0, 1, 10, 505, 1_000, 2_000)] == [0, 1, 1, 50, 100, 100]
    assert scaled(5, 0, 100) == 0
    over = quota_bar(100, 50, 150)
    assert 'class="bar-limit" x1="500"' in over
    assert 'class="bar-used" width="0"' in quota_bar(0, 0, 0)


@pytest.mark.parametrize("degree", list(Degree))
@pytest.mark.parametrize("language", ["en", "zh-hans", "ja", "ko"])
def test_the_continuum_marks_one_step_and_names_all(degree, language):
    with translation.override(language):
        drawn = continuum(degree)
        names = {text(f"degree.{row}") for row in Degree}
    assert drawn.count("is-present") == drawn.count("▲") == 1
    assert drawn.count("is-reached") == degree.rank
    assert len(names) == 7
    assert all(name in drawn for name in names)


def test_a_chart_without_flows_and_a_meter_below_nought_are_drawn():
    nothing = [("2026-06", 0, 0)]
    assert 'height="0"' in flows_chart(("a", nothing), ("b", nothing))
    drawn = imbalance_meter(-40, [(200, Level.WARN), (500, Level.SUSPEND)])
    assert "Imbalance -40" in drawn
    assert drawn.count("zone-label") == 2


def test_there_is_no_inline_style_or_script_in_a_drawing_or_page(cities, junior):
    page = page_of(junior, "link_change", cities.link(*PAIR).pk)
    assert " style=" not in page
    assert not re.search(r"<script(?![^>]*src=)[^>]*>", page)


@pytest.mark.parametrize("language", ["en", "zh-hans", "ja", "ko"])
def test_states_kinds_and_quotas_have_names(language):
    codes = [f"corridor-standing.{row}" for row in Standing]
    codes += [f"instrument.{row}" for row in KINDS]
    codes += [f"instrument-state.{row}" for row in ("open", "concluded", "withdrawn")]
    codes += [f"quota.{row}" for row in QUOTA_KINDS]
    codes += [f"condition.{row.code}" for row in CONDITIONS]
    with translation.override(language):
        assert [code for code in codes if text(code) == code] == []


def test_every_text_of_the_pages_is_there(cities, junior, opposite):
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    propose(junior, link, "terms", corridor, **entered_terms(corridor))
    pages = [
        page_of(junior, "link_change", link.pk),
        page_of(junior, "link_changelist"),
        page_of(junior, "instrument_change", Instrument.objects.latest("id").pk),
        page_of(opposite, "agreement_change", Agreement.objects.all()[0].pk),
        page_of(junior, "link_suspend", link.pk, corridor=corridor.pk),
        page_of(junior, "link_tick", link.pk),
        opposite.get(reverse("admin:registry_transaction_waiting")).content.decode(),
        *(
            page_of(junior, "link_propose", link.pk, kind, corridor=corridor.pk)
            for kind in ("terms", "leave", "raise", "lower", "mechanisms", "resume", "delink")
        ),
    ]
    for page in pages:
        shown = re.sub(r"<[^>]*>", " ", page)
        assert not re.search(r"\b(link|quota|instrument|degree|condition|term|agreement)\.[a-z]", shown)


def test_terms_from_reads_what_the_form_begins_with(cities):
    for corridor in Corridor.objects.filter(agreements__isnull=False):
        assert terms_from(next_terms(corridor, now=clock.now())).version == 2
