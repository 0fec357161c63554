"""The administration of trusted accounts: looked at by everybody who may, changed by the same operations as everywhere."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, TrustedAccount, User
from accounts.rules.account_types import HolderKind
from audit.models import Entry
from tests.accounts import samples
from tests.trusted.people import ABROAD, Trust, open_for

LIST = reverse("admin:accounts_trustedaccount_changelist")
ACCOUNTS = reverse("admin:accounts_account_changelist")


def signed_in(name: str) -> Client:
    user = User.objects.get(username=name)
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client


def act(client: Client, action: str, row: TrustedAccount | Account, address: str = LIST, reason: str = "") -> str:
    """Choose an action for a row, and return the page that tells how it went."""
    chosen = {"action": action, "_selected_action": [row.pk], "reason": reason}
    return client.post(address, chosen, follow=True).content.decode()


def state(row: TrustedAccount) -> str:
    row.refresh_from_db()
    return row.state


@pytest.fixture
def administrative(listed: Trust) -> Trust:
    listed.account = open_for(listed.home, samples.holder(HolderKind.AUTHORITY, "The city"), "auction", "AUC")
    return listed


def test_a_second_senior_approves_for_an_administrative_account(administrative: Trust) -> None:
    row = administrative.request("senior", trusted=ABROAD)
    assert "does not decide it" in act(signed_in("senior"), "approve", row)
    assert state(row) == "REQUESTED"
    assert "done" in act(signed_in("senior-two"), "approve", row)
    assert state(row) == "APPROVED"


def test_an_account_is_removed_by_order_and_only_with_its_reason(listed: Trust) -> None:
    row = listed.decide(listed.request())
    client = signed_in("junior")
    assert "Name the order" in act(client, "remove", row, reason=" ")
    assert state(row) == "APPROVED"
    assert "done" in act(client, "remove", row, reason="order 7")
    assert (state(row), row.removal_reason) == ("REMOVED", "order 7")


def test_nobody_approves_for_people_whom_they_do_not_represent(listed: Trust) -> None:
    row = listed.request()
    assert "You have no role that permits this." in act(signed_in("senior"), "approve", row)
    assert state(row) == "REQUESTED"


def test_the_list_is_found_by_either_account_and_shown_with_the_account(listed: Trust) -> None:
    row = listed.request(trusted=ABROAD, note="our subsidiary")
    client = signed_in("senior")
    for term in (ABROAD, listed.account.identifier):
        assert [found.pk for found in client.get(LIST, {"q": term}).context["cl"].result_list] == [row.pk]
    page = client.get(reverse("admin:accounts_account_change", args=[listed.account.pk])).content.decode()
    assert ABROAD in page
    assert "our subsidiary" in page


@pytest.mark.parametrize("name", ["one_person_surrender", "one_person_trusted_transfer", "trusted_only"])
def test_an_option_is_set_with_its_reason_and_logged(listed: Trust, name: str) -> None:
    client = signed_in("junior")
    for action, chosen in ((f"{name}_on", True), (f"{name}_off", False)):
        assert "Name the order" in act(client, action, listed.account, ACCOUNTS)
        assert "done" in act(client, action, listed.account, ACCOUNTS, "letter 7")
        listed.account.refresh_from_db()
        assert getattr(listed.account, name) is chosen
    assert Entry.objects.filter(event="account.options-set").count() == 2
