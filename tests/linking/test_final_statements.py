"""The final statement of a corridor: its figures are the ledger's, made once, and nobody states others."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import IntegrityError
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from audit.models import Entry
from linking.models import Agreement, Delinking, FinalStatement, Margin
from linking.operations.state_end import state_end
from linking.rules.end_figures import Content, Figures, Flow, Place, end_of
from linking.rules.rates import Rate
from linking.statement_queries import end_content, final_statements
from linking.statement_text import final_statement_text
from registry.operations.approve import approve
from registry.operations.reverse import reverse
from tests.ledger.test_forged_plans import without
from tests.linking.cities import NOW, REGISTRY, Pilot
from tests.linking.ends import (
    BJ,
    DAY,
    JP,
    SECOND,
    attempt,
    completed,
    delink,
    delinking,
    held,
    linked_by,
    pass_time,
    within,
)

YEAR = {"limit": 900, "measure": "units", "window": "year"}
# Tokyo's year ends an hour before Beijing's.
NEW_YEAR = datetime(2026, 12, 31, 15, tzinfo=UTC)
NOTICE = NEW_YEAR + DAY
END = NOTICE + 60 * DAY
# (entered, returned, surrendered, pooled, cancelled, value) of Beijing's units in Tokyo, by Tokyo's years.
IN_2026, IN_2027 = Figures(103, 10, 5, 2, 5, 5), Figures(20, 4, 7, 2, 0, 7)
TOTAL = Figures(123, 14, 12, 4, 5, 12)


def ending() -> Pilot:
    return linked_by(entry_quota=YEAR, margin="pooled", delinking=delinking("honour"))


@pytest.fixture
def policy() -> str | None:
    """The policy of a worked example; None: the history of two years."""
    return None


@pytest.fixture
def world(policy: str | None) -> Callable[[], Pilot]:
    return ending if policy is None else POLICIES[policy]


@pytest.fixture
def moved(linked: Pilot) -> Pilot:
    """Two years of both directions, with a surrender that is undone and two that pool their margin; then the notice."""
    tokyo = linked[JP]
    owed = tokyo.obligation("plant", 500).pk
    completed(linked.send((BJ, "ann"), (JP, "plant"), 40, (1, 41)))
    completed(linked.send((BJ, "ann"), (JP, "ann"), 60, (41, 101)))
    within(linked, "10-2", "plant", "SUR", 7, (1, 8), NOW + SECOND, obligation=owed)
    mistaken = within(linked, "10-2", "plant", "SUR", 11, (8, 19), NOW + 2 * SECOND, obligation=owed)
    undoing = reverse(mistaken.transaction_id, reason="a mistake", actor=tokyo.officers[1], now=NOW + 3 * SECOND)
    approve(undoing.transaction_id, actor=tokyo.officers[2], now=NOW + 4 * SECOND)
    cancelled = within(linked, "4-0", "ann", "CAN", 5, (41, 46), NOW + 5 * SECOND, reason="a test")
    linked.approve(cancelled, JP, now=NOW + 6 * SECOND)
    linked.send((JP, "ann"), (BJ, "bob"), 10, (46, 56), issuer=BJ, now=NOW + 7 * SECOND)
    completed(linked.send((JP, "ann"), (BJ, "ann"), 30, now=NOW + 8 * SECOND))
    # The last second of Tokyo's year, and the first of the next.
    completed(linked.send((BJ, "ann"), (JP, "ann"), 3, (101, 104), now=NEW_YEAR - SECOND))
    completed(linked.send((BJ, "ann"), (JP, "ann"), 20, (104, 124), now=NEW_YEAR))
    linked.send((JP, "ann"), (BJ, "bob"), 4, (56, 60), issuer=BJ, now=NEW_YEAR + SECOND)
    within(linked, "10-2", "plant", "SUR", 9, (8, 17), NEW_YEAR + 2 * SECOND, obligation=owed)
    delink(linked, now=NOTICE)
    linked.send((BJ, "ann"), (JP, "far"), 6, (124, 130), now=END - DAY)
    return linked


def told(made: Pilot) -> Content:
    (statement,) = final_statements(made.link(BJ, JP))
    return statement


def test_its_figures_are_those_of_what_moved_by_year_and_direction(moved: Pilot):
    assert pass_time(END - SECOND) == []
    assert pass_time(END) == [f"final statement of {BJ} -> {JP}"]
    own = {"origin": BJ, "destination": JP, "total": TOTAL.content(), "under_way": 6}
    own["years"] = [{"year": 2026, **IN_2026.content()}, {"year": 2027, **IN_2027.content()}]
    back = Figures(entered=30).content()
    opposite = {"origin": JP, "destination": BJ, "total": back, "under_way": 0, "years": [{"year": 2026, **back}]}
    statement = told(moved)
    assert statement["directions"] == [own, opposite]
    assert statement["imbalance"] == {
        "total": 79,
        "years": [{"year": 2026, "units": 63}, {"year": 2027, "units": 16}],
    }
    assert (statement["noticed_by"], statement["as_of"]) == (JP, END.isoformat())
    assert (TOTAL.held, TOTAL.margin_retired) == (88, 0)


def test_its_sums_are_what_lies_on_the_accounts_and_what_the_margins_say(moved: Pilot):
    pass_time(END)
    directions: Any = told(moved)["directions"]
    total, opposite = (row["total"] for row in directions)
    lying = dict(held(moved, JP, BJ))
    assert lying.pop("SUR") == total["surrendered"]
    assert lying.pop("MRG") == total["pooled"]
    assert lying.pop("CAN") == total["cancelled"]
    assert sum(lying.values()) == total["held"]
    assert sum(held(moved, BJ, JP).values()) == opposite["held"]
    (margin,) = Margin.objects.exclude(quantity=0)
    assert margin.quantity == total["surrendered"] + total["pooled"]
    assert (margin.value, margin.pooled) == (total["value"], total["pooled"])
    assert margin.margin - margin.pooled == total["margin_retired"]


def test_it_is_made_once_and_told_in_both_logs(moved: Pilot):
    pass_time(END + 3 * DAY)
    row = FinalStatement.objects.get()
    assert state_end(row.delinking_id, actor=REGISTRY, now=END + 4 * DAY) is None
    assert pass_time(END + 4 * DAY) == []
    rows = Entry.objects.filter(event="corridor.end-stated").order_by("registry")
    assert [(entry.registry, json.loads(bytes(entry.body))["content"]["imbalance"]["total"]) for entry in rows] == [
        (BJ, 79),
        (JP, 79),
    ]


def test_whenever_it_is_made_it_is_as_at_the_end_of_the_notice(moved: Pilot):
    """What moved after the end counts for nothing, though it was made later."""
    before = end_content(Delinking.objects.get())
    within(moved, "10-50", "ann", "bob", 1, (60, 61), END + SECOND)
    moved.send((JP, "ann"), (BJ, "bob"), 4, (61, 65), issuer=BJ, now=END + 2 * SECOND)
    pass_time(END + 9 * DAY)
    statement = told(moved)
    assert {name: statement[name] for name in before} == before


def test_both_corridors_have_a_statement_each_as_at_its_own_end(moved: Pilot):
    """Tokyo's terms give 90 days of notice."""
    delink(moved, by=BJ, origin=JP, now=NOTICE)
    pass_time(NOTICE + 90 * DAY)
    first, second = final_statements(moved.link(BJ, JP))
    assert [row["as_of"] for row in (first, second)] == [END.isoformat(), (NOTICE + 90 * DAY).isoformat()]
    totals: list[Any] = [row["imbalance"] for row in (first, second)]
    assert totals[1]["total"] == -totals[0]["total"]


POLICIES = {
    policy: partial(linked_by, delinking=delinking(policy)) for policy in ("honour", "sunset", "revert", "freeze")
}
SECTION = (
    (settings.BASE_DIR / "docs" / "delinking.md").read_text(encoding="utf-8").split("### Worked")[1].split("\n## ")[0]
)
ROWS = [[cell.strip() for cell in line[1:-1].split("|")] for line in SECTION.splitlines() if line.startswith("|")]
WORKED = {name: dict(zip(POLICIES, values, strict=True)) for name, *values in ROWS[2:]}
# The row of an act, and the day after the end of the notice on which it is tried.
TRIED = {"surrendered in August": 10, "sent home in August": 10, "surrendered after it": 100, "sent home after it": 100}


@pytest.mark.parametrize("policy", POLICIES)
def test_the_documentations_worked_figures_are_what_happens(policy, linked: Pilot):
    owed = linked[JP].obligation("plant", 500).pk
    completed(linked.send((BJ, "ann"), (JP, "plant"), 40, (1, 41)))
    completed(linked.send((BJ, "ann"), (JP, "ann"), 60, (41, 101)))
    within(linked, "10-2", "plant", "SUR", 7, (1, 8), NOW, obligation=owed)
    cancelled = within(linked, "4-0", "ann", "CAN", 5, (41, 46), NOW, reason="a test")
    linked.approve(cancelled, JP, now=NOW)
    linked.send((JP, "ann"), (BJ, "bob"), 10, (46, 56), issuer=BJ, now=NOW)
    completed(linked.send((JP, "ann"), (BJ, "ann"), 30, now=NOW))
    (row,) = delink(linked)
    ends = row.takes_effect_at
    pass_time(ends)
    statement: Any = told(linked)
    figures = statement["directions"][0]["total"] | {"imbalance": statement["imbalance"]["total"]}
    last = Agreement.objects.get(corridor=row.corridor).last_settlement_at
    sunset = statement["delinking"]["sunset_days"]
    found = {name.replace("_", " "): str(units) for name, units in figures.items() if name != "pooled"}
    found |= {"the notice ends": str(ends.date()), "last settlement": str(last and last.date())}
    found["sunset"] = str((ends + sunset * DAY).date()) if sunset else "-"
    for turn, (name, days) in enumerate(TRIED.items()):
        at = ends + days * DAY
        own, anns = (8 + turn, 9 + turn), (56 + turn, 57 + turn)
        answer = (
            attempt(within, linked, "10-2", "plant", "SUR", 1, own, at, obligation=owed)
            if name.startswith("surrendered")
            else attempt(linked.send, (JP, "ann"), (BJ, "bob"), 1, anns, issuer=BJ, now=at)
        )
        found[name] = "yes" if answer == "COMPLETED" else ", ".join(map(str, answer))
    assert found == {name: values[policy] for name, values in WORKED.items()}


@pytest.mark.parametrize("language", ["en", "zh-hans", "ja", "ko"])
def test_it_is_read_as_text(moved: Pilot, language):
    pass_time(END)
    with override(language):
        printed = final_statement_text(told(moved))
    assert "final-statement." not in printed
    assert printed.splitlines()[-1].endswith(" 79") or printed.splitlines()[-1].endswith("：79")
    if language == "en":
        assert printed.startswith("Final statement of the corridor Beijing - Tokyo\n")
        assert "In total\n  entered: 123\n  returned home or sent on: 14\n  still held there: 88\n" in printed


STATE = "SELECT linking_state_end(%s, %s::jsonb, %s)"
INSERT = "INSERT INTO linking_finalstatement (delinking_id, content, made_at) VALUES (%s, %s::jsonb, %s)"


def refused(role: psycopg.Connection[tuple], statement: str, *arguments: object) -> str | None:
    """By which constraint, or with which kind of error, PostgreSQL refuses a statement; None: it does not. All is undone."""
    try:
        with role.transaction(force_rollback=True):
            role.execute(statement, arguments)
    except psycopg.Error as error:
        return error.diag.constraint_name or type(error).__name__
    return None


def falsified(content: Content) -> Iterator[Content]:
    """Yield the content with each of its figures told wrongly by one, and with a year left out."""

    def changed(change: Callable[[dict], object]) -> Content:
        copy: dict = json.loads(json.dumps(content))
        change(copy)
        return copy

    names = list(TOTAL.content())
    yield from (
        changed(lambda it, n=name: it["directions"][0]["total"].update({n: it["directions"][0]["total"][n] + 1}))
        for name in names
    )
    yield from (changed(lambda it, n=name: it["directions"][1]["total"].update({n: 99})) for name in names)
    yield changed(lambda it: it["directions"][0]["years"].pop())
    yield changed(lambda it: it["directions"][0].update(under_way=0))
    yield changed(lambda it: it["imbalance"].update(total=0))
    yield changed(lambda it: it.update(remark="all is well"))


def test_nobody_states_other_figures(moved: Pilot, as_application_role, owner):
    (row,) = Delinking.objects.all()
    content = end_content(row)
    for wrong in falsified(content):
        assert refused(as_application_role, STATE, row.pk, json.dumps(wrong), END) == "figures_are_the_ledgers"
        assert refused(owner, INSERT, row.pk, json.dumps(wrong), END) == "figures_are_the_ledgers"
    # The positive control, and the negative one: the guard alone stood in the way.
    assert refused(as_application_role, STATE, row.pk, json.dumps(content), END) is None
    guard = ("linking_end_is_stated", "NEW.content IS DISTINCT FROM linking_end_content(NEW.delinking_id)", "false")
    with without(owner, [guard]):
        assert refused(as_application_role, STATE, row.pk, "{}", END) is None


def test_nobody_states_an_end_before_it_has_come_or_writes_changes_or_deletes_a_statement(
    moved: Pilot, as_application_role, owner
):
    (row,) = Delinking.objects.all()
    content = json.dumps(end_content(row))
    assert refused(as_application_role, STATE, row.pk, content, END - SECOND) == "statements_follow_the_end"
    with pytest.raises(IntegrityError):
        state_end(row.pk, actor=REGISTRY, now=END - SECOND)
    assert refused(as_application_role, INSERT, row.pk, content, END) == "InsufficientPrivilege"
    pass_time(END)
    assert refused(owner, INSERT, row.pk, content, END) == "an_end_is_stated_once"
    for statement in (
        "UPDATE linking_finalstatement SET content = '{}'",
        "DELETE FROM linking_finalstatement",
        "TRUNCATE linking_finalstatement",
    ):
        assert refused(as_application_role, statement) == "InsufficientPrivilege"
        assert refused(owner, statement) is not None


flows = st.builds(
    Flow,
    st.integers(2020, 2025),
    st.sampled_from(Place),
    st.sampled_from(Place),
    st.integers(1, 10**9),
    st.none() | st.tuples(st.integers(1, 3), st.just(Rate(4, 5)) | st.just(Rate(5, 4))),
)


@given(st.lists(flows, max_size=30))
def test_years_add_up_to_the_total_and_every_unit_that_entered_is_somewhere(given_flows):
    end = end_of(BJ, JP, given_flows, 0)
    for name in TOTAL.content():
        assert sum(getattr(figures, name) for figures in end.years.values()) == getattr(end.total, name)
    crossing = [flow for flow in given_flows if flow.before is not flow.after]
    entered = sum(flow.units for flow in crossing if flow.before is Place.ELSEWHERE)
    returned = sum(flow.units for flow in crossing if flow.after is Place.ELSEWHERE)
    assert end.total.net == entered - returned
    held_units = sum(flow.units * ((flow.after is Place.HELD) - (flow.before is Place.HELD)) for flow in given_flows)
    assert end.total.held == held_units
