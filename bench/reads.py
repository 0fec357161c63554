"""Times the API's reads of a long history in one process: `python -m bench.reads` prints milliseconds as JSON."""

import json
import time
from statistics import median

import django

from bench import worlds

REPETITIONS = 15


def main() -> None:
    """Read each address several times and print the medians."""
    django.setup()
    from django.db import connection
    from django.test import Client

    world = worlds.read()
    with connection.cursor() as cursor:
        cursor.execute("SELECT first_no FROM registry_issue LIMIT 1")
        first = cursor.fetchone()[0]
    addresses = {
        "statement, ms": f"/api/v1/transactions?account={world.accounts[0]}",
        "life of a serial, ms": f"/api/v1/units/{worlds.REGISTRY}/{first + 500_000}",
    }
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {world.api_key}"})
    found = {}
    for name, address in addresses.items():
        times = []
        for _ in range(REPETITIONS):
            began = time.perf_counter()
            answer = client.get(address)
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.content
        found[name] = median(times)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
