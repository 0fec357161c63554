"""A real HTTP server for tests: threads on loopback, on the test's own database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections

from config.wsgi import application


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class Server(ThreadedWSGIServer):
    """Waits for its requests at the end, and leaves no connection open."""

    daemon_threads = False

    def process_request_thread(self, request, client_address):
        """Serve one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


@contextmanager
def served() -> Iterator[str]:
    """Serve the whole service, and give its address."""
    server = Server(("127.0.0.1", 0), Quiet, allow_reuse_address=False)
    server.set_app(StaticFilesHandler(application))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
