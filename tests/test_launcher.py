"""The two commands keep their promises: ready means ready, nothing is left behind, and trouble is one sentence."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from config.embedded import servers
from config.embedded.failures import Exit

PROJECT = Path(__file__).resolve().parent.parent
NAMES_OF_THE_TESTS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "DJANGO_SECRET_KEY", "PYTEST_CURRENT_TEST")


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, str(PROJECT / "manage.py"), *map(str, arguments)]


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in NAMES_OF_THE_TESTS}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, env=clean_environment(), cwd="/", timeout=90, check=False
    )


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def processes_knowing(path: Path) -> list[str]:
    """Return the command lines of living processes that have the path in their arguments or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
            if bytes(path) in line or bytes(path) in (process / "environ").read_bytes():
                found.append(line.replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def assert_nothing_left(state: Path) -> None:
    deadline = time.monotonic() + 15
    while (left := processes_knowing(state)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
    assert [file for file in state.rglob("*") if file.is_socket()] == []


@contextmanager
def demo(state: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Start a demo and give its process, its address and what it printed until it was ready."""
    port = free_port()
    line = command("demo", "--state", state, "--port", str(port), *arguments)
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment(), cwd="/"
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            printed = process.stdout.readline()
            assert printed.startswith("ready in "), process.stderr.read()
            yield process, f"http://127.0.0.1:{port}", printed
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """One state directory for the tests of this file, which run in order."""
    directory = servers.throwaway_directory()
    yield directory
    subprocess.run(["rm", "-rf", directory], check=True)


def test_ready_means_that_web_answers_and_ctrl_c_leaves_nothing(state: Path) -> None:
    with demo(state) as (process, address, _):
        for path in ("/livez", "/readyz"):
            with urllib.request.urlopen(address + path) as answer:
                assert json.load(answer)["status"] == "ok"
        refused = run("demo", "--state", state, "--port", str(free_port()))
        assert (refused.returncode, refused.stdout) == (Exit.STATE_IN_USE, "")
        assert refused.stderr.count("\n") == 1
        joined = run(
            "in_demo",
            "--state",
            state,
            "shell",
            "--no-imports",
            "-c",
            "from django.db import connection as c; print(c.settings_dict['USER'])",
        )
        assert joined.stdout.split() == ["registry_application"]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert_nothing_left(state)


def test_a_killed_demo_leaves_nothing(state: Path) -> None:
    with demo(state) as (process, _, _):
        process.kill()
    assert_nothing_left(state)


def test_a_closed_terminal_ends_the_demo_without_a_word(state: Path) -> None:
    with demo(state) as (process, _, _):
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.send_signal(signal.SIGHUP)
        assert (process.wait(30), process.stderr.read()) == (0, "")
    assert_nothing_left(state)


def test_the_state_of_a_killed_demo_serves_the_next(state: Path) -> None:
    before = (state / "demo.json").read_bytes()
    answer = run("in_demo", "--state", state, "showmigrations", "--plan")
    assert answer.returncode == 0, answer.stderr
    assert "[X]  registry.0001_initial" in answer.stdout
    assert "[ ]" not in answer.stdout
    assert (state / "demo.json").read_bytes() == before
    assert_nothing_left(state)


def test_reset_starts_anew(state: Path) -> None:
    before = (state / "demo.json").read_bytes()
    with demo(state, "--reset") as (process, _, _):
        process.terminate()
        assert process.wait(30) == 0
    assert (state / "demo.json").read_bytes() != before
    assert oct((state / "demo.json").stat().st_mode)[-3:] == "600"


def test_a_state_of_an_earlier_version_is_one_sentence(state: Path) -> None:
    applied = json.loads((state / "migrations.json").read_text())
    applied["registry/migrations/sql/0003_blocks.sql"] = "another"
    (state / "migrations.json").write_text(json.dumps(applied))
    refused = run("in_demo", "--state", state, "check")
    assert (refused.returncode, refused.stderr.count("\n")) == (Exit.SERVER_FAILED, 1)
    assert "--reset" in refused.stderr


def test_a_damaged_cluster_is_one_sentence(state: Path) -> None:
    (state / "postgres/global/pg_control").write_bytes(b"damaged")
    refused = run("demo", "--state", state, "--port", str(free_port()))
    assert refused.returncode == Exit.CORRUPT_STATE
    assert refused.stderr.count("\n") == 1
    assert "--reset" in refused.stderr
    assert_nothing_left(state)


def test_a_cluster_that_is_not_whole_is_one_sentence(state: Path) -> None:
    (state / "postgres/PG_VERSION").unlink()
    refused = run("in_demo", "--state", state, "check")
    assert (refused.returncode, refused.stderr.count("\n")) == (Exit.CORRUPT_STATE, 1)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    refused = run("demo", "--state", tmp_path, "--reset", "--port", str(free_port()))
    assert (refused.returncode, refused.stderr.count("\n")) == (Exit.CORRUPT_STATE, 1)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_state_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = run("demo", "--state", tmp_path / "file" / "state", "--port", str(free_port()))
    assert (refused.returncode, refused.stderr.count("\n")) == (Exit.NO_PERMISSION, 1)


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        refused = run("demo", "--state", tmp_path, "--port", str(port))
    assert (refused.returncode, refused.stdout) == (Exit.PORT_TAKEN, "")
    assert refused.stderr == f"Port {port} is taken by another program: name another with --port.\n"


def test_the_check_makes_one_transaction_and_leaves_nothing() -> None:
    answer = run("demo", "--check")
    assert answer.returncode == 0, answer.stderr
    assert "checked: one unit goes from " in answer.stdout


def test_a_database_that_refuses_is_one_sentence(state: Path) -> None:
    environment = clean_environment() | {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    refused = subprocess.run(
        command("in_demo", "--state", state, "check"),
        capture_output=True, text=True, env=environment, cwd="/", check=False,
    )  # fmt: skip
    assert (refused.returncode, refused.stderr.count("\n")) == (Exit.DATABASE_REFUSED, 1)


START_SERVERS = """
import sys, time
from config.embedded import servers
started = servers.start(servers.throwaway_directory(), durable=False, throwaway=True)
print(started.directory, started.keeper.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("keeper_too", [False, True], ids=["starter", "starter and keeper"])
def test_killed_servers_leave_no_process(keeper_too: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START_SERVERS], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as starter:
        assert starter.stdout
        directory, keeper = starter.stdout.readline().split()
        assert processes_knowing(Path(directory)) != []
        if keeper_too:
            os.kill(int(keeper), signal.SIGKILL)
        starter.kill()
    try:
        assert_nothing_left(Path(directory))
        assert Path(directory).exists() == keeper_too
    finally:
        subprocess.run(["rm", "-rf", directory], check=True)


def test_the_manual_lists_every_exit_code() -> None:
    rows = re.findall(r"^\| (\d+) \|", (PROJECT / "docs/operate.md").read_text(), re.MULTILINE)
    assert {int(row) for row in rows} == {0, 2, *Exit}


def test_dev_without_a_python_is_one_sentence(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("dirname", "cat", "cksum"):
        found = subprocess.run(["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True)
        (tools / name).symlink_to(found.stdout.strip())
    for name in ("dev", "requirements.txt"):
        (tmp_path / name).write_bytes((PROJECT / name).read_bytes())
    refused = subprocess.run(
        ["/bin/sh", tmp_path / "dev", "demo"], capture_output=True, text=True, env={"PATH": str(tools)}, check=False
    )
    assert refused.returncode == Exit.ENVIRONMENT
    assert "Python 3.11 or newer is needed" in refused.stderr
