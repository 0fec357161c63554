"""The statement and the balances of a past instant over HTTP: pages, files, and what is refused."""

import csv
import io
from datetime import UTC, datetime, timedelta
from io import StringIO
from urllib.parse import urlencode, urlsplit

import pytest
from django.core.management import CommandError, call_command
from openpyxl import load_workbook

from accounts import clock
from accounts.rules.identifiers import format_account_identifier
from registry.exports import safe

FORMULA = '=HYPERLINK("http://example.org","北京")'
BEGINNING = "2020-01-01T00:00:00Z"


@pytest.fixture
def moved(market, ask):
    """The seller's account after three orders, one of them with a dangerous reference."""
    for place, reference in enumerate(("first", FORMULA, "세 번째")):
        assert ask("seller").order(market.order(client_reference=reference), key=f"k-{place}").status_code == 201
    return market


def address(market, what: str = "statement", name: str = "seller", **parameters: str) -> str:
    own = {name.rstrip("_"): value for name, value in parameters.items()}
    return f"/api/v1/accounts/{market[name]}/{what}?{urlencode(own)}"


def test_a_statement_adds_up_and_says_what_moved(moved, ask):
    told = ask("seller").get(address(moved, from_=BEGINNING)).json()
    assert told["exercise"] is True
    assert told["total"] == {"opening": 0, "in": 600, "out": 30, "closing": 570}
    (total,) = told["totals"]
    assert (total["registry"], total["unit_type"], total["vintage"], total["closing"]) == ("CNBJ", "BEA", 2026, 570)
    assert total["recognition"] == {
        "id": 0,
        "numerator": 1,
        "denominator": 1,
        "applicable_period": "",
        "agreement": None,
    }
    assert [(row["direction"], row["quantity_in"], row["quantity_out"], row["balance"]) for row in told["results"]] == [
        ("in", 600, 0, 600),
        ("out", 0, 10, 590),
        ("out", 0, 10, 580),
        ("out", 0, 10, 570),
    ]
    assert [row["other_account"] for row in told["results"]] == [moved["issuance"]] + [moved["buyer"]] * 3
    assert told["results"][2]["client_reference"] == FORMULA
    assert told["results"][1]["block"].startswith("CNBJ-BEA-2026-")
    assert told["next"] is None


def test_pages_give_every_line_once_and_the_same_totals(moved, ask):
    whole = ask("seller").get(address(moved, from_=BEGINNING)).json()
    following, lines, pages = address(moved, from_=BEGINNING, limit="1"), [], 0
    while following:
        page = ask("seller").get(following).json()
        lines += page["results"]
        pages += 1
        assert (page["totals"], page["total"]) == (whole["totals"], whole["total"])
        parts = urlsplit(page["next"] or "")
        following = f"{parts.path}?{parts.query}" if page["next"] else ""
    assert lines == whole["results"]
    assert pages == 4


def test_what_completes_while_somebody_turns_pages_is_not_in_the_period(moved, ask):
    page = ask("seller").get(address(moved, from_=BEGINNING, limit="3")).json()
    ask("seller").order(moved.order(), key="meanwhile")
    parts = urlsplit(page["next"])
    after = ask("seller").get(f"{parts.path}?{parts.query}").json()
    assert after["total"] == page["total"]
    assert (len(after["results"]), after["next"]) == (1, None)


@pytest.mark.parametrize(
    ("parameters", "field", "code"),
    [
        ({}, "from", "required"),
        ({"from_": "yesterday"}, "from", "invalid"),
        ({"from_": "2026-01-01"}, "from", "no-offset"),
        ({"from_": "2026-01-01T00:00:00"}, "from", "no-offset"),
        ({"from_": BEGINNING, "to": "2999-01-01T00:00:00Z"}, "to", "in-the-future"),
        ({"from_": BEGINNING, "to": BEGINNING}, "from", "period-reversed"),
        ({"from_": "2999-01-01T00:00:00Z"}, "from", "period-reversed"),
        ({"from_": "2020-01-01T00:00:00+08:00", "to": "2019-12-31T16:00:00Z"}, "from", "period-reversed"),
        ({"from_": BEGINNING, "format": "pdf"}, "format", "unknown-word"),
        ({"from_": BEGINNING, "format": "csv", "limit": "5"}, "limit", "only-for-pages"),
        ({"from_": BEGINNING, "format": "xlsx", "cursor": "x"}, "cursor", "only-for-pages"),
        ({"from_": BEGINNING, "cursor": "x"}, "cursor", "unknown-cursor"),
        ({"from_": BEGINNING, "cursor": "WzEsMl0"}, "cursor", "unknown-cursor"),
        ({"from_": BEGINNING, "cursor": "W251bGwsbnVsbCxudWxsLG51bGxd"}, "cursor", "unknown-cursor"),
        ({"from_": BEGINNING, "limit": "0"}, "limit", "min-value"),
        ({"from_": BEGINNING, "until": BEGINNING}, "until", "unknown-parameter"),
    ],
)
def test_a_wrong_parameter_is_named(moved, ask, parameters, field, code):
    answer = ask("seller").get(address(moved, **parameters))
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert (field, code) in [(error["field"], error["code"]) for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("as_of", "code"),
    [("2999-01-01T00:00:00Z", "in-the-future"), ("2026-01-01T00:00:00", "no-offset"), ("now", "invalid")],
)
def test_a_balance_is_told_of_no_time_to_come_and_no_time_without_an_offset(moved, ask, as_of, code):
    answer = ask("seller").get(address(moved, "holdings", as_of=as_of))
    assert (answer.status_code, answer.json()["errors"][0]["field"], answer.json()["code"]) == (400, "as_of", code)


def test_balances_of_a_past_instant_say_nothing_of_reservations(moved, ask):
    line = ask("seller").get(address(moved, from_=BEGINNING)).json()["results"][1]
    now = ask("seller").get(address(moved, "holdings")).json()
    then = ask("seller").get(address(moved, "holdings", as_of=line["completed_at"])).json()
    assert [(row["quantity"], row["reserved"], row["free"]) for row in now["results"]] == [(570, 0, 570)]
    assert [(row["quantity"], row["reserved"], row["free"]) for row in then["results"]] == [(590, None, None)]
    assert "as_of" not in now
    assert then["as_of"] == line["completed_at"]
    earlier = datetime.fromisoformat(line["completed_at"]) - timedelta(microseconds=1)
    before = ask("seller").get(address(moved, "holdings", as_of=earlier.isoformat())).json()
    assert [row["quantity"] for row in before["results"]] == [600]
    assert ask("seller").get(address(moved, "holdings", as_of=BEGINNING)).json()["results"] == []


@pytest.mark.parametrize("form", ["json", "csv", "xlsx"])
def test_a_strangers_statement_is_not_found(moved, ask, form):
    hidden = ask("stranger").get(address(moved, from_=BEGINNING, format=form))
    assert (hidden.status_code, hidden["Content-Type"]) == (404, "application/problem+json")
    unknown = format_account_identifier("CNBJ", "TRA", 9_999_999)
    missing = ask("stranger").get(f"/api/v1/accounts/{unknown}/statement?from={BEGINNING}&format={form}")
    assert missing.json()["detail"] == hidden.json()["detail"]
    assert ask("").get(address(moved, from_=BEGINNING, format=form)).status_code == 401


def rows_of(market, ask, form: str, **headers: str) -> list[list[str]]:
    answer = ask("seller").get(address(market, from_=BEGINNING, format=form), **headers)
    assert answer.status_code == 200
    content = b"".join(answer.streaming_content)
    name = answer["Content-Disposition"]
    assert name.startswith(f'attachment; filename="EXERCISE-statement-{market["seller"]}-20200101T000000Z-')
    assert name.endswith(f'.{form}"')
    if form == "csv":
        assert content.startswith(b"\xef\xbb\xbf")
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    sheet = load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
    return [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_has_every_line_its_sums_and_says_exercise(moved, ask, form):
    header, *rows = rows_of(moved, ask, form)
    kinds = [row[0] for row in rows]
    assert kinds == ["account", "mode", "opening", *["movement"] * 4, "closing", "total", "end"]
    at = {name: place for place, name in enumerate(header)}
    assert rows[1][at["reason"]] == "EXERCISE"
    moves = [row for row in rows if row[0] == "movement"]
    assert [row[at["balance"]] for row in moves] == ["600", "590", "580", "570"]
    closing = rows[kinds.index("closing")]
    assert [closing[at[name]] for name in ("quantity_in", "quantity_out", "balance")] == ["600", "30", "570"]
    assert rows[-1][at["reason"]] == "4"
    # The formula is text, with what makes it so; other languages are themselves.
    assert [row[at["client_reference"]] for row in moves[1:]] == ["first", f"'{FORMULA}", "세 번째"]


@pytest.mark.parametrize(("language", "name"), [("zh-hans", "内部转移"), ("ja", "登録簿内移転"), ("ko", "내부 이전")])
def test_a_file_names_the_types_in_the_readers_language(moved, ask, language, name):
    rows = rows_of(moved, ask, "csv", Accept_Language=language, Accept="text/csv")
    assert name in {row[4] for row in rows}


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_begins_as_a_formula_does(beginning):
    assert safe(f"{beginning}1+1") == f"'{beginning}1+1"
    assert safe(f"1{beginning}") == f"1{beginning}"
    assert safe(-1) == -1


def test_what_xml_cannot_say_does_not_break_a_file(moved, ask):
    ask("seller").order(moved.order(reason="a\x01b\x0b\x1f"), key="odd")
    assert rows_of(moved, ask, "xlsx")[-4][18] == "a\ufffdb\ufffd\ufffd"


def test_a_period_may_end_now(moved, ask):
    now = clock.now().astimezone(UTC).isoformat()
    assert ask("seller").get(address(moved, from_=BEGINNING, to=now)).json()["total"]["closing"] == 570


def test_the_command_writes_the_same_file(moved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = StringIO()
    call_command("statement", moved["seller"], "--from", BEGINNING, stdout=told)
    content = (tmp_path / told.getvalue().strip()).read_text(encoding="utf-8-sig")
    assert [row[0] for row in csv.reader(io.StringIO(content, newline=""))][-3:] == ["closing", "total", "end"]
    for wrong in ((moved["seller"], "--from", "2999-01-01T00:00:00Z"), ("CNBJ-TRA-1-00", "--from", BEGINNING)):
        with pytest.raises(CommandError):
            call_command("statement", *wrong, stdout=told)
