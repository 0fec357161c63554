"""Starts the tests' own PostgreSQL and Valkey before settings are read (`-p tests.plugin`), and ends them.

The cluster is thrown away and does not wait for the disk; it lies in memory where there is room, since copying a database
is making 700 files, over and over. The servers' keeper removes all of it at the end,
also when the test run is killed. `PG_BIN` names the folder of another PostgreSQL to test on.
"""

import os
import secrets

import pytest

from config.embedded import servers
from config.embedded.failures import LaunchFailure

try:
    SERVERS = servers.start(servers.throwaway_directory(in_memory=True), durable=False, throwaway=True)
except LaunchFailure as failure:
    raise pytest.UsageError(failure.sentence) from None

os.environ.update(
    DATABASE_URL=SERVERS.application_url,
    DATABASE_OWNER_URL=SERVERS.owner_url,
    REDIS_URL=SERVERS.redis_url,
    DJANGO_SECRET_KEY=secrets.token_urlsafe(48),
    REGISTRY_MODE="exercise",
)


def pytest_unconfigure() -> None:
    SERVERS.stop()
