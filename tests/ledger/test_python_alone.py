"""What Python refuses while PostgreSQL's guards are out: the checks do not lean on them."""

from collections.abc import Iterator
from typing import Any

import pytest

from registry.models import Obligation
from registry.operations.issue import issue
from registry.operations.outcome import Refused
from tests.build import NOW, REGISTRY
from tests.ledger.standing import Standing, standing
from tests.ledger.test_ways_around import crowded, shut

# Acts of the ledger's own operations, and the code with which they are refused.
REFUSALS: dict[str, tuple[tuple[Any, ...], dict[str, Any], int]] = {
    "more than there is": (("ann", "bob", 181), {}, 4010),
    "another's serials": (("ann", "cid", 10, (801, 811)), {}, 4008),
    "serials never issued": (("ann", "bob", 10, (5_001, 5_011)), {}, 4008),
    "serials that end outside": (("ann", "bob", 20, (731, 751)), {}, 4008),
    "reserved serials": (("ann", "bob", 10, (601, 611)), {}, 4009),
    "reserved units": (("ann", "bob", 171), {}, 4010),
    "frozen serials": (("bob", "cid", 10, (801, 811)), {}, 4009),
    "frozen units": (("bob", "cid", 10), {}, 4010),
    "surrendered serials": (("SUR", "cid", 10, (751, 761)), {}, 5010),
    "units out of the surrender account": (("SUR", "cid", 10), {}, 4006),
    "units into the surrender account": (("ann", "SUR", 10), {}, 4007),
    "units into a closed account": (("ann", "shut", 10), {}, 4004),
    "units into another registry": (("ann", "Tokyo", 10), {}, 4017),
    "one account on both sides": (("ann", "ann", 10), {}, 4005),
    "nothing": (("ann", "bob", 0), {}, 2003),
    "less than nothing": (("ann", "bob", -10), {}, 2003),
    "a sum that is not its ranges'": (("ann", "bob", 11, (621, 631)), {}, 2006),
    "ranges that overlap": (("ann", "bob", 20, (621, 631), (626, 636)), {}, 2005),
    "a reversed range": (("ann", "bob", 10, (631, 621)), {}, 2004),
    "another's obligation": (("mill", "SUR", 10), {"type_code": "10-2", "year": 2025}, 5015),
    "a vintage too young": (("mill", "SUR", 10, (741, 751)), {"type_code": "10-2", "year": 2024}, 5004),
    "no obligation": (("mill", "SUR", 10), {"type_code": "10-2"}, 2011),
}


@pytest.fixture(scope="module")
def unguarded(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Standing]:
    """601-610 of ann's reserved, bob's frozen, and no trigger of the ledger at work any more."""

    with standing(django_db_blocker, crowded) as place:
        shut(place.owner)
        waiting = (
            "INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity,"
            " proposed_at, due_at) SELECT '01900000-0000-7000-8000-000000000009', '10-50', 'DELAYED', s.jurisdiction_id, s.id,"
            " b.id, 10, now(), now() FROM accounts_account s, accounts_account b WHERE (s.name, b.name) = ('ann', 'bob')",
            "INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, from_account_id,"
            " to_account_id) SELECT t.id, t.jurisdiction_id, 601, 611, s.id, t.transferring_id, t.acquiring_id"
            " FROM registry_transaction t, registry_series s WHERE t.state = 'DELAYED'",
        )
        with place.owner.transaction():
            for statement in waiting:
                place.owner.execute(statement)
        for table in ("unitblock", "holding", "transaction", "transactionblock", "issue", "issuancecap"):
            place.owner.execute(f"ALTER TABLE registry_{table} DISABLE TRIGGER USER")
        yield place


@pytest.mark.parametrize("act", REFUSALS)
def test_python_refuses_by_itself(unguarded, act):
    arguments, more, code = REFUSALS[act]
    if "year" in more:
        more = {"type_code": more["type_code"], "obligation": Obligation.objects.get(year=more["year"]).pk}
    with pytest.raises(Refused) as refused:
        unguarded.made.move(*arguments, **more)
    assert code in [failure.code for failure in refused.value.failures]


@pytest.mark.parametrize("quantity", [10**12, 10**15 - 1])
def test_python_refuses_to_issue_beyond_the_cap_by_itself(unguarded, quantity):
    made = unguarded.made
    with pytest.raises(Refused) as refused:
        issue(cap_id=made.caps[2026].pk, acquiring=made["ISS"], quantity=quantity, actor=REGISTRY, now=NOW)
    assert 5001 in [failure.code for failure in refused.value.failures]
