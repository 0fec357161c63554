"""verify_ledger finds each way in which a link can be wrong and calls it by its name, with every guard switched off."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import Account
from linking.models import Margin, Quota, QuotaUse
from linking.rules.degrees import Degree
from linking.verification import EQUATIONS
from registry.models import UnitBlock
from registry.operations.approve import approve
from registry.operations.execute import execute
from registry.operations.outcome import Outcome
from registry.operations.propose import propose
from registry.operations.refuse import refuse
from registry.operations.reverse import reverse
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.states import State
from registry.verification import Verified, verify, verify_all
from tests.linking.cities import NOW, REGISTRY, Pilot, pilot

LINKED = {
    "name": "linked",
    "within": None,
    "origins": ["CN-BJ"],
    "unit_types": [],
    "base": "verified-emissions",
    "numerator": 1,
    "denominator": 2,
    "window": "year",
}


def moved() -> Pilot:
    """Link Beijing and Tokyo with all quotas in use: units went out, home, were surrendered, restored, refused, and one waits."""
    made = pilot()
    made.agree(
        "CN-BJ",
        "JP-13",
        rate=(4, 5),
        leave=900,
        margin="pooled",
        entry_quota={"limit": 900, "measure": "recognised", "window": "year"},
        net_flow_limit=900,
        vintage_limits={"2026": 900},
        holder_limit=900,
        use_quota=[LINKED],
    )
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000_000)
    made.raise_to(Degree.RECIPROCAL, "CN-BJ", "JP-13")
    out = made.send(("CN-BJ", "ann"), ("JP-13", "plant"), 103)
    first = out.ranges[0].first
    made.send(("CN-BJ", "ann"), ("JP-13", "ann"), 51)
    made.send(("JP-13", "ann"), ("CN-BJ", "bob"), 40)
    made.send(("JP-13", "plant"), ("CN-BJ", "bob"), 7, (first, first + 7), issuer="CN-BJ")
    refused, _ = (made.send(("CN-BJ", "ann"), ("JP-13", "far"), quantity) for quantity in (13, 29))
    refuse(refused.transaction_id, reason="a mistake", actor=made["CN-BJ"].people[1], now=NOW)
    city = made["JP-13"]
    year = city.obligation("plant", emissions=1_000).pk
    surrender(made, year, first + 7, 23)
    undone = surrender(made, year, first + 30, 11)
    asked = reverse(undone.transaction_id, reason="a mistake", actor=city.officers[0], now=NOW)
    approve(asked.transaction_id, actor=city.officers[1], now=NOW)
    return made


def surrender(made: Pilot, obligation: int, first: int, quantity: int) -> Outcome:
    """Surrender Beijing units of Tokyo's plant, from a serial on."""
    city = made["JP-13"]
    serials = (SerialRange("CNBJ", first, first + quantity),)
    line = Line(city["plant"], city["SUR"], quantity, "CNBJ", "BEA", serials=serials)
    return propose(Proposal("10-2", (line,), obligation=obligation), actor=city.people[0], now=NOW)


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return moved


# What is told of a broken equation, and the statements that break it.
BREAKS: dict[str, tuple[str, str]] = {
    "link-document": (
        "instrument 2 (terms): its digest or its content",
        "UPDATE linking_instrument SET document = replace(document, '\"holder_limit\":900', '\"holder_limit\":901') WHERE id = 2",
    ),
    "link-signed": (
        "only 1 of two persons signed for JP-13",
        "DELETE FROM linking_signature WHERE id = (SELECT min(id) FROM linking_signature s"
        " WHERE jurisdiction_id = (SELECT id FROM accounts_jurisdiction WHERE code = 'JP-13'))",
    ),
    "link-agreement": (
        "version 1: the terms are not those of the concluded document",
        "UPDATE linking_agreement SET terms = jsonb_set(terms, '{rate,numerator}', '5') WHERE id = 1",
    ),
    "link-degree": (
        "link CN-BJ - JP-13: its degree is formal, the signed steps make reciprocal",
        "UPDATE linking_link SET degree = 'formal'",
    ),
    "link-suspended": (
        "corridor CN-BJ -> JP-13: it is not suspended by CN-BJ",
        "UPDATE linking_corridor SET suspended_by_origin = true WHERE id = 1",
    ),
    "link-crossing": (
        "units of CN-BJ to JP-13: they do not count",
        "DELETE FROM linking_leave WHERE corridor_id = 1",
    ),
    "link-recognition": (
        "in JP-13: they do not count",
        "UPDATE registry_unitblock b SET recognition_id = 0 FROM accounts_account a"
        " WHERE a.id = b.account_id AND b.origin_id <> a.jurisdiction_id",
    ),
    "link-abroad": (
        "corridor CN-BJ -> JP-13, version 1: 103 units entered net of returns, 124 are held there, 18 retired, 5 pooled",
        "UPDATE registry_transactionblock SET next_no = next_no - 44 WHERE next_no - first_no = 51",
    ),
    "link-issued": (
        "CN-BJ BEA 2026: 999 units issued",
        "UPDATE registry_issue SET next_no = next_no - 1 WHERE cap_id = (SELECT min(id) FROM registry_issuancecap)",
    ),
    "link-quota-use": (
        "quota net-flow, take: 102 recorded, its ranges make 103",
        "UPDATE linking_quotause SET units = 102 WHERE units = 103 AND quota_id IN"
        " (SELECT id FROM linking_quota WHERE kind = 'net-flow')",
    ),
    "link-quota": (
        "quota holder of CN-BJ -> JP-13, year 2026: 147 used and 5 reserved, the transfers make 147 and 0",
        "UPDATE linking_quota SET reserved = 5 WHERE kind = 'holder' AND used = 147",
    ),
    "link-use": (
        "use quota CN-BJ linked: 17 used and 0 reserved, the surrenders make 18 and 0",
        "UPDATE linking_quota SET used = 17 WHERE kind = 'use'",
    ),
    "link-margin": (
        "units of CN-BJ at 4/5: 23 units, margin 4, 4 pooled; the surrenders make 23, 5 and 5",
        "UPDATE linking_margin SET value = 19, margin = 4, pooled = 4",
    ),
    "link-pooled": (
        "margin account of JP-13: it holds 5 units of CN-BJ, the margins say 4",
        "UPDATE linking_margin SET pooled = 4",
    ),
}


def broken(owner: psycopg.Connection[tuple], statements: str) -> None:
    """Run statements with every trigger and constraint of the ledger and the links switched off, as only the owner's DDL can."""
    named = "relname LIKE 'registry\\_%' OR relname LIKE 'linking\\_%'"
    for (table,) in owner.execute(f"SELECT relname FROM pg_class WHERE relkind = 'r' AND ({named})").fetchall():
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for name, table in owner.execute(
        "SELECT conname, relname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
        f" WHERE contype IN ('f', 'c') AND ({named})"
    ).fetchall():
        owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}" CASCADE')
    owner.execute(statements)


def test_a_sound_link_is_verified_and_says_how_much_was_looked_at(begun: Pilot, capsys):
    found = verify()
    assert isinstance(found, Verified), found
    assert dict(found.beyond)["links"] == 1
    assert (Margin.objects.count(), Quota.objects.filter(kind="use").count()) == (1, 1)
    assert QuotaUse.objects.filter(way="back", quota__kind="holder").exists()
    assert {row.kind for row in Quota.objects.filter(used__gt=0)} == {
        "entry",
        "leave",
        "vintage",
        "holder",
        "net-flow",
        "use",
    }
    assert Quota.objects.filter(reserved__gt=0).exists()
    call_command("verify_ledger")
    assert ", 1 links, 6 crossings, " in capsys.readouterr().out


@pytest.mark.parametrize("equation", BREAKS)
def test_a_link_that_is_not_as_it_was_made_is_called_by_name(begun: Pilot, owner, equation):
    told, statements = BREAKS[equation]
    broken(owner, statements)
    found = verify_all()
    assert isinstance(found, tuple)
    assert equation in {row.name for row in found}
    with pytest.raises(CommandError) as error:
        call_command("verify_ledger")
    assert told in str(error.value)


def test_every_equation_of_links_is_broken_once_here():
    assert set(EQUATIONS) == set(BREAKS)


def test_a_surrender_that_waited_and_was_refused_leaves_nothing_reserved(begun: Pilot):
    city = begun["JP-13"]
    Account.objects.filter(pk=city.accounts["plant"].pk).update(one_person_surrender=False)
    other = city.obligation("plant", emissions=1_000, year=2024).pk
    first = UnitBlock.objects.filter(account=city.accounts["plant"], held_for=None).order_by("-start_no")[0].start_no
    waiting = surrender(begun, other, first, 10)
    assert waiting.state == State.AWAITING_APPROVAL
    quota = Quota.objects.get(kind="use", obligation_id=other)
    assert (quota.reserved, quota.used) == (8, 0)
    assert isinstance(verify(), Verified), verify()
    refuse(waiting.transaction_id, reason="a mistake", actor=city.people[1], now=NOW)
    quota.refresh_from_db()
    assert (quota.reserved, quota.used) == (0, 0)
    assert isinstance(verify(), Verified), verify()


def test_a_holder_who_sends_home_more_than_it_brought_is_counted_from_nought(begun: Pilot):
    """It bought the rest there; what it brings in afterwards counts in full."""
    bought_there(begun)
    row = Quota.objects.get(kind="holder", holder=begun["JP-13"].accounts["far"].holder)
    assert (row.reserved, row.used) == (29, 3)
    assert isinstance(verify(), Verified), verify()


def bought_there(made: Pilot) -> None:
    """Let a stranger buy 20 Beijing units in Tokyo, send them home, and bring 3 in."""
    city = made["JP-13"]
    first = UnitBlock.objects.filter(account=city.accounts["ann"], origin=made["CN-BJ"].home).get().start_no
    serials = first, first + 20
    line = Line(city["ann"], city["far"], 20, "CNBJ", "BEA", serials=(SerialRange("CNBJ", *serials),))
    complete(made, propose(Proposal("10-50", (line,)), actor=city.people[0], now=NOW).transaction_id, "JP-13")
    home = made.send(("JP-13", "far"), ("CN-BJ", "far"), 20, serials, issuer="CN-BJ")
    complete(made, home.transaction_id, "JP-13")
    complete(made, made.send(("CN-BJ", "far"), ("JP-13", "far"), 3).transaction_id, "CN-BJ")


def complete(made: Pilot, waiting: UUID, side: str) -> None:
    """Approve what a stranger is to get, and execute it when it is due."""
    approve(waiting, actor=made[side].people[1], now=NOW)
    done = execute(waiting, actor=REGISTRY, now=NOW + timedelta(days=30))
    assert done is not None
    assert done.state == State.COMPLETED


def test_every_equation_of_links_is_told_in_the_document_of_the_ledger():
    page = (Path(settings.BASE_DIR) / "docs" / "ledger.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (link-[a-z-]+) \|", page, re.MULTILINE) == list(EQUATIONS)
