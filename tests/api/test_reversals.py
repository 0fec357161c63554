"""Undoing over HTTP: by a registry administrator alone, once for each key, decided by a second one."""

from collections.abc import Callable

from accounts.models import Jurisdiction, User, UserRole
from accounts.rules.access import Role
from registry.models import Transaction
from tests.accounts import samples
from tests.api.conftest import Asked, Market, key_for

REASON = {"reason": "entered twice by the office", "reference": "consent 7"}


def sold(market: Market, ask: Callable[[str], Asked]) -> str:
    """Return the address at which a completed sale is reversed."""
    return f"{ask('seller').order(market.order())['Location']}/reverse"


def administrator(market: Market, ask: Callable[[str], Asked], name: str, where: Jurisdiction | None = None) -> Asked:
    user = samples.user(name)
    home = where or market.home
    UserRole.objects.create(user=user, role=Role.SENIOR_REGISTRY_ADMINISTRATOR, jurisdiction=home)
    market.keys[name] = key_for(user)
    return ask(name)


def test_a_sale_is_corrected_when_a_second_administrator_agrees(market, ask):
    address = sold(market, ask)
    proposed = ask("administrator").post(address, REASON)
    assert proposed.status_code == 201, proposed.content
    correction = proposed.json()
    assert (correction["type"], correction["state"]) == ("10-55", "AWAITING_APPROVAL")
    assert address == f"/api/v1/transactions/{correction['reverses']}/reverse"
    approve = f"{proposed['Location']}/approve"
    own = ask("administrator").post(approve, {}, key="k-2")
    assert (own.status_code, own.json()["code"]) == (422, 4013)
    done = administrator(market, ask, "second").post(approve, {}, key="k-2")
    assert (done.status_code, done.json()["state"]) == (200, "COMPLETED")
    assert done.json()["serial_blocks"][0]["acquiring_account"] == market["seller"]


def test_the_same_request_again_makes_no_second_reversal(market, ask):
    address = sold(market, ask)
    first, again = (ask("administrator").post(address, REASON) for _ in range(2))
    assert again.content == first.content
    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
    other = ask("administrator").post(address, REASON, key="k-2")
    # Its units are reserved by the first, too.
    assert (other.status_code, [error["code"] for error in other.json()["errors"]]) == (422, [4009, 5006])
    assert Transaction.objects.filter(type_id="10-55").count() == 1


def test_others_are_told_that_it_was_not_found(market, ask):
    address = sold(market, ask)
    elsewhere = administrator(market, ask, "elsewhere", market.elsewhere)
    auditor = User.objects.get(username="nobody")
    UserRole.objects.create(user=auditor, role=Role.AUDITOR, jurisdiction=market.home)
    for asked in (ask("seller"), ask("buyer"), ask("stranger"), ask("nobody"), elsewhere):
        answer = asked.post(address, REASON, key="k-9")
        assert (answer.status_code, answer.json()["type"]) == (404, "/api/problems/not-found")
    assert not Transaction.objects.filter(type_id="10-55").exists()


def test_a_reversal_says_why_and_brings_a_key(market, ask):
    address = sold(market, ask)
    administrator = ask("administrator")
    assert administrator.post(address, {}).status_code == 400
    assert administrator.post(address, {"reason": ""}).status_code == 400
    assert administrator.post(address, {"reason": " "}, key="k-2").json()["code"] == 2012
    assert administrator.post(address, REASON | {"at_once": True}).status_code == 400
    assert administrator.post(address, REASON, key=None).status_code == 428
    unknown = administrator.post("/api/v1/transactions/01900000-0000-7000-8000-000000000001/reverse", REASON)
    assert unknown.status_code == 404


def test_what_nothing_undoes_is_refused_with_its_reason(market, ask):
    issued = Transaction.objects.get(type_id="1-0")
    answer = ask("administrator").post(f"/api/v1/transactions/{issued.pk}/reverse", REASON)
    assert (answer.status_code, answer.json()["code"]) == (422, 5014)
