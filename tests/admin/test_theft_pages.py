"""Notices and cases of theft in the administration: who reads them, who acts, and that a form is carried out once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import clock
from linking.models import Notice, TheftCase
from registry.models import Freeze
from tests.admin.test_links import client_of, page_of, send, told
from tests.conftest import Own, begun_in, shared_by_module
from tests.linking.cities import NOW
from tests.linking.thefts import Chase, chase


def confirmed_theft() -> Chase:
    """Two holds in Tokyo of what Beijing froze; the first is confirmed."""
    made = chase()
    made.sent(1, 101, "bob")
    made.sent(201, 301, "plant")
    made.freeze(1, 401)
    made.confirm(made.holds()[0])
    return made


pages_database = shared_by_module(confirmed_theft)


@pytest.fixture
def theft(pages_database: Own[Chase], db: None, monkeypatch: pytest.MonkeyPatch) -> Chase:
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=2))
    return begun_in(pages_database)


def entered(theft: Chase, **changes: object) -> dict[str, object]:
    victim = theft.pilot["CN-BJ"]["ann"]
    said = {"acquired_for_value": "yes", "evidence": "contract seen", "victim": victim, "reference": "court order 12"}
    return said | changes


def proposed(theft: Chase) -> TheftCase:
    return theft.case(theft.holds()[0], for_value=True, victim="ann", reference="court order 12")


def test_a_notice_tells_both_cities_its_ranges_basis_expiry_and_what_became_of_the_holds(theft):
    notice = Notice.objects.get()
    for reader in ("cn-junior", "jp-junior"):
        page = page_of(client_of(reader), "notice_changelist")
        assert "police file 7" in page
        assert "1–100" in page
        page = page_of(client_of(reader), "notice_change", notice.pk)
        assert "police file 7" in page
        assert "1–100" in page
        assert "confirmed" in page
        assert "stands" in page


def test_the_freeze_of_the_other_city_is_named_but_its_page_is_not_linked(theft):
    hold, notice = theft.holds()[0], Notice.objects.get()
    address = reverse("admin:registry_freeze_change", args=[hold.pk])
    assert address in page_of(client_of("jp-junior"), "notice_change", notice.pk)
    assert address not in page_of(client_of("cn-junior"), "notice_change", notice.pk)


def test_a_third_city_sees_neither_notices_nor_cases(theft):
    case, third = proposed(theft), client_of("kr-senior")
    for name, pk in (("notice_change", Notice.objects.get().pk), ("theftcase_change", case.pk)):
        assert third.get(reverse(f"admin:linking_{name}", args=[pk])).status_code != 200
    assert "court order 12" not in page_of(third, "theftcase_changelist")


def test_a_case_is_proposed_by_a_form_sent_twice_once(theft):
    hold, client, key = theft.holds()[0], client_of("jp-junior"), str(uuid4())
    assert "The units go home" in page_of(client, "theftcase_propose", hold.pk)
    first = told(send(client, "theftcase_propose", (hold.pk,), "", **entered(theft, key=key)))
    assert "Another, senior administrator decides it" in first
    send(client, "theftcase_propose", (hold.pk,), "", **entered(theft, key=key))
    assert TheftCase.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"victim": ""}, "Name the account in the registry that issued"),
        ({"reference": ""}, "reference"),
        ({"evidence": ""}, "required"),
    ],
    ids=["no account", "no reference", "no evidence"],
)
def test_a_case_that_lacks_something_is_refused_with_its_reason(theft, changes, said):
    page = told(
        send(client_of("jp-junior"), "theftcase_propose", (theft.holds()[0].pk,), "", **entered(theft, **changes))
    )
    assert said in page
    assert not TheftCase.objects.exists()


@pytest.mark.parametrize("who", ["cn-senior", "kr-senior"])
def test_only_administrators_where_the_units_lie_propose_decide_and_withdraw(theft, who):
    hold, client = theft.holds()[0], client_of(who)
    assert send(client, "theftcase_propose", (hold.pk,), "", **entered(theft)).status_code == 403
    case = proposed(theft)
    for act in ("decide", "withdraw"):
        assert send(client, f"theftcase_{act}", (case.pk,), "").status_code in {403, 404}
    case.refresh_from_db()
    assert case.decided_at is None
    assert case.withdrawn_at is None


def test_another_senior_person_decides_and_the_units_go_home(theft):
    case, client, key = proposed(theft), client_of("jp-senior"), str(uuid4())
    page = page_of(client, "theftcase_change", case.pk)
    assert "moves 100 units" in page
    assert "contract and payment seen" in page
    assert "Decided." in told(send(client, "theftcase_decide", (case.pk,), "", key=key))
    assert "Decided." not in told(send(client, "theftcase_decide", (case.pk,), "", key=key))
    assert theft.holder(1) == ("CN-BJ", "ann")


def test_who_proposed_a_case_finds_no_way_to_decide_it_and_is_refused(theft):
    case, client = proposed(theft), client_of("jp-junior")
    assert 'id="decide"' not in page_of(client, "theftcase_change", case.pk)
    send(client, "theftcase_decide", (case.pk,), "")
    case.refresh_from_db()
    assert case.decided_at is None


def test_a_case_is_withdrawn_and_the_units_stay_frozen(theft):
    case = proposed(theft)
    assert "Withdrawn." in told(send(client_of("jp-junior"), "theftcase_withdraw", (case.pk,), ""))
    assert Freeze.objects.get(pk=case.freeze_id).released_at is None


def test_the_evidence_is_for_readers_of_the_city_that_decides(theft):
    case = proposed(theft)
    assert "contract and payment seen" not in page_of(client_of("cn-senior"), "theftcase_change", case.pk)


def test_what_waits_for_me_has_the_cases_of_another_that_one_may_decide(theft):
    proposed(theft)
    waiting = reverse("admin:registry_transaction_waiting")
    for who, waits in (("jp-senior", True), ("jp-junior", False), ("cn-senior", False)):
        assert ("cases-waiting" in client_of(who).get(waiting).content.decode()) is waits


@pytest.mark.parametrize("name", ["notice_changelist", "theftcase_changelist"])
def test_lists_ask_no_more_statements_for_more_rows(theft, name):
    proposed(theft)
    client = client_of("jp-senior")
    page_of(client, name)
    with CaptureQueriesContext(connection) as few:
        page_of(client, name)
    theft.sent(501, 601, "bob")
    theft.freeze(501, 601)
    second = theft.holds()[-1]
    theft.confirm(second)
    theft.case(second, for_value=False, victim="ann", reference="court order 13")
    with CaptureQueriesContext(connection) as many:
        page_of(client, name)
    assert len(many) == len(few)
