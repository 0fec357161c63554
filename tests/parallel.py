"""The whole suite on all processors: as many pytests, each with servers of its own, that take file after file from one list.

`python -m tests.parallel` starts them, and `./dev test` without arguments is that. A file is taken by whoever makes its mark in
a folder they share, so each is run once, whole and in one process, and whoever is done sooner takes more. It is a plugin of each
of these pytests too, and of no other.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

MARKS = "REGISTRY_TESTS_TAKEN"
MOST_PROCESSES = 4
# Begun at the end, they would keep one processor while the others have nothing left to do. The rest is in pytest's order.
SLOWEST_FIRST = (
    "tests/replays/test_replays.py",
    "tests/api/test_document.py",
    "tests/test_launcher.py",
    "tests/admin/test_pages.py",
    "tests/lifecycle/test_due.py",
    "tests/lifecycle/test_model.py",
    "tests/ledger/test_model.py",
    "tests/test_readme.py",
)


def file_of(item: pytest.Item) -> str:
    """Return the file of a test, as it is written in `SLOWEST_FIRST`."""
    return item.nodeid.partition("::")[0]


def place_of(item: pytest.Item) -> tuple[int, str]:
    """Return what sorts the tests by file, the slow files first."""
    file = file_of(item)
    return (SLOWEST_FIRST.index(file) if file in SLOWEST_FIRST else len(SLOWEST_FIRST), file)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the tests of a file together."""
    items.sort(key=place_of)


def take(file: str) -> bool:
    """Return whether a file is ours: the first who asks has it."""
    try:
        (Path(os.environ[MARKS]) / file.replace("/", "%")).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def taken(session: pytest.Session) -> Iterator[pytest.Item]:
    """Give the tests of one file after another that nobody else has taken."""
    for file, items in groupby(session.items, key=file_of):
        if take(file):
            yield from items


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run what is ours. Errors of the collection are pytest's own to tell."""
    if session.testsfailed or session.config.option.collectonly:
        return None
    ours = taken(session)
    item = next(ours, None)
    while item is not None:
        # Known before it is run, as pytest ends after it what the next one does not share.
        following = next(ours, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    return True


def main() -> int:
    """Run the suite, and return the worst exit code. The first process prints as it goes, the others when all have ended."""
    count = min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    with tempfile.TemporaryDirectory(prefix="registry-tests-") as folder:
        marks = Path(folder) / "marks"
        marks.mkdir()
        outputs = [Path(folder) / f"{number}.txt" for number in range(1, count)]
        command = [sys.executable, "-m", "pytest", "-p", "tests.parallel"]
        environment = os.environ | {MARKS: str(marks)}
        print(f"{count} processes; the first prints here, the others at the end.", flush=True)
        processes = [subprocess.Popen(command, env=environment)]
        for output in outputs:
            with output.open("wb") as file:
                processes.append(subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT))
        try:
            codes = [process.wait() for process in processes]
        except KeyboardInterrupt:
            # It went to each of them too; they end their servers.
            codes = [process.wait() for process in processes]
        for output in outputs:
            print(output.read_text(errors="replace"), flush=True)
    return max(map(abs, codes))


if __name__ == "__main__":
    sys.exit(main())
