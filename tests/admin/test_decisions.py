"""Decisions and orders in the administration: by the same operations as everywhere, with every reason, each at home."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User, UserRole
from accounts.rules.access import Role
from audit.models import Entry
from registry.models import Transaction, UnitBlock
from registry.operations.approve import approve
from registry.operations.outcome import Outcome
from registry.operations.propose import propose
from registry.operations.set_validity import set_validity
from registry.rules.proposal import Proposal
from tests.accounts import samples
from tests.admin.test_pages import signed_in
from tests.build import NOW, REGISTRY, Beijing, beijing
from tests.conftest import Own, begun_in, shared_by_module

SENIOR, JUNIOR = Role.SENIOR_REGISTRY_ADMINISTRATOR, Role.JUNIOR_REGISTRY_ADMINISTRATOR
WAITING = reverse("admin:registry_transaction_waiting")
ORDER = reverse("admin:registry_transaction_order")


def market() -> Beijing:
    made = beijing("ann", operators=("plant",))
    made.open("stranger", holder="somebody else")
    made.issue(1_000)
    made.move("ISS", "ann", 200)
    made.move("ISS", "plant", 100)
    return made


market_database = shared_by_module(market)


@pytest.fixture
def registry(market_database: Own[Beijing], db: None) -> Beijing:
    return begun_in(market_database)


def order(made: Beijing, **members: str) -> dict[str, str]:
    """What is entered for a transfer from the issuance account to the auction account, with other members as named."""
    entered = {"type": "10-50", "transferring_account": made["ISS"], "acquiring_account": made["AUC"]}
    return entered | {"unit_type": "BEA", "quantity": "10", "key": str(uuid4())} | members


def ordered(client: Client, made: Beijing, **members: str) -> Transaction:
    """Propose by order, and return what waits."""
    page = client.post(ORDER, order(made, **members) | {"propose": "yes"}, follow=True)
    assert page.redirect_chain, page.content.decode()
    return Transaction.objects.order_by("-id")[0]


def decide(client: Client, row: Transaction | Outcome, decision: str, **members: str) -> str:
    """Send a decision, and return the page that tells how it went."""
    pk = row.pk if isinstance(row, Transaction) else row.transaction_id
    address = reverse("admin:registry_transaction_decide", args=[pk])
    page = client.post(address, {"decision": decision, "key": str(uuid4())} | members, follow=True)
    assert page.status_code == 200
    return page.content.decode()


def shown(client: Client, row: Transaction | Outcome) -> str:
    pk = row.pk if isinstance(row, Transaction) else row.transaction_id
    return client.get(reverse("admin:registry_transaction_change", args=[pk])).content.decode()


def buttons(page: str) -> list[str]:
    return re.findall(r'name="decision" value="(\w+)"', page)


def state(row: Transaction) -> str:
    row.refresh_from_db()
    return row.state


@pytest.fixture
def junior(registry: Beijing) -> Client:
    return signed_in("junior", roles=((JUNIOR, registry),))


@pytest.fixture
def senior(registry: Beijing) -> Client:
    return signed_in("senior", roles=((SENIOR, registry),))


@pytest.fixture
def elsewhere(registry: Beijing) -> Client:
    client = signed_in("elsewhere")
    user = User.objects.get(username="elsewhere")
    UserRole.objects.create(user=user, role=SENIOR, jurisdiction=samples.jurisdiction("JP-13"))
    return client


def test_what_a_junior_orders_waits_for_a_senior_who_approves_it_on_its_page(registry, junior, senior):
    waiting = ordered(junior, registry)
    assert state(waiting) == "AWAITING_APPROVAL"
    assert buttons(shown(junior, waiting)) == ["withdraw"]
    assert buttons(shown(senior, waiting)) == ["approve", "refuse", "withdraw"]
    assert "Completed: 10 t CO2e." in decide(senior, waiting, "approve", reason="as agreed")
    assert state(waiting) == "COMPLETED"
    page = shown(junior, waiting)
    for told in ("awaiting approval", "completed", "as agreed", ">senior<"):
        assert told in page


@pytest.mark.parametrize(("decision", "ended"), [("refuse", "REJECTED"), ("withdraw", "CANCELLED")])
def test_refusing_and_withdrawing_say_why(registry, junior, senior, decision, ended):
    waiting = ordered(junior, registry)
    assert "Say why." in decide(senior, waiting, decision)
    assert state(waiting) == "AWAITING_APPROVAL"
    assert "free again" in decide(senior, waiting, decision, reason="a mistake")
    assert state(waiting) == ended
    assert "a mistake" in shown(senior, waiting)
    assert buttons(shown(senior, waiting)) == []
    assert "cannot be approved any more" in decide(senior, waiting, "approve")


def test_who_ordered_it_does_not_approve_it_and_no_junior_does(registry, junior, senior):
    own = ordered(senior, registry)
    assert buttons(shown(senior, own)) == ["withdraw"]
    assert "4013: This needs two persons" in decide(senior, own, "approve")
    assert "4012: You have no right to do this" in decide(junior, own, "approve")
    assert state(own) == "AWAITING_APPROVAL"
    assert Entry.objects.filter(event="transaction.step-refused").count() == 2


def test_administrators_do_not_approve_for_the_holder_but_may_withdraw(registry, senior):
    line = registry.line("ann", "stranger", 10)
    waiting = propose(Proposal("10-50", (line,)), actor=registry.representative, now=NOW)
    assert buttons(shown(senior, waiting)) == ["withdraw"]
    assert "4012" in decide(senior, waiting, "approve")
    approve(waiting.transaction_id, actor=registry.approver, now=NOW)
    assert buttons(shown(senior, waiting)) == ["withdraw"]
    assert "free again" in decide(senior, waiting, "withdraw", reason="an order of the court")


def test_a_completed_transfer_is_corrected_by_two(registry, junior, senior):
    moved = ordered(junior, registry, type="10-37", acquiring_account=registry["stranger"], quantity="20")
    decide(senior, moved, "approve")
    assert buttons(shown(junior, moved)) == ["reverse"]
    assert "5014" in decide(junior, moved, "reverse", reason="wrong account")
    page = decide(junior, moved, "reverse", reason="wrong account", reference="consent 7")
    assert "awaits the approval of another" in page
    correction = Transaction.objects.get(reverses=moved)
    assert (correction.type_id, correction.reference) == ("10-55", "consent 7")
    assert "Completed: 20 t CO2e." in decide(senior, correction, "approve")
    assert "5006" in decide(junior, moved, "reverse", reason="again", reference="consent 7")


def test_people_of_one_jurisdiction_see_and_do_nothing_in_another(registry, junior, elsewhere):
    waiting = ordered(junior, registry)
    moved = registry.move("ISS", "stranger", 20)
    rows = elsewhere.get(reverse("admin:registry_transaction_changelist")).context["cl"].result_list
    assert list(rows) == []
    for row in (waiting.pk, moved.transaction_id):
        for decision in ("approve", "refuse", "withdraw", "reverse"):
            address = reverse("admin:registry_transaction_decide", args=[row])
            assert elsewhere.post(address, {"decision": decision, "reason": "mine"}).status_code == 404
    assert str(waiting.pk) not in elsewhere.get(WAITING).content.decode()
    assert "(0)" in elsewhere.get("/admin/").content.decode()
    refused = elsewhere.post(ORDER, order(registry) | {"propose": "yes"})
    assert [error[:5] for error in refused.context["form"].non_field_errors()] == ["4001:"]
    assert state(waiting) == "AWAITING_APPROVAL"


def test_who_administers_nothing_does_nothing(registry, junior):
    waiting = ordered(junior, registry)
    auditor = signed_in("auditor", roles=((Role.AUDITOR, registry),))
    chief = signed_in("chief", superuser=True)
    for client in (auditor, chief):
        assert buttons(shown(client, waiting)) == []
        assert "4012" in decide(client, waiting, "approve") or client is chief
        assert client.get(ORDER).status_code == client.post(ORDER, order(registry)).status_code == 403
        assert "You are none." in client.get(WAITING).content.decode()
    assert Client().get(WAITING).status_code == Client().get(ORDER).status_code == 302
    assert signed_in("new").get(WAITING).status_code == 200
    assert state(waiting) == "AWAITING_APPROVAL"


def test_a_decision_is_posted_with_its_token_and_nothing_else(registry, junior, senior):
    waiting = ordered(junior, registry)
    address = reverse("admin:registry_transaction_decide", args=[waiting.pk])
    assert senior.get(address).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="senior"))
    assert strict.post(address, {"decision": "approve"}).status_code == 403
    for wrong in ("", "execute", "APPROVE"):
        decide(senior, waiting, wrong, reason="x")
    unknown = reverse("admin:registry_transaction_decide", args=[uuid4()])
    assert senior.post(unknown, {"decision": "approve"}).status_code == 404
    assert state(waiting) == "AWAITING_APPROVAL"
    for page in (shown(senior, waiting), senior.get(WAITING).content.decode(), senior.get(ORDER).content.decode()):
        assert page.count("<script") == page.count(' src="') - page.count("<img src=") + page.count(
            'type="application/json"'
        )
        assert "onclick" not in page
        assert "style=" not in page


def test_what_waits_for_a_senior_is_listed_oldest_first_with_its_expiry(registry, junior, senior):
    first, second = (ordered(junior, registry, quantity=quantity) for quantity in ("11", "12"))
    own = ordered(senior, registry, quantity="13")
    propose(Proposal("10-50", (registry.line("ann", "stranger", 10),)), actor=registry.representative, now=NOW)
    page = senior.get(WAITING).content.decode()
    places = [page.index(str(row.pk)) for row in (first, second, own)]
    assert places == sorted(places)
    assert page.count("<tr>\n<th><a ") == 3
    assert f"{first.expires_at:%Y-%m-%d %H:%M}" in page
    assert page.count("proposed by you") == 1
    index = senior.get("/admin/").content.decode()
    assert f'<a href="{WAITING}">What waits for me</a> (3)' in index
    decide(senior, first, "approve")
    assert str(first.pk) not in senior.get(WAITING).content.decode()


def test_a_long_list_of_what_waits_costs_as_many_statements_as_a_short_one(registry, junior, senior):
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            senior.get(WAITING)
        return len(captured)

    ordered(junior, registry)
    before = cost()
    for _ in range(5):
        ordered(junior, registry)
    assert cost() == before


def test_lists_show_when_what_waits_expires_or_is_due_and_are_narrowed_by_state_and_type(registry, junior, senior):
    waiting = ordered(junior, registry)
    address = reverse("admin:registry_transaction_changelist")
    found = senior.get(address, {"state": "AWAITING_APPROVAL", "type": "10-50"})
    assert [row.pk for row in found.context["cl"].result_list] == [waiting.pk]
    for chosen in ({"state": "DELAYED"}, {"type": "4-0"}, {"state": "\0"}, {"type": "'"}):
        assert list(senior.get(address, chosen).context["cl"].result_list) == []
    page = found.content.decode()
    assert "field-expires_at" in page
    assert "field-due_at" in page


def test_a_decision_that_is_sent_twice_is_taken_once(registry, junior, senior):
    waiting = ordered(junior, registry)
    [key] = re.findall(r'name="key" value="([^"]+)"', shown(senior, waiting))
    assert "Completed" in decide(senior, waiting, "approve", key=key)
    assert "Nothing was decided twice" in decide(senior, waiting, "approve", key=key)
    [key] = re.findall(r'name="key" value="([^"]+)"', shown(junior, waiting))
    for told in ("awaits the approval", "Nothing was decided twice"):
        assert told in decide(junior, waiting, "reverse", reason="wrong", reference="consent", key=key)
    assert Transaction.objects.filter(reverses=waiting).count() == 1
    assert Entry.objects.filter(event="transaction.step-refused").count() == 0


def test_a_form_that_is_sent_twice_is_one_order(registry, junior):
    entered = order(registry) | {"propose": "yes"}
    first = junior.post(ORDER, entered)
    again = junior.post(ORDER, entered, follow=True)
    assert again.redirect_chain == [(first["Location"], 302)]
    assert "This form was sent before" in again.content.decode()
    assert Transaction.objects.filter(type_id="10-50", acquiring=registry.accounts["AUC"]).count() == 1
    refused = junior.post(ORDER, order(registry, quantity="100000") | {"propose": "yes"})
    page = refused.content.decode()
    assert "4010" in page
    # Corrected, it is another order.
    [key] = re.findall(r'name="key" value="([^"]+)"', page)
    assert junior.post(ORDER, order(registry, quantity="5", key=key) | {"propose": "yes"}).status_code == 302


@pytest.mark.parametrize(
    "members",
    [
        {"type": "10-2"},
        {"type": "1-0"},
        {"transferring_account": "CNBJ-ISS-1000001-00"},
        {"acquiring_account": "somewhere"},
        {"acquiring_account": "\0"},
        {"quantity": "0"},
        {"quantity": "1.5"},
        {"quantity": str(10**30)},
        {"unit_type": ""},
        {"unit_type": "no such"},
        {"vintage": "1"},
        {"serial_blocks": "CNBJ-BEA-2026-1-1000-00 ; DROP"},
        {"type": "4-48", "reason": ""},
        {"client_reference": "x" * 101},
        {"key": "none"},
    ],
    ids=str,
)
@pytest.mark.parametrize("button", ["propose"])
def test_what_cannot_be_ordered_is_told_and_leaves_nothing(registry, junior, members, button):
    before = Transaction.objects.count()
    page = junior.post(ORDER, order(registry) | members | {button: "yes"})
    assert page.status_code == 200
    assert page.context["form"].errors
    assert Transaction.objects.count() == before


@pytest.mark.parametrize(
    ("kind", "sender", "acquirer", "reason"),
    [
        ("10-50", "ISS", "AUC", ""),
        ("10-37", "ISS", "stranger", ""),
        ("4-48", "ann", "MCN", "order 7"),
        ("4-99", "ann", "LAP", "the notice"),
    ],
)
def test_each_kind_of_order_is_carried_out_by_two(registry, junior, senior, kind, sender, acquirer, reason):
    if kind == "4-99":
        registry.open("LAP", type_code="LAP")
        unit_type, source = registry.unit_type, "a notice"
        set_validity(unit_type=unit_type, vintage=2026, valid_until=NOW, source=source, actor=REGISTRY, now=NOW)
    entered = {"type": kind, "transferring_account": registry[sender], "acquiring_account": registry[acquirer]}
    waiting = ordered(junior, registry, **entered, reason=reason)
    assert (waiting.type_id, waiting.reason, state(waiting)) == (kind, reason, "AWAITING_APPROVAL")
    decide(senior, waiting, "approve")
    assert state(waiting) == "COMPLETED"


def test_explaining_shows_every_check_and_changes_nothing(committed_db):
    registry = market()
    junior = signed_in("junior", roles=((JUNIOR, registry),))
    entries, blocks = Entry.objects.count(), UnitBlock.objects.count()
    page = junior.post(ORDER, order(registry) | {"explain": "yes"}).content.decode()
    for told in ("It would be accepted now", "another, senior administrator", "awaiting approval", "CNBJ-BEA-2026-"):
        assert told in page
    assert page.count("✓") > 20
    page = junior.post(ORDER, order(registry, quantity="100000") | {"explain": "yes"}).content.decode()
    assert "It would be refused now" in page
    assert "free units of BEA" in page
    assert (Entry.objects.count(), UnitBlock.objects.count()) == (entries, blocks)
    assert not Transaction.objects.filter(acquiring=registry.accounts["AUC"]).exists()
