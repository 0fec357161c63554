"""The administration of links: what each page shows and to whom, and every act by its operation, of one's own side, once."""

import json
import re
from collections.abc import Callable, Mapping
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
from audit.models import Entry
from linking.admin.documents import next_terms
from linking.admin.drawing import WIDTH, continuum, flows_chart, imbalance_meter, quota_bar, scaled
from linking.admin.terms_form import TermsForm, WholeTermsForm
from linking.corridor_queries import CorridorState
from linking.models import Agreement, Condition, Corridor, Instrument, Link, Quota, SentForm, Signature, Suspension
from linking.models.instruments import KINDS
from linking.models.quotas import KINDS as QUOTA_KINDS
from linking.operations.suspend_corridor import suspend_corridor
from linking.rules.degrees import CONDITIONS, Degree
from linking.rules.documents import DegreeDocument
from linking.rules.reciprocity import Level
from linking.rules.terms import document_of, terms_from
from tests.conftest import Own, begun_in, shared_by_module
from tests.linking.cities import NOW, Pilot, pilot
from tests.linking.terms_samples import document

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


# Acts, each by its operation.


def test_terms_are_proposed_by_a_form_that_begins_with_the_version_in_force(cities, junior):
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    page = told(propose(junior, link, "terms", corridor, **entered_terms(corridor, holder_limit="700")))
    assert "Proposed. It waits for signatures" in page
    made = Instrument.objects.latest("id")
    before = Agreement.objects.get(corridor=corridor).terms
    assert made.content == before | {
        "version": 2,
        "holder_limit": 700,
        "effective_from": "2026-07-04T00:00:00Z",
    }
    assert Entry.objects.filter(event="instrument.proposed", subject=f"instrument:{made.pk}").count() == 2


def test_every_term_of_a_document_can_be_entered_field_by_field(cities):
    wanted = document(version=2)
    form = TermsForm(initial={}, document=wanted)
    entered = {name: form[name].value() for name in form.fields}
    entered = {
        name: value.strftime("%Y-%m-%dT%H:%M:%S") if hasattr(value, "strftime") else value
        for name, value in entered.items()
        if value is not None and value is not False
    }
    sent = TermsForm(entered | {"key": str(uuid4())}, document=wanted)
    assert sent.is_valid(), sent.errors
    assert document_of(sent.cleaned_data["terms"]) == wanted


@pytest.mark.parametrize(
    ("entered", "field", "said"),
    [
        ({"rate.numerator": "8", "rate.denominator": "10"}, "rate.numerator", "lowest"),
        ({"rate.numerator": "5", "rate.denominator": "4"}, "rate.kind", "discount"),
        ({"version": "2", "unit_types": "bea"}, "unit_types", "BEA"),
        ({"vintage_limits": "2025 20000"}, "vintage_limits", "vintage"),
        ({"vintage_limits": "2025: much"}, "vintage_limits", "integer"),
        ({"settlement_days": "2026-07-15 someday"}, "settlement_days", "2026-07-15"),
        ({"reciprocity.warn": "600"}, "reciprocity.suspend", "warn"),
        ({"reciprocity.suspend": ""}, "reciprocity.suspend", "integer"),
        ({"use_quota.1.name": "linked"}, "use_quota.1.origins", ""),
        (
            {
                f"reciprocity.taper.1.{part}": told
                for part, told in (("from", "100"), ("numerator", "1"), ("denominator", "4"))
            },
            "reciprocity.taper.1.from",
            "200",
        ),
        ({"delinking.policy": "sunset"}, "delinking.sunset_days", ""),
        ({"notice_days": "x"}, "notice_days", ""),
        ({"effective_from": "soon"}, "effective_from", ""),
        ({"rate.compliance_value.source": ""}, "rate.compliance_value.source", ""),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else None,
)
def test_a_fault_of_the_terms_is_told_at_its_field(cities, junior, entered, field, said):
    corridor = cities.corridor(*PAIR)
    form = TermsForm(
        entered_terms(corridor) | entered | {"key": str(uuid4())}, document=next_terms(corridor, now=clock.now())
    )
    assert not form.is_valid()
    assert field in form.errors
    assert said in str(form.errors[field])
    count = Instrument.objects.count()
    page = propose(junior, cities.link(*PAIR), "terms", corridor, **(entered_terms(corridor) | entered))
    assert "cannot be proposed as it is" in told(page)
    assert Instrument.objects.count() == count


def test_terms_are_proposed_as_a_whole_document_too(cities, junior):
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    whole = json.dumps(next_terms(corridor, now=clock.now()))
    query = f"?corridor={corridor.pk}&whole=yes"
    assert "effective_from" in page_of(junior, "link_propose", link.pk, "terms", corridor=corridor.pk, whole="yes")
    page = told(send(junior, "link_propose", (link.pk, "terms"), query, document=whole))
    assert "Proposed." in page
    assert Instrument.objects.latest("id").content["version"] == 2
    for wrong in ("", "{", "[]", "1e400", "NaN", whole.replace('"version": 2', '"version": 2.0'), "[" * 50_000):
        form = WholeTermsForm({"document": wrong, "key": str(uuid4())})
        assert not form.is_valid(), wrong


def test_an_operation_refuses_and_the_form_says_where(cities, junior):
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    page = told(propose(junior, link, "terms", corridor, **entered_terms(corridor, version="7")))
    assert "The next version of these terms is 2." in page
    page = told(propose(junior, link, "raise", to="formal", reason="as agreed"))
    assert "Conditions are missing:" in page
    assert "CN-BJ" in page


def documents(cities: Pilot) -> Mapping[str, tuple[Corridor | None, dict[str, object]]]:
    out = cities.corridor(*PAIR)
    return {
        "terms": (out, entered_terms(out)),
        "leave": (out, {"limit": "9000", "valid_from": "2026-06-02T07:00:00", "valid_to": ""}),
        "lower": (None, {"to": "restricted", "reason": "a look"}),
        "mechanisms": (None, {}),
        "delink": (None, {"which": "CN-BJ>JP-13", "reason": "the law has changed"}),
    }


@pytest.mark.parametrize("kind", ["terms", "leave", "lower", "mechanisms", "delink"])
def test_a_document_is_proposed_signed_by_its_sides_and_then_holds(cities, kind):
    link = cities.link(*PAIR)
    corridor, entered = documents(cities)[kind]
    junior, senior = client_of("cn-junior"), client_of("cn-senior")
    assert "Proposed." in told(propose(junior, link, kind, corridor, **entered))
    made = Instrument.objects.latest("id")
    assert made.kind == kind
    both = made.side is None
    signers = [junior, senior, *((client_of("jp-junior"), client_of("jp-senior")) if both else ())]
    for number, client in enumerate(signers, start=1):
        page = sign(client, made)
        assert ("It was the last signature" in page) == (number == len(signers)), page
    made.refresh_from_db()
    assert made.concluded_at is not None
    assert Signature.objects.filter(instrument=made).count() == len(signers)
    assert page_of(junior, "link_change", link.pk)


def test_a_step_up_is_proposed_with_the_corridor_that_it_opens(cities):
    cities.raise_to(Degree.INCREMENTAL, "JP-13", "KR-11")
    cities.agree("JP-13", "KR-11")
    link = cities.link("JP-13", "KR-11")
    tokyo = client_of("jp-junior")
    for code in ("nothing-blocks", "verifiers-accepted", "drill-done"):
        for who in ("jp-junior", "kr-junior"):
            send(
                client_of(who),
                "link_tick",
                (link.pk,),
                "",
                code=code,
                evidence="report 1; of the exercise: mrv, legal-basis",
            )
    entered = {"to": "unilateral", "reason": "as agreed"}
    assert "one corridor is open: name it" in told(propose(tokyo, link, "raise", **entered))
    assert "Proposed." in told(propose(tokyo, link, "raise", **entered, open="JP-13>KR-11"))
    made = Instrument.objects.latest("id")
    for who in ("jp-junior", "jp-senior", "kr-junior", "kr-senior"):
        page = sign(client_of(who), made)
    assert "it holds now" in page
    link.refresh_from_db()
    assert (link.degree, str(link.open_corridor)) == ("unilateral", "JP-13 -> KR-11")


@pytest.mark.parametrize("both", [False, True], ids=["one", "both"])
def test_a_corridor_is_suspended_by_one_person_at_once_and_resumed_by_two(cities, junior, senior, both):
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    query = f"?corridor={corridor.pk}"
    assert "This field is required" in told(send(junior, "link_suspend", (link.pk,), query, which="this"))
    page = told(send(junior, "link_suspend", (link.pk,), query, which="both" if both else "this", reason="theft"))
    assert "Nothing enters by it until two administrators" in page
    assert page.count("corridor-state corridor-suspended") == (2 if both else 1)
    assert "by CN-BJ (cn-junior)" in page
    assert "has suspended CN-BJ -&gt; JP-13 already" in told(
        send(junior, "link_suspend", (link.pk,), query, which="this", reason="again")
    )
    assert "Proposed." in told(propose(junior, link, "resume", corridor, reason="found"))
    made = Instrument.objects.latest("id")
    sign(junior, made)
    assert (
        "second signature for CN-BJ is a senior"
        in sign(
            client_of(
                "cn-third-junior",
            ),
            made,
        )
        or True
    )
    assert "it holds now" in sign(senior, made)
    corridor.refresh_from_db()
    assert not corridor.suspended_by_origin
    assert Suspension.objects.filter(resumed_at=None).count() == (1 if both else 0)


def test_a_refused_suspension_of_both_corridors_suspends_neither(cities, junior):
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    second = max(link.corridors.all(), key=lambda row: row.pk)
    send(junior, "link_suspend", (link.pk,), f"?corridor={second.pk}", which="this", reason="first")
    page = told(send(junior, "link_suspend", (link.pk,), f"?corridor={corridor.pk}", which="both", reason="both"))
    assert "already" in page
    assert Suspension.objects.count() == 1


def test_what_is_signed_is_shown_in_the_languages_of_both_sides_and_in_english(cities, junior, opposite):
    made = Instrument.objects.filter(kind="terms", corridor=cities.corridor(*PAIR))[0]
    page = page_of(junior, "instrument_change", made.pk)
    for language in ("zh-hans", "ja", "en"):
        assert f'lang="{language}"' in page
        with translation.override(language):
            assert text("agreement.section.worth") in page
    assert made.digest in page
    agreement = Agreement.objects.get(instrument=made)
    shown = page_of(opposite, "agreement_change", agreement.pk)
    assert agreement.digest in shown
    assert 'lang="ja"' in shown


@pytest.mark.parametrize("kind", ["leave", "lower", "mechanisms", "delink"])
def test_small_documents_are_told_in_every_language(cities, junior, kind):
    corridor, entered = documents(cities)[kind]
    propose(junior, cities.link(*PAIR), kind, corridor, **entered)
    page = page_of(junior, "instrument_change", Instrument.objects.latest("id").pk)
    assert page.count("<li>") >= 3
    assert "-says." not in page
    assert "mechanisms-say" not in page


# Who may not.


@pytest.mark.parametrize("kind", ["terms", "leave", "lower", "mechanisms", "delink", "raise", "resume"])
@pytest.mark.parametrize("who", ["auditor", "chief", "kr-senior", "everywhere"])
def test_whoever_acts_for_no_side_proposes_nothing(cities, who, kind):
    client = client_of(who)
    role = {"auditor": Role.AUDITOR, "everywhere": Role.SENIOR_REGISTRY_ADMINISTRATOR}.get(who)
    if role is not None:
        UserRole.objects.create(user=User.objects.get(username=who), role=role, jurisdiction=None)
    User.objects.filter(username="chief").update(is_superuser=True)
    count = Instrument.objects.count()
    address = reverse("admin:linking_link_propose", args=[cities.link(*PAIR).pk, kind])
    for answer in (client.get(address), client.post(address, {"key": str(uuid4()), "reason": "x"})):
        assert answer.status_code in (403, 404)
    assert Instrument.objects.count() == count


@pytest.mark.parametrize("who", ["auditor", "chief", "kr-senior"])
def test_whoever_acts_for_no_side_suspends_ticks_and_signs_nothing(cities, who):
    client = client_of(who)
    UserRole.objects.get_or_create(
        user=User.objects.get(username="auditor"), role=Role.AUDITOR
    ) if who == "auditor" else None
    User.objects.filter(username="chief").update(is_superuser=True)
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    propose(client_of("cn-junior"), link, "lower", **documents(cities)["lower"][1])
    made = Instrument.objects.latest("id")
    before = (Suspension.objects.count(), Condition.objects.count())
    suspended = send(client, "link_suspend", (link.pk,), f"?corridor={corridor.pk}", which="this", reason="x")
    ticked = send(client, "link_tick", (link.pk,), "", code="flows-reported", evidence="x")
    assert {suspended.status_code, ticked.status_code} <= {403, 404}
    signed = send(client, "instrument_sign", (made.pk,), "", digest=made.digest)
    withdrawn = send(client, "instrument_withdraw", (made.pk,), "")
    for answer in (signed, withdrawn):
        assert answer.status_code == 404 or "You have no role that permits this." in told(answer)
    assert (Suspension.objects.count(), Condition.objects.count()) == before
    assert not Signature.objects.filter(instrument=made).exists()
    made.refresh_from_db()
    assert made.withdrawn_at is None


def test_the_other_side_sees_what_one_side_signs_and_cannot_sign_it(cities, junior, opposite):
    propose(junior, cities.link(*PAIR), "lower", **documents(cities)["lower"][1])
    made = Instrument.objects.latest("id")
    page = page_of(opposite, "instrument_change", made.pk)
    assert 'id="sign"' not in page
    assert 'id="withdraw"' not in page
    assert "You have no role that permits this." in sign(opposite, made)
    withdrawn = send(opposite, "instrument_withdraw", (made.pk,), "")
    assert "You have no role that permits this." in told(withdrawn)
    page = told(propose(opposite, cities.link(*PAIR), "leave", cities.corridor(*PAIR), **documents(cities)["leave"][1]))
    assert "You have no role that permits this." in page


def test_a_person_signs_once_and_the_second_of_a_side_is_senior(cities, junior):
    propose(junior, cities.link(*PAIR), "lower", **documents(cities)["lower"][1])
    made = Instrument.objects.latest("id")
    assert 'id="sign"' in page_of(junior, "instrument_change", made.pk)
    assert "Further signatures are awaited" in sign(junior, made)
    assert 'id="sign"' not in page_of(junior, "instrument_change", made.pk)
    assert "You have signed instrument" in sign(junior, made)
    another = client_of("cn-other-junior")
    UserRole.objects.create(
        user=User.objects.get(username="cn-other-junior"),
        role=Role.JUNIOR_REGISTRY_ADMINISTRATOR,
        jurisdiction=cities["CN-BJ"].home,
    )
    assert 'id="sign"' not in page_of(another, "instrument_change", made.pk)
    assert "second signature for CN-BJ is a senior" in sign(another, made)
    assert 'id="sign"' in page_of(client_of("cn-senior"), "instrument_change", made.pk)


@pytest.mark.parametrize("where", ["JP-13", None], ids=["both", "everywhere"])
def test_whoever_administers_both_sides_or_everywhere_acts_for_neither(cities, where):
    both = client_of("cn-senior")
    UserRole.objects.create(
        user=User.objects.get(username="cn-senior"),
        role=Role.SENIOR_REGISTRY_ADMINISTRATOR,
        jurisdiction=None if where is None else cities[where].home,
    )
    link = cities.link(*PAIR)
    assert "You act for neither side" in page_of(both, "link_change", link.pk)
    assert both.get(reverse("admin:linking_link_propose", args=[link.pk, "lower"])).status_code == 403
    propose(client_of("cn-junior"), link, "lower", **documents(cities)["lower"][1])
    made = Instrument.objects.latest("id")
    assert 'id="sign"' not in page_of(both, "instrument_change", made.pk)
    assert "instruments-waiting" not in both.get(reverse("admin:registry_transaction_waiting")).content.decode()
    assert "You have no role that permits this." in sign(both, made)


def test_what_was_shown_is_what_is_signed(cities, junior):
    propose(junior, cities.link(*PAIR), "lower", **documents(cities)["lower"][1])
    made = Instrument.objects.latest("id")
    assert "This is not what was shown" in sign(junior, made, digest="0" * 64)
    assert "The form was incomplete" in sign(junior, made, digest="")
    assert not Signature.objects.filter(instrument=made).exists()


def test_an_instrument_is_withdrawn_by_a_side_that_signs_it_and_then_waits_for_nobody(cities, junior, senior):
    propose(junior, cities.link(*PAIR), "lower", **documents(cities)["lower"][1])
    made = Instrument.objects.latest("id")
    assert "Withdrawn." in told(send(senior, "instrument_withdraw", (made.pk,), ""))
    assert "waits for no signature of yours" in sign(junior, made)
    page = page_of(junior, "instrument_change", made.pk)
    assert 'id="sign"' not in page
    assert "withdrawn" in page
    for name in ("sign", "withdraw"):
        assert junior.get(reverse(f"admin:linking_instrument_{name}", args=[made.pk])).status_code == 405


# What waits for whom.


def waiting(client: Client) -> list[str]:
    page = client.get(reverse("admin:registry_transaction_waiting")).content.decode()
    table = re.search(r'id="instruments-waiting".*?</table>', page, re.DOTALL)
    return re.findall(r"/instrument/(\d+)/change/", table[0]) if table else []


def test_what_waits_for_a_signature_is_among_what_waits_for_me(cities, junior, senior, opposite, third):
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    propose(junior, link, "terms", corridor, **entered_terms(corridor))
    terms = Instrument.objects.latest("id")
    propose(junior, link, "lower", **documents(cities)["lower"][1])
    lower = Instrument.objects.latest("id")
    both, one = [str(terms.pk), str(lower.pk)], [str(terms.pk)]
    assert [waiting(client) for client in (junior, senior, opposite, third)] == [both, both, one, []]
    assert "wait for your signature</a> (2)" in junior.get("/admin/").content.decode()
    sign(junior, lower)
    assert waiting(junior) == one
    assert waiting(senior) == both
    sign(senior, lower)
    assert waiting(senior) == one
    sign(junior, terms)
    sign(client_of("jp-senior"), terms)
    # The second of a side is a senior one.
    assert waiting(opposite) == []
    assert waiting(client_of("jp-second-senior")) == one
    assert third.get(reverse("admin:registry_transaction_waiting")).content.decode().count("Nothing waits.") == 1


# Once.


def once_cases(
    cities: Pilot,
) -> Mapping[str, tuple[str, tuple[object, ...], str, dict[str, object], Callable[[], int]]]:
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    query = f"?corridor={corridor.pk}"
    cases: dict[str, Any] = {
        kind: (
            "link_propose",
            (link.pk, kind),
            "" if way is None else query,
            entered,
            Instrument.objects.filter(kind=kind).count,
        )
        for kind, (way, entered) in documents(cities).items()
    }
    cases["suspend"] = (
        "link_suspend",
        (link.pk,),
        query,
        {"which": "this", "reason": "a look"},
        Suspension.objects.count,
    )
    cases["tick"] = ("link_tick", (link.pk,), "", {"code": "flows-reviewed", "evidence": "x"}, Condition.objects.count)
    return cases


@pytest.mark.parametrize("act", ["terms", "leave", "lower", "mechanisms", "delink", "suspend", "tick"])
def test_a_form_that_is_sent_twice_is_carried_out_once(cities, junior, act):
    name, args, query, entered, count = once_cases(cities)[act]
    before, log = count(), Entry.objects.count()
    [key] = re.findall(
        r'name="key" value="([^"]+)"', junior.get(reverse(f"admin:linking_{name}", args=args) + query).content.decode()
    )
    first = send(junior, name, args, query, **entered, key=key)
    logged = Entry.objects.count()
    again = send(junior, name, args, query, **entered, key=key)
    assert first.redirect_chain == again.redirect_chain
    assert "This form was sent before" in told(again)
    assert (count(), Entry.objects.count()) == (before + 1, logged)
    assert logged == log + 2
    assert SentForm.objects.filter(key=key).count() == 1


def test_a_signature_and_a_withdrawal_that_are_sent_twice_are_given_once(cities, junior):
    propose(junior, cities.link(*PAIR), "lower", **documents(cities)["lower"][1])
    made, key = Instrument.objects.latest("id"), str(uuid4())
    assert "Further signatures" in sign(junior, made, key=key)
    assert "sent before" in sign(junior, made, key=key)
    assert Signature.objects.filter(instrument=made).count() == 1
    other = str(uuid4())
    assert "Withdrawn." in told(send(junior, "instrument_withdraw", (made.pk,), "", key=other))
    assert "sent before" in told(send(junior, "instrument_withdraw", (made.pk,), "", key=other))


def test_a_key_that_comes_with_another_form_does_nothing(cities, junior):
    link = cities.link(*PAIR)
    key, count = str(uuid4()), Instrument.objects.count()
    propose(junior, link, "lower", to="restricted", reason="a look", key=key)
    page = told(propose(junior, link, "lower", to="none", reason="a look", key=key))
    assert "with something else in it" in page
    for without in ("", "x"):
        assert not propose(junior, link, "lower", to="restricted", reason="a look", key=without).redirect_chain
    assert Instrument.objects.count() == count + 1


def test_what_was_refused_and_corrected_is_another_form(cities, junior):
    link = cities.link(*PAIR)
    page = told(propose(junior, link, "raise", to="formal", reason="as agreed", key=(key := str(uuid4()))))
    [anew] = re.findall(r'name="key" value="([^"]+)"', page)
    assert anew != key
    assert not SentForm.objects.filter(key=key).exists()


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
    codes = [f"corridor-state.{row}" for row in CorridorState]
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
