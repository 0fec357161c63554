"""The README does not lie: its walk prints what it says, and the tests it names are there."""

import doctest
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded import servers
from tests.test_launcher import PROJECT, clean_environment, demo

README = (PROJECT / "README.md").read_text(encoding="utf-8")
WALK = re.search(r"<!-- walkthrough -->\n```console\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def state() -> Iterator[Path]:
    directory = servers.throwaway_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.skipif(not shutil.which("curl"), reason="the README's walk uses curl, which is not on this machine")
def test_the_walk_prints_what_the_readme_says(state: Path) -> None:
    assert WALK
    steps = [(line, printed) for line, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", WALK[1], re.MULTILINE)]
    assert len(steps) >= 10
    script = "\n".join(f"{line}\necho '%{place}%'" for place, (line, _) in enumerate(steps))
    with demo(state) as (_, address, _):
        environment = clean_environment() | {"API": f"{address}/api/v1", "REGISTRY_STATE": str(state)}
        walk = subprocess.run(
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            env=environment,
            cwd=PROJECT,
            check=False,
            timeout=90,
        )
    assert walk.stderr == ""
    printed = re.split(r"%\d+%\n", walk.stdout.replace("\r", ""))
    for (line, expected), found in zip(steps, printed, strict=False):
        assert doctest.OutputChecker().check_output(expected, found, doctest.ELLIPSIS), f"$ {line}\n{found}"


def test_the_tests_and_pages_that_the_readme_names_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", README)
    for file, name in named:
        assert (PROJECT / file).exists(), file
        assert not name or f"def {name}(" in (PROJECT / file).read_text(encoding="utf-8"), f"{file}::{name}"
    for page in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (PROJECT / page).exists(), page
