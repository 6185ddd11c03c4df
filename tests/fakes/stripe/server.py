"""The HTTP server: reads requests, sends answers whole or cut, on 127.0.0.1 only."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.fakes.stripe import control, hosted
from tests.fakes.stripe.http_types import Request, Response

if TYPE_CHECKING:
    from tests.fakes.stripe.fake import FakeStripe

log = logging.getLogger("fake_stripe")
MAX_BODY = 1 << 20


class Server(ThreadingHTTPServer):
    """One thread per connection; `close_all` ends connections that clients keep open."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, fake: FakeStripe, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.fake = fake
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()

    def track(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def untrack(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is ordinary; anything else goes to the log with its traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            log.error("request from %s failed", client_address, exc_info=sys.exc_info())

    def close_all(self) -> None:
        self.server_close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """Reads one request after another from a connection; the answers are written as raw bytes so they can be cut."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.track(self.connection)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.server.untrack(self.connection)

    def log_message(self, template: str, *args: object) -> None:
        log.info("%s %s", self.address_string(), template % args)

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            self._send(Response(413))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, parts.query, headers, self.rfile.read(length))
        self._send(answer(self.server.fake, request))

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _send(self, response: Response) -> None:
        raw = response.raw()
        self.log_request(response.status)
        cut = response.cut_after is not None and response.cut_after < len(raw)
        with contextlib.suppress(OSError):
            self.wfile.write(raw[: response.cut_after] if cut else raw)
            if cut:
                self.connection.shutdown(socket.SHUT_RDWR)
        if cut:
            self.close_connection = True


def answer(fake: FakeStripe, request: Request) -> Response:
    """Send a request to its part: the control API, the hosted page or the /v1 API, the latter two under faults."""
    if request.path.startswith(control.PREFIX):
        response = control.handle(fake, request)
    else:
        fault = fake.faults.take(request.method, request.path)
        if request.path.startswith(hosted.PREFIX):
            response = hosted.handle(fake.state, request)
        else:
            response = fake.api.handle(request, fault)
        if fault is not None and fault.kind == "cut":
            response.cut_after = fault.after
    if request.method != "GET":
        fake.save()
    return response
