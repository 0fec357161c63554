"""The API tells of deadlines that are near wherever it shows what waits."""

from datetime import timedelta

from django.test import Client

from accounts import clock
from registry.models import Obligation
from tests.accounts import samples
from tests.api.conftest import Asked, give, key_for, make_market, open_for, represent

DAY = timedelta(days=1)


def test_the_api_warns_in_the_proposal_the_dry_run_the_transaction_and_the_list(committed_db):
    market = make_market(strangers=True)
    account = open_for(market, "operator", "OHA")
    for name in ("operator", "operator-second"):
        user = samples.user(name)
        represent(account, user)
        market.keys[name] = key_for(user)
    give(market, "issuance", "operator", 60)
    owed = Obligation.objects.create(
        jurisdiction=market.home, installation=account.installation, year=2025, due_at=clock.now() + DAY,
        eligible_until_vintage=2026,
    )  # fmt: skip
    order: dict[str, object] = {
        "type": "10-2",
        "transferring_account": market["operator"],
        "acquiring_account": market["surrendered"],
    }
    order |= {"unit_type": "BEA", "quantity": 45, "obligation": owed.pk}
    first, second = (Asked(market.keys[name], Client()) for name in ("operator", "operator-second"))
    explained = first.post("/api/v1/transactions?dry_run=true", order)
    proposed = first.order(order)
    assert (explained.status_code, proposed.status_code) == (200, 201)
    read = second.get(f"/api/v1/transactions/{proposed.json()['id']}").json()
    listed = second.get("/api/v1/transactions").json()["results"][0]
    for answer in (explained.json()["terms"], proposed.json(), read, listed):
        assert [warning["code"] for warning in answer["warnings"]] == ["surrender-deadline-near"]
        assert answer["warnings"][0]["text"].startswith("The surrender deadline is near")
        assert answer["warnings"][0]["deadline"] == owed.due_at.isoformat().replace("+00:00", "Z")
