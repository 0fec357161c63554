"""Acts upon links in the administration: each by its operation, of one's own side, refused with its reason, once."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts import clock
from accounts.models import User, UserRole
from accounts.rules.access import Role
from accounts.texts import text
from audit.models import Entry
from linking.admin.documents import next_terms
from linking.admin.terms_form import TermsForm, WholeTermsForm
from linking.models import Agreement, Condition, Corridor, Instrument, SentForm, Signature, Suspension
from linking.rules.degrees import Degree
from linking.rules.terms import document_of
from tests.admin.test_links import (  # noqa: F401
    PAIR,
    cities,
    client_of,
    entered_terms,
    junior,
    opposite,
    page_of,
    pages_database,
    propose,
    send,
    senior,
    sign,
    third,
    told,
)
from tests.linking.cities import Pilot
from tests.linking.terms_samples import document

# Fixtures of that file are parameters here, by the same names.
# ruff: noqa: F811


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
    assert "The next version of the terms of this corridor is 2." in page
    page = told(propose(junior, link, "raise", to="formal", reason="as agreed"))
    assert "The step lacks conditions:" in page
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
    assert "has suspended the corridor CN-BJ -&gt; JP-13 already" in told(
        send(junior, "link_suspend", (link.pk,), query, which="this", reason="again")
    )
    assert "Proposed." in told(propose(junior, link, "resume", corridor, reason="found"))
    made = Instrument.objects.latest("id")
    sign(junior, made)
    assert (
        "second signature of CN-BJ is a senior"
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
    assert "second signature of CN-BJ is a senior" in sign(another, made)
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
    assert "The document has another digest" in sign(junior, made, digest="0" * 64)
    assert "The form was incomplete" in sign(junior, made, digest="")
    assert not Signature.objects.filter(instrument=made).exists()


def test_an_instrument_is_withdrawn_by_a_side_that_signs_it_and_then_waits_for_nobody(cities, junior, senior):
    propose(junior, cities.link(*PAIR), "lower", **documents(cities)["lower"][1])
    made = Instrument.objects.latest("id")
    assert "Withdrawn." in told(send(senior, "instrument_withdraw", (made.pk,), ""))
    assert "takes no more of this" in sign(junior, made)
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
