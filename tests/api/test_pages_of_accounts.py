"""The pages of an account's transactions, walked forth and back, against the plain list of what moved."""

from urllib.parse import urlsplit

from django.db.models import Q

from registry.models import Transaction
from registry.rules.serials import format_block
from tests.api.conftest import Market


def touching(market: Market, name: str, **more: object) -> list[str]:
    side = Q(blocks__from_account=market.accounts[name]) | Q(blocks__to_account=market.accounts[name])
    found = Transaction.objects.filter(side, **more).distinct().order_by("-id")
    return [str(pk) for pk in found.values_list("id", flat=True)]


def walk(reader, address: str, link: str = "next") -> tuple[list[str], dict]:
    """The ids of all pages from an address on, and the last page."""
    ids: list[str] = []
    while True:
        page = reader.get(address).json()
        ids += [row["id"] for row in page["results"]]
        if page[link] is None:
            return ids, page
        parts = urlsplit(page[link])
        address = f"{parts.path}?{parts.query}"


def test_every_transaction_of_an_account_is_on_one_page_and_in_order(market: Market, ask):
    seller, buyer = ask("seller"), ask("buyer")
    first = seller.get(f"/api/v1/accounts/{market['seller']}/blocks").json()["results"][0]["first"]
    for place in range(4):
        # More ranges than a page has rows, in one transaction; a page is of transactions.
        base = first + 6 * place
        named = [format_block("CNBJ", "BEA", 2026, base + 2 * n, base + 2 * n + 1) for n in range(3)]
        answer = seller.order(market.order(unit_type=None, quantity=3, serial_blocks=named), key=f"out-{place}")
        assert answer.status_code == 201, answer.content
        back = market.order(transferring_account=market["buyer"], acquiring_account=market["seller"], quantity=1)
        assert buyer.order(back, key=f"back-{place}").status_code == 201
    expected = touching(market, "seller")
    assert len(expected) >= 9
    for size in (1, 2, 3, 100):
        for address in (
            f"/api/v1/transactions?limit={size}",
            f"/api/v1/transactions?account={market['seller']}&limit={size}",
        ):
            found, last = walk(seller, address)
            assert found == expected
            backwards, _ = walk(seller, _from(last), "previous") if last["previous"] else ([], last)
            assert set(backwards) == set(expected[: len(expected) - len(last["results"])])
    returned = touching(market, "seller", transferring=market.accounts["buyer"])
    narrowed, _ = walk(buyer, f"/api/v1/transactions?account={market['seller']}&type=10-50&limit=2")
    assert set(returned) < set(narrowed) <= set(touching(market, "buyer"))


def _from(page: dict) -> str:
    parts = urlsplit(page["previous"])
    return f"{parts.path}?{parts.query}"
