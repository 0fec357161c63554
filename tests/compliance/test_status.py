"""The surrender-all rule, case by case."""

import pytest

from registry.rules.compliance import ComplianceFacts, Status, YearRecord, surrender_all_status

EMITTED, EXCLUDED = YearRecord(100), YearRecord(0, excluded=True)

CASES = {
    "surrenders cover emissions exactly": (2021, None, {2021: EMITTED, 2022: EMITTED}, 200, Status.A),
    "surrenders exceed emissions": (2021, None, {2021: EMITTED, 2022: EMITTED}, 500, Status.A),
    "one unit is lacking": (2021, None, {2021: EMITTED, 2022: EMITTED}, 199, Status.B),
    "nothing emitted, nothing surrendered": (2021, None, {2021: YearRecord(0), 2022: YearRecord(0)}, 0, Status.A),
    "the year's emissions are missing": (2021, None, {2021: EMITTED}, 500, Status.C),
    "an earlier year's emissions are missing": (2021, None, {2022: EMITTED}, 500, Status.C),
    "excluded in every year": (2021, None, {2021: EXCLUDED, 2022: EXCLUDED}, 0, Status.EXCLUDED),
    "excluded once, and what was emitted is covered": (2021, None, {2021: EMITTED, 2022: EXCLUDED}, 100, Status.A),
    "excluded once, and what was emitted is not covered": (2021, None, {2021: EMITTED, 2022: EXCLUDED}, 99, Status.B),
    "its first year lies ahead": (2023, None, {}, 0, Status.NOT_APPLICABLE),
    "its last year is the year judged": (2021, 2022, {2021: EMITTED, 2022: EMITTED}, 200, Status.A),
    "its last year is over": (2021, 2021, {2021: EMITTED}, 0, Status.ENDED),
    "later years do not count": (2022, None, {2022: EMITTED, 2023: EMITTED}, 100, Status.A),
}


@pytest.mark.parametrize("case", CASES)
def test_the_status_for_2022_when(case: str) -> None:
    first, last, years, surrendered, status = CASES[case]
    assert surrender_all_status(ComplianceFacts(first, last, years, surrendered), 2022) is status


def test_every_status_has_a_case() -> None:
    assert {case[-1] for case in CASES.values()} == set(Status)
