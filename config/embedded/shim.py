"""Becomes another program that dies with its starter: shim.py STARTER UID GID SIGNAL PROGRAM ARGUMENTS...

Run by path with a bare interpreter, so it imports almost nothing. PR_SET_PDEATHSIG is set after the change
of user, which clears it, and survives exec. UID -1 keeps the user.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Change user, tie this process to its starter, and exec the program."""
    starter, uid, gid, signal_number = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # A starter may ignore signals, which exec would hand on; a server must hear them from its first moment.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    # The starter may have died between fork and prctl; then no signal would ever come.
    if os.getppid() != starter:
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - becoming the program is the purpose


if __name__ == "__main__":
    main(sys.argv[1:])
