"""Starts the servers of a directory and hands out their addresses; the only user of keeper.py."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.embedded import addresses, binaries
from config.embedded.failures import Exit, LaunchFailure

HERE = Path(__file__).resolve().parent
# sun_path holds 107 bytes; the longest name put below the folder is `.s.PGSQL.5432.lock`.
NO_ANSWER = '{"failed": "keeper", "reason": "it ended by itself"}'
MEMORY, MEMORY_NEEDED_BYTES = "/dev/shm", 4 * 2**30  # noqa: S108 - mkdtemp is private
LONGEST_SOCKET_FOLDER_BYTES = 107 - len("/.s.PGSQL.5432.lock") - 1


@dataclass(slots=True)
class Servers:
    """Running servers; whoever holds this keeps them alive."""

    directory: Path
    sockets: Path
    keeper: subprocess.Popen[str]
    postgres: bool
    made_before: bool

    @property
    def owner_url(self) -> str:
        return addresses.socket_url(addresses.OWNER, addresses.DATABASE, str(self.sockets))

    @property
    def application_url(self) -> str:
        return addresses.socket_url(addresses.APPLICATION, addresses.DATABASE, str(self.sockets))

    @property
    def redis_url(self) -> str:
        return f"unix://{self.sockets}/valkey.sock?db=0"

    def await_ready(self) -> None:
        """Return when each server answers and the roles exist.

        Raises: LaunchFailure (CORRUPT_STATE, SERVER_FAILED); then nothing runs any more.
        """
        # Imported while the servers start, since the import takes as long.
        from config.embedded import roles

        try:
            answer = json.loads(self.keeper.stdout.readline() or NO_ANSWER) if self.keeper.stdout else {}
            if failed := answer.get("failed"):
                raise start_failure(self.directory, failed, answer["reason"], made_before=self.made_before)
            if self.postgres:
                roles.prepare_embedded(str(self.sockets))
        except BaseException:
            self.stop()
            raise

    def alive(self) -> bool:
        """Return whether the servers still run."""
        return self.keeper.poll() is None

    def stop(self) -> None:
        """End the servers and wait until they are gone."""
        if self.keeper.stdin:
            self.keeper.stdin.close()
        self.keeper.wait()
        if self.keeper.stdout:
            self.keeper.stdout.close()


def start(
    directory: Path,
    *,
    postgres: bool = True,
    valkey: bool = True,
    durable: bool = True,
    throwaway: bool = False,
    lock: int = -1,
) -> Servers:
    """Start the servers of an existing directory and return when each answers; see `begin`.

    Raises: LaunchFailure.
    """
    servers = begin(directory, postgres=postgres, valkey=valkey, durable=durable, throwaway=throwaway, lock=lock)
    servers.await_ready()
    return servers


def begin(
    directory: Path, *, postgres: bool, valkey: bool, durable: bool, throwaway: bool = False, lock: int = -1
) -> Servers:
    """Begin to start the servers of an existing directory; their addresses are known at once.

    `durable` is fsync; `throwaway` removes the directory at the end; `lock` is its lock's descriptor.
    Must be called from the thread that lives longest: a death signal follows the starting thread.
    Raises: LaunchFailure (NO_SERVERS, NO_PERMISSION, CORRUPT_STATE).
    """
    try:
        return _spawn(directory, postgres, valkey, durable=durable, throwaway=throwaway, lock=lock)
    except BaseException:
        if throwaway:
            shutil.rmtree(directory, ignore_errors=True)
        raise


def _spawn(directory: Path, postgres: bool, valkey: bool, *, durable: bool, throwaway: bool, lock: int) -> Servers:
    user = binaries.server_user()
    programs = binaries.usable_by(user, binaries.find(postgres=postgres, valkey=valkey), directory / "servers")
    if programs.postgres:
        check_cluster(directory, programs.postgres)
    made_before = (directory / "postgres").exists()
    sockets = socket_folder(directory)
    if user:
        os.chown(directory, user.uid, user.gid)
        os.chown(sockets, user.uid, user.gid)
    orders = {
        "directory": str(directory),
        "sockets": str(sockets),
        "postgres": str(programs.postgres or ""),
        "valkey": str(programs.valkey or ""),
        "locale": initdb_locale(programs.postgres) if programs.postgres and not made_before else [],
        "shim": str(HERE / "shim.py"),
        "uid": user.uid if user else -1,
        "gid": user.gid if user else -1,
        "durable": durable,
        "throwaway": throwaway,
        "lock": lock,
    }
    keeper = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", str(HERE / "keeper.py"), json.dumps(orders)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        pass_fds=[lock] if lock >= 0 else [],
    )  # fmt: skip
    return Servers(directory, sockets, keeper, postgres, made_before)


def throwaway_directory(*, in_memory: bool = False) -> Path:
    """Return a new private directory that the server user can reach; in memory if that is wished and there is room."""
    user = binaries.server_user()
    memory = (MEMORY,) if in_memory and _has_room(MEMORY) else ()
    for base in dict.fromkeys((*memory, tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 - mkdtemp is private
        if os.access(base, os.W_OK) and reachable(Path(base), user):
            return Path(tempfile.mkdtemp(prefix="registry-", dir=base))
    raise LaunchFailure(Exit.NO_PERMISSION, "No temporary directory can be written: set TMPDIR to one that can.")


def _has_room(memory: str) -> bool:
    """Return whether there is enough free memory, and a file system of it from which programs may run."""
    try:
        system = os.statvfs(memory)
    except OSError:
        return False
    free_bytes = min(system.f_bavail * system.f_frsize, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return free_bytes >= MEMORY_NEEDED_BYTES and not system.f_flag & os.ST_NOEXEC


def reachable(directory: Path, user: binaries.ServerUser | None) -> bool:
    """Return whether the server user may pass through every folder down to this one."""
    if user is None:
        return True
    try:
        subprocess.run(  # noqa: S603 - our own path
            ["/bin/sh", "-c", 'cd "$0"', str(directory)],
            user=user.uid, group=user.gid, extra_groups=[], cwd="/", capture_output=True, check=True,
        )  # fmt: skip
    except (subprocess.CalledProcessError, PermissionError):
        return False
    return True


def socket_folder(directory: Path) -> Path:
    """Return an empty folder for sockets: in the directory, or in /tmp when that path would be too long."""
    folder = directory / "sockets"
    if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER_BYTES:
        return Path(tempfile.mkdtemp(prefix="registry-sockets-", dir="/tmp"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def initdb_locale(postgres: Path) -> list[str]:
    """Return the choice of a locale every machine has, so that a cluster sorts the same everywhere."""
    if binaries.postgres_major(postgres) >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C"]


def check_cluster(directory: Path, postgres: Path) -> None:
    """Refuse a cluster of another PostgreSQL, or what is no cluster."""
    data = directory / "postgres"
    if not data.exists():
        return
    try:
        made_by = (data / "PG_VERSION").read_text().strip()
    except OSError:
        made_by = ""
    if not made_by:
        raise LaunchFailure(
            Exit.CORRUPT_STATE,
            f"The state directory {directory} holds no whole database: "
            "restore it from a backup, or start anew with --reset.",
        )
    if made_by != str(present := binaries.postgres_major(postgres)):
        raise LaunchFailure(
            Exit.CORRUPT_STATE,
            f"The state directory {directory} was made by PostgreSQL {made_by} and this is {present}: "
            "name that version's programs in PG_BIN, or start anew with --reset.",
        )


def start_failure(directory: Path, failed: str, reason: str, *, made_before: bool) -> LaunchFailure:
    """Turn a server's last words into a sentence."""
    if failed == "postgres" and made_before:
        return LaunchFailure(
            Exit.CORRUPT_STATE,
            f"The database in {directory} does not start ({reason}): "
            "restore it from a backup, or start anew with --reset.",
        )
    return LaunchFailure(Exit.SERVER_FAILED, f"{failed} did not start in {directory} ({reason}).")
