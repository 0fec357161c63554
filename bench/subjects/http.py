"""The API over a real socket: gunicorn as the demo runs it, an API key, an idempotency key, one kept connection a client.

The client is a bare socket, because it uses the same cores as the server.
"""

import json
import os
import socket
import uuid
from collections.abc import Callable

from bench import worlds


def load() -> None:
    """Need nothing but the standard library."""


def client(place: int) -> Callable[[], None]:
    """Return an order between two accounts at random, answered 201."""
    world = worlds.read()
    port = int(os.environ["BENCH_PORT"])
    random = worlds.transfers(place, world.accounts)
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def transfer() -> None:
        nonlocal connection
        sender, acquirer = random.sample(world.accounts, 2)
        order = {
            "type": worlds.INTERNAL_TRANSFER,
            "transferring_account": sender,
            "acquiring_account": acquirer,
            "unit_type": worlds.UNIT_TYPE,
            "quantity": random.randint(1, worlds.MOST_PER_TRANSFER),
        }
        request = _request(json.dumps(order).encode(), world.api_key)
        try:
            connection.sendall(request)
            answer = _answer(connection)
        except (BrokenPipeError, ConnectionResetError, EOFError):
            # The server closed a connection that stood idle between two runs; the key makes it safe to ask again.
            connection.close()
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(request)
            answer = _answer(connection)
        if not answer.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(answer[:500].decode(errors="replace"))

    return transfer


def _request(body: bytes, api_key: str) -> bytes:
    head = (
        "POST /api/v1/transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {api_key}\r\nIdempotency-Key: {uuid.uuid4()}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _answer(connection: socket.socket) -> bytes:
    """Return one whole answer. Raises: EOFError when the server closes first."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields.get(b"content-length", b"0")):
        body += _more(connection)
    return head + b"\r\n\r\n" + body


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65_536)
    if not received:
        raise EOFError
    return received
