"""A VMA as it is met in the field, with its faults: it takes a copier's reports and serves them (F2, F3)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote

from patience import PATIENCE_S
from scripted_vma import PROGRESS, entry

_UPDATE = "/update"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


class OriginalVma:
    """Entries by key. None is ever deleted, the start stays the first run's, zeros overwrite nothing."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Any]] = {}
        self._lock = Lock()

    def take(self, key: str, report: dict[str, Any]) -> dict[str, Any]:
        """Take a report; return what is answered. Fields it does not know (run_id, lease) are ignored."""
        with self._lock:
            is_new = key not in self._entries
            kept = self._entries.setdefault(key, entry(key, timing={"start_time": _now()}))
            for field in ("bytes_transferred", "total_bytes"):
                kept[field] = report.get(field) or kept[field]
            kept["percentage"] = report.get("percent") or kept["percentage"]
            kept["status"] = report.get("status") or kept["status"]
            kept["phase"] = report.get("stage") or kept["phase"]
        answer = {"job_id": key, "status": "success"}
        return {"auto_initialized": True} | answer if is_new else answer

    def entry(self, key: str) -> dict[str, Any] | None:
        """Return an entry as a GET shows it: last updated just now, whatever happened to it."""
        with self._lock:
            kept = self._entries.get(key)
            return kept and kept | {"timing": kept["timing"] | {"last_update": _now(), "eta_seconds": 0}}


def _handler(vma: OriginalVma) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not self.path.startswith(PROGRESS):
                self._send(200 if self.path == "/api/v1/health" else 404, {"status": "healthy"})
                return
            found = vma.entry(unquote(self.path.removeprefix(PROGRESS)))
            self._send(404 if found is None else 200, found)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            key = unquote(self.path.removeprefix(PROGRESS).removesuffix(_UPDATE))
            self._send(200, vma.take(key, json.loads(body)))

        def _send(self, status: int, document: dict[str, Any] | None) -> None:
            body = b"job not found\n" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if document is None else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a connection that broke: its client has ended."""


@contextmanager
def original_vma() -> Iterator[str]:
    """Serve such a VMA on loopback; yield its base URL."""
    server = _Server(("127.0.0.1", 0), _handler(OriginalVma()))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)
