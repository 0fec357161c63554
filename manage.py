#!/usr/bin/env python3
"""Django's command line for the registry."""

import os
import signal
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] in (["demo"], ["in_demo"]):
        # These start the processes that use Django. Doing without it, they need not wait for its import. Until
        # they have started something there is nothing to unwind, so Ctrl-C simply ends them.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from config.embedded.command import main

        sys.exit(main(sys.argv[1:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
