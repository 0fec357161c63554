"""A client that is killed when it has sent its request, over a real server: asking again with its key gets the first answer."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from registry.models import Transaction, TransactionStep
from tests.api.conftest import Market, key_for, make_market
from tests.serving import served

# Sends what it reads from its input to the port that it is given, and dies before it reads an answer.
CLIENT = """
import os, signal, socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
    server.sendall(sys.stdin.buffer.read())
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def strangers(committed_db: str) -> Market:
    return make_market(strangers=True)


@pytest.fixture
def address(strangers: Market) -> Iterator[str]:
    with served() as found:
        yield found


def request(address: str, path: str, key: str, body: dict[str, Any]) -> urllib.request.Request:
    return urllib.request.Request(
        f"{address}/api/v1/{path}",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Idempotency-Key": "one",
            "Connection": "close",
        },
    )


def send_and_die(wanted: urllib.request.Request) -> None:
    assert isinstance(wanted.data, bytes)
    lines = [f"POST {wanted.selector} HTTP/1.1", f"Host: {wanted.host}", f"Content-Length: {len(wanted.data)}"]
    lines += [f"{name}: {value}" for name, value in wanted.header_items()]
    sent = "\r\n".join([*lines, "", ""]).encode() + wanted.data
    port = wanted.host.rpartition(":")[2]
    client = subprocess.run([sys.executable, "-c", CLIENT, port], input=sent, check=False, timeout=30)
    assert client.returncode == -9


def answers_stored(principal: User) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM registry_answer WHERE principal = %s", [f"user:{principal.pk}"])
        return [body for (body,) in cursor.fetchall()]


def ask_again(wanted: urllib.request.Request) -> tuple[int, str, str]:
    with urllib.request.urlopen(wanted, timeout=30) as answer:
        return answer.status, answer.headers["Idempotency-Replayed"], answer.read().decode()


def wait_for_the_answer_of(user: User) -> str:
    """The dead client's request is carried out all the same; wait for what it was answered."""
    deadline = time.monotonic() + 30
    while not (found := answers_stored(user)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(found) == 1
    return found[0]


def test_whoever_died_after_sending_asks_again_and_is_told_the_one_outcome(strangers: Market, address: str) -> None:
    seller = User.objects.get(username="seller")
    proposal = request(address, "transactions", strangers.keys["seller"], strangers.order())
    send_and_die(proposal)
    first = wait_for_the_answer_of(seller)
    assert ask_again(proposal) == ask_again(proposal) == (201, "true", first)
    [waiting] = Transaction.objects.filter(type_id="10-50", quantity=10)
    second = User.objects.get(username="seller-second")
    approval = request(address, f"transactions/{waiting.pk}/approve", key_for(second), {})
    send_and_die(approval)
    first = wait_for_the_answer_of(second)
    assert ask_again(approval) == (200, "true", first)
    assert json.loads(first)["state"] == "DELAYED"
    assert TransactionStep.objects.filter(transaction=waiting).count() == 1


def test_whoever_asks_again_at_once_makes_nothing_twice(strangers: Market, address: str) -> None:
    """The first request may still be under way, or may not have come in at all."""
    proposal = request(address, "transactions", strangers.keys["seller"], strangers.order())
    send_and_die(proposal)
    status, _, body = ask_again(proposal)
    assert status == 201
    assert ask_again(proposal) == (201, "true", body)
    assert Transaction.objects.filter(type_id="10-50", quantity=10).count() == 1
