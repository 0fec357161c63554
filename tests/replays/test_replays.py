"""Real data run through a test registry of their own: every figure is as published, and what differs is told with its reason."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections

from registry.replays import eutl, ukets
from registry.replays.figures import Figure, Report, printed
from registry.replays.ukets_files import ALLOCATION_YEARS, YEARS

DOCUMENT = (settings.BASE_DIR / "docs" / "replays.md").read_text(encoding="utf-8")


@pytest.fixture
def unblocked(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """The command makes its own database, so it needs none from here."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield


@pytest.mark.parametrize("which", ["ukets", "eutl"])
def test_the_replay_finds_every_figure_and_prints_what_the_document_shows(which, unblocked, capsys):
    before = connections.settings["default"]["NAME"]
    call_command("replay", which)
    output = capsys.readouterr().out
    assert "DIFFERS" not in output
    shown = re.search(rf"<!-- {which} -->\n```\n(.*?)```", DOCUMENT, re.DOTALL)
    assert shown
    assert output == shown[1]
    assert connections.settings["default"]["NAME"] == before
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'replay%'")
        assert cursor.fetchone() == (0,)


def test_a_figure_that_differs_fails_the_command(unblocked, monkeypatch, capsys):
    def replay(source: object, progress: object) -> Report:
        return Report("title", (Figure("found otherwise", 1, 2),), ())

    monkeypatch.setattr(ukets, "replay", replay)
    with pytest.raises(CommandError, match="differ"):
        call_command("replay", "ukets")
    assert re.search(r"found otherwise +1 +2  DIFFERS", capsys.readouterr().out)


def test_the_published_figures_are_those_of_the_files():
    """A negative control of the files alone: one unit more in one row would be seen."""
    source = ukets.read(settings.BASE_DIR / "tests" / "data" / "ukets")
    assert tuple(sum(source.allocations[year].values()) for year in ALLOCATION_YEARS) == ukets.ALLOCATIONS
    assert tuple(source.emissions_of(year) for year in YEARS) == ukets.EMISSIONS
    log = eutl.read(settings.BASE_DIR / "tests" / "data" / "eutl")
    assert (len(log.movements), len(log.accounts), len(log.opening)) == (16_418, 2_863, 2_714)
    assert sum(eutl.expected_balances(log).values()) == 5_436_316_306
    assert min(eutl.expected_balances(log).values()) > 0


def test_a_report_says_where_it_differs():
    report = Report("t", (Figure("same", 1, 1), Figure("other", 1_000, 2)), ("a remark",))
    assert not report.agrees
    assert printed(report).count("DIFFERS") == 1
