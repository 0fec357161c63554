"""The state directory of a demo: whose it is, who uses it, its secrets. Its lock's holder starts servers.

Files in it: `registry-state` (the mark that it is ours), `lock`, `users.lock`, `run.json` (addresses while
servers run), `secret-key`, `demo.json` (demo logins and keys), `postgres/`, and one log for each process.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

from config.embedded import binaries, servers
from config.embedded.failures import Exit, LaunchFailure

PROJECT = Path(__file__).resolve().parent.parent.parent
MARK = "registry-state"
KEPT_BY_RESET = {MARK, "lock", "users.lock"}
# A killed run's servers need a moment to end; the lock is theirs until then.
DYING_SECONDS = 15


def default_directory() -> Path:
    """Return `.state` in the project, or below /var/lib when root's servers cannot reach it."""
    if named := os.environ.get("REGISTRY_STATE"):
        return Path(named).absolute()
    if servers.reachable(PROJECT, binaries.server_user()):
        return PROJECT / ".state"
    return Path("/var/lib/linked-registry") / hashlib.sha256(bytes(PROJECT)).hexdigest()[:12]


class State:
    """One state directory, opened; `acquire` before changing anything in it."""

    def __init__(self, directory: Path) -> None:
        """Make or open the directory.

        Raises: LaunchFailure (NO_PERMISSION, CORRUPT_STATE).
        """
        self.directory = directory.absolute()
        self.lock = -1
        self._users = -1
        try:
            self._open()
        except OSError as error:
            raise LaunchFailure(
                Exit.NO_PERMISSION,
                f"The state directory {self.directory} cannot be used ({error.strerror}: {error.filename}): "
                "name another with --state, or run as the user it belongs to.",
            ) from None

    def _open(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = self.directory / MARK
        if not mark.exists():
            if any(self.directory.iterdir()):
                raise LaunchFailure(
                    Exit.CORRUPT_STATE,
                    f"{self.directory} holds files that are not the registry's: "
                    "name an empty or new folder with --state.",
                )
            mark.touch()
        user = binaries.server_user()
        if user:
            os.chown(self.directory, user.uid, user.gid)
        if not servers.reachable(self.directory, user):
            raise LaunchFailure(
                Exit.NO_PERMISSION,
                f"PostgreSQL does not run as root, and user {user.name if user else ''} cannot reach "
                f"{self.directory}: name a folder outside closed ones with --state.",
            )
        self.lock = self._open_lock("lock")
        self._users = self._open_lock("users.lock")

    def _open_lock(self, name: str) -> int:
        return os.open(self.directory / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self, purpose: str) -> bool:
        """Take the directory's lock and return True; False when another living starter has it.

        Waits for the servers of a killed run to end.
        """
        deadline = time.monotonic() + DYING_SECONDS
        while not _try_lock(self.lock, fcntl.LOCK_EX):
            if self.holder_lives():
                return False
            if time.monotonic() > deadline:
                raise LaunchFailure(
                    Exit.STATE_IN_USE,
                    f"A killed run's servers still hold {self.directory}: end them first.",
                )
            time.sleep(0.05)
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, json.dumps({"pid": os.getpid(), "purpose": purpose}).encode(), 0)
        return True

    def holder(self) -> dict[str, Any]:
        """Return who holds the lock: its `pid` and `purpose`."""
        try:
            found = json.loads(os.pread(self.lock, 1000, 0) or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def holder_lives(self) -> bool:
        try:
            os.kill(int(self.holder().get("pid", 0)) or 2**30, 0)
        except PermissionError:
            return True
        except (OSError, ValueError):
            return False
        return True

    def in_use(self) -> LaunchFailure:
        """Return the refusal to start what already runs."""
        holder = self.holder()
        return LaunchFailure(
            Exit.STATE_IN_USE,
            f"`{holder.get('purpose', 'another command')}` (process {holder.get('pid', '?')}) already uses "
            f"{self.directory}: stop it, or name another folder with --state.",
        )

    def join(self) -> bool:
        """Say that this process uses the servers, so that their starter waits; False when too late."""
        return _try_lock(self._users, fcntl.LOCK_SH)

    def others_use_it(self) -> bool:
        """Return whether another process has joined."""
        return not _try_lock(self._users, fcntl.LOCK_EX)

    def wait_for_others(self) -> None:
        """Return when no other process has joined."""
        fcntl.flock(self._users, fcntl.LOCK_EX)

    def reset(self) -> None:
        """Remove everything of earlier runs; call with the lock held."""
        for entry in self.directory.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name not in KEPT_BY_RESET:
                entry.unlink()

    def secret_key(self) -> str:
        """Return the signing key of this state, made on first use."""
        path = self.directory / "secret-key"
        if not path.exists() or not path.stat().st_size:
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text(encoding="utf-8").strip()

    def read(self, name: str) -> dict[str, Any] | None:
        """Return one of the JSON files, None when absent.

        Raises: LaunchFailure (CORRUPT_STATE).
        """
        path = self.directory / name
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise LaunchFailure(
                Exit.CORRUPT_STATE,
                f"The file {path} is damaged: restore it from a backup, or start anew with --reset.",
            )
        return found


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    aside.rename(path)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
