"""docs/ledger.md names guards and tests that are there."""

import re
from pathlib import Path

from registry.rules.checks import CHECKS
from registry.verification import EQUATIONS
from tests.ledger import test_forged_plans, test_raw_sql, test_ways_around
from tests.lifecycle import test_forged_steps

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("## What holds")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| what")
]
CASES = {
    *test_raw_sql.ATTACKS, *test_ways_around.WAYS, *test_forged_plans.FORGED, *test_forged_steps.ATTACKS,
}  # fmt: skip
TESTS = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("ledger", "lifecycle", "types")
    for path in (Path(__file__).parents[1] / folder).glob("test_*.py")
)


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_guard_that_is_named_is_in_the_database(committed_db, owner):
    found = {
        name
        for (name,) in owner.execute(
            "SELECT conname FROM pg_constraint UNION SELECT tgname FROM pg_trigger UNION SELECT proname FROM pg_proc"
            " UNION SELECT relname FROM pg_class WHERE relkind = 'i'"
        )
    }
    assert len(ROWS) > 20
    assert {name for row in ROWS for name in names(row[2])} <= found


def test_every_test_that_is_named_is_a_test():
    for row in ROWS:
        assert names(row[3])
        for name in names(row[3]):
            test, _, case = name.removesuffix("]").partition("[")
            assert f"def {test}(" in TESTS
            assert not case or case in CASES, case


def test_every_check_that_is_named_is_a_check():
    codes = {int(code) for row in ROWS for code in re.findall(r"\b\d{4}\b", row[1])}
    assert codes <= set(CHECKS)


def test_every_equation_is_explained():
    table = PAGE.partition("| equation |")[2].partition("\n\n")[0]
    explained = {name for cell in re.findall(r"^\| ([\w, -]+) \|", table, re.MULTILINE) for name in cell.split(", ")}
    assert explained == set(EQUATIONS) | {"custody"}
