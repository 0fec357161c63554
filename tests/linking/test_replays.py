"""Recorded flows are replayed as they were, and under other terms or another degree; nothing is changed by it."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from linking.models import Corridor, Margin, Quota
from linking.replays import Compared, compare, terms_changed
from linking.rules.degrees import Degree
from linking.rules.replayed import Replayed
from linking.rules.terms import Terms
from registry.models import Transaction
from tests.linking.cities import NOW, Pilot
from tests.linking.test_seed import seeded_links
from tests.linking.test_verification import bought_there, complete, moved

WAY = ("CN-BJ", "JP-13")


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return moved


def used(found: Replayed) -> dict[tuple[str, int, int, int], int]:
    return {
        (row.name.kind, row.name.year, row.name.vintage, row.name.holder_id): row.used
        for row in found.quotas
        if row.used
    }


def used_in_database(corridor: Corridor) -> dict[tuple[str, int, int, int], int]:
    rows = Quota.objects.filter(corridor=corridor, used__gt=0)
    return {(row.kind, row.year, row.vintage or 0, row.holder_id or 0): row.used for row in rows}


def same_as_it_was(found: Compared, corridor: Corridor) -> None:
    """Everything is let in, with the quotas that PostgreSQL counts."""
    assert found.before.refused == found.after.refused == ()
    assert found.before == found.after
    crossing = Transaction.objects.filter(type_id="3-0", state="COMPLETED").values_list("pk", flat=True)
    assert {row.flow.transaction for row in found.before.admitted} <= {str(pk) for pk in crossing}
    assert used(found.before) == used_in_database(corridor)
    assert found.before.units_fallen_away == 0


def latest(corridor: Corridor) -> Terms:
    """Return the terms in force, written anew."""
    return terms_changed(corridor, {}, now=NOW + timedelta(days=9_000))


def test_the_very_terms_in_force_let_in_what_was_let_in_at_the_same_worth(begun: Pilot):
    corridor = begun.corridor(*WAY)
    found = compare(corridor, terms=latest(corridor), degree=Degree.RECIPROCAL)
    same_as_it_was(found, corridor)
    assert [row.units for row in found.before.admitted] == [103, 51]
    assert (found.before.units_gone_home, found.before.worth_let_in) == (7, 123)
    margin = Margin.objects.get()
    assert (found.before.units_surrendered, found.before.worth_surrendered) == (margin.quantity, margin.value)
    assert found.before.margin == margin.margin
    opposite = begun.corridor(*reversed(WAY))
    same_as_it_was(compare(opposite, terms=latest(opposite)), opposite)


def test_flows_that_waited_and_holders_who_bought_there_are_counted_as_they_were(begun: Pilot):
    bought_there(begun)
    complete(begun, Transaction.objects.get(type_id="3-0", state="AWAITING_APPROVAL").pk, "CN-BJ")
    corridor = begun.corridor(*WAY)
    found = compare(corridor, terms=latest(corridor))
    same_as_it_was(found, corridor)
    assert [row.units for row in found.before.admitted] == [103, 51, 29, 3]


def test_a_tighter_entry_quota_refuses_and_what_was_never_let_in_does_not_come_back(begun: Pilot):
    corridor = begun.corridor(*WAY)
    tighter = terms_changed(corridor, {"entry_quota": {"limit": 82}}, now=NOW)
    found = compare(corridor, terms=tighter).after
    # The first 103 count 83 t at 4/5, and are refused; then 51 are let in.
    assert [(row.units, row.codes) for row in found.entries] == [(0, (6005,)), (51, ())]
    assert (found.units_gone_home, found.units_fallen_away) == (0, 7)
    assert (found.units_surrendered, found.margin) == (0, 0)
    assert used(found)[("entry", 2026, 0, 0)] == 41


def test_another_rate_changes_worth_and_margin_and_nothing_else(begun: Pilot):
    corridor = begun.corridor(*WAY)
    halved = {"numerator": 1, "denominator": 2}
    found = compare(corridor, terms=terms_changed(corridor, {"rate": halved}, now=NOW))
    assert found.after.units_let_in == found.before.units_let_in == 154
    assert (found.after.worth_let_in, found.before.worth_let_in) == (77, 123)
    assert (found.after.worth_surrendered, found.after.margin) == (11, 12)


@pytest.mark.parametrize(
    ("degree", "codes", "fits"),
    [("incremental", (6001,), True), ("unilateral", (), False), ("restricted", (), True), ("formal", (), False)],
)
def test_another_degree_lets_in_what_it_lets_in(begun: Pilot, degree, codes, fits):
    found = compare(begun.corridor(*WAY), degree=Degree(degree))
    assert {row.codes for row in found.after.entries} == {codes}
    assert (found.misfits == ()) == fits


def test_only_what_was_proposed_in_the_span_is_judged_and_the_rest_fills_the_quotas(begun: Pilot):
    corridor = begun.corridor(*WAY)
    later = NOW + timedelta(days=1)
    begun.send(("CN-BJ", "ann"), ("JP-13", "ann"), 10, now=later)
    tighter = terms_changed(corridor, {"entry_quota": {"limit": 120}}, now=NOW)
    found = compare(corridor, terms=tighter, since=later)
    # 83 t and 41 t came in before, 5 t of them went home again, and 8 t are asked for: 127 t are too much.
    assert [(row.flow.units, row.codes) for row in found.after.entries] == [(10, (6005,))]
    assert [(row.flow.units, row.codes) for row in found.before.entries] == [(10, ())]
    assert compare(corridor, terms=tighter, until=later).after.entries[0].codes == ()
    assert len(compare(corridor, terms=tighter, until=later).after.entries) == 2


def everything() -> dict[str, list[str]]:
    """Return every row of every table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found[table] = sorted(row[0] for row in cursor.fetchall())
    return found


def test_not_one_row_changes_and_postgresql_would_not_let_it(begun: Pilot, monkeypatch):
    before = everything()
    printed = StringIO()
    call_command(
        "replay_terms", corridor="CN-BJ:JP-13", rate="3/4", entry_limit="100", degree="restricted", stdout=printed
    )
    assert everything() == before
    asked: list[str] = []

    def recorded(*args: object, **named: object):
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            asked.append(cursor.fetchone()[0])
        raise InterruptedError

    monkeypatch.setattr("linking.replays.recorded", recorded)
    with pytest.raises(InterruptedError):
        compare(begun.corridor(*WAY))
    assert asked == ["on"]


def test_the_command_compares_and_prints_json(begun: Pilot, tmp_path):
    printed = StringIO()
    call_command("replay_terms", corridor="CN-BJ:JP-13", entry_limit="82", stdout=printed)
    told = printed.getvalue()
    assert "Replay of the corridor CN-BJ -> JP-13" in told
    assert "nobody behaves differently" in told
    file = tmp_path / "terms.json"
    call_command("replay_terms", corridor="CN-BJ:JP-13", entry_limit="82", json=True, stdout=(one := StringIO()))
    found = json.loads(one.getvalue())
    assert found["under_changes"]["units_refused"] == 103
    assert [row["codes"] for row in found["under_changes"]["refused"]] == [[6005]]
    file.write_text(json.dumps(found["terms"]), encoding="utf-8")
    call_command("replay_terms", corridor="CN-BJ:JP-13", terms=file, json=True, stdout=(other := StringIO()))
    assert json.loads(other.getvalue()) == found


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"corridor": "CN-BJ"}, "There is no corridor CN-BJ"),
        ({"rate": "0.75"}, "A rate is written 3/4."),
        ({"rate": "3/0"}, "A rate is written 3/4."),
        ({"rate": "5/4"}, "rate.reserve: A rate above one needs a reserve"),
        ({"entry_limit": "-1"}, "A limit is a number of units, or none: -1."),
        ({"since": "yesterday"}, "yesterday is no day"),
        ({"change": {"margin": "lost"}}, "margin: "),
        ({"change": []}, "--change takes an object."),
        ({"change": {"corridor": {"destination": "KR-11"}}}, "The terms are of CN-BJ -> KR-11."),
    ],
)
def test_what_cannot_be_replayed_is_told(begun: Pilot, asked, told):
    with pytest.raises(CommandError) as error:
        call_command("replay_terms", **{"corridor": "CN-BJ:JP-13", **asked}, stdout=StringIO())
    assert told in str(error.value)


class TestTheDemo:
    """The year of flows that the demo tells."""

    @pytest.fixture
    def world(self) -> Callable[[], None]:
        return seeded_links

    def test_as_it_was_is_what_was_recorded(self, begun):
        for corridor in Corridor.objects.filter(agreements__isnull=False):
            same_as_it_was(compare(corridor, terms=latest(corridor)), corridor)


def test_the_page_shows_what_the_command_prints(begun: Pilot):
    """Written anew from here where the table changes: docs/replay.md, between the two lines of its block."""
    printed = StringIO()
    call_command("replay_terms", corridor="CN-BJ:JP-13", rate="3/4", entry_limit="100", stdout=printed)
    page = (Path(settings.BASE_DIR) / "docs" / "replay.md").read_text(encoding="utf-8")
    assert page.count("```") == 4
    assert page.split("```")[3].removeprefix("text\n") == printed.getvalue()
