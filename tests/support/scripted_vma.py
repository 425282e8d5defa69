"""A VMA on loopback that says what a test tells it to, and remembers how it was asked."""

import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import unquote

from patience import PATIENCE_S

PROGRESS = "/api/v1/progress/"


def entry(key: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return a progress entry of shape C as a real VMA serves it, with *fields* in place of its own."""
    made: dict[str, Any] = {
        "job_id": key,
        "status": "in_progress",
        "sync_type": "full",
        "phase": "Transfer",
        "percentage": 0,
        "current_operation": "Transferring Data",
        "bytes_transferred": 0,
        "total_bytes": 0,
        "throughput": {"current_mbps": 0, "average_mbps": 0, "peak_mbps": 0, "last_update": ""},
        "timing": {
            "start_time": "2099-01-01T00:00:00Z",
            "last_update": "",
            "elapsed_ms": 1,
            "eta_seconds": 0,
        },
        "vm_info": {"name": "unknown", "path": "unknown", "disk_size_gb": 0, "disk_size_bytes": 0},
        "phases": [],
        "errors": [],
        "last_error": None,
    }
    return made | fields


class ScriptedVma:
    """Entries by key. What is not there is a 404. All attributes may be changed while it serves."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.answer: Callable[[str], tuple[int, bytes, dict[str, str]] | None] | None = None
        """Asked before the entries: (status, body, headers), or None for the entry."""
        self.hold: Event | None = None
        """While it is there and not set, replies wait for it."""
        self.asked: Counter[str] = Counter()
        self.in_flight: Counter[str] = Counter()
        """Requests under way, by key."""
        self.most_in_flight = 0
        self.most_of_one_key = 0
        self.lock = Lock()

    def begin(self, key: str) -> None:
        """Count a request in."""
        with self.lock:
            self.asked[key] += 1
            self.in_flight[key] += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight.total())
            self.most_of_one_key = max(self.most_of_one_key, self.in_flight[key])

    def end(self, key: str) -> None:
        """Count a request out."""
        with self.lock:
            self.in_flight[key] -= 1

    def health(self) -> tuple[int, bytes, dict[str, str]]:
        """Return (status, body, headers) for the question how it is."""
        return 200, b'{"status":"healthy"}', {}

    def reply(self, key: str) -> tuple[int, bytes, dict[str, str]]:
        """Return (status, body, headers) for *key*. A `Date` or `Content-Length` replaces the true one."""
        if self.hold is not None:
            self.hold.wait(PATIENCE_S)
        scripted = self.answer(key) if self.answer is not None else None
        if scripted is not None:
            return scripted
        found = self.entries.get(key)
        if found is None:
            return 404, b"job not found\n", {"Content-Type": "text/plain; charset=utf-8"}
        return 200, json.dumps(found).encode(), {"Content-Type": "application/json"}


def _handler(vma: ScriptedVma) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not self.path.startswith(PROGRESS):
                self._send(*(vma.health() if self.path == "/api/v1/health" else (404, b"", {})))
                return
            key = unquote(self.path.removeprefix(PROGRESS))
            vma.begin(key)
            try:
                answer = vma.reply(key)
            finally:
                vma.end(key)
            self._send(*answer)

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            own = {"Date": self.date_time_string(), "Content-Length": str(len(body))}
            for name, value in (own | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._connections: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a connection, and note it."""
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def cut(self) -> None:
        """Cut every connection, as a machine does that goes down."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a connection that broke: pollers are killed here."""


@contextmanager
def serving(vma: ScriptedVma, port: int = 0) -> Iterator[str]:
    """Serve *vma* on loopback; yield its base URL."""
    server = _Server(port, _handler(vma))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        if vma.hold is not None:
            vma.hold.set()
        server.shutdown()
        server.server_close()
        server.cut()
        thread.join(PATIENCE_S)
