"""A VMA that takes reports and remembers them; it can be away, refuse, and come back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import unquote

from patience import PATIENCE_S, until

Report = dict[str, Any]


class ProgressReceiver:
    """Reports by key, in the order they came. All public attributes may be changed while it serves."""

    def __init__(self) -> None:
        self.status = 200
        """What is answered."""
        self.hold: Event | None = None
        """While it is there and not set, answers wait for it."""
        self.refused = 0
        """Reports that were answered with anything but 200; they are not kept."""
        self.connections = 0
        self._lock = Lock()
        self._reports: list[tuple[str, Report]] = []
        self.server = _Server(("127.0.0.1", 0), _Taker)
        self.server.receiver = self

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, key: str, report: Report) -> int:
        """Remember a report; the status to answer with."""
        if self.hold is not None:
            self.hold.wait(PATIENCE_S)
        with self._lock:
            if self.status == 200:
                self._reports.append((key, report))
            else:
                self.refused += 1
            return self.status

    def reports(self, key: str | None = None) -> list[Report]:
        """Return what came under a key, or under all."""
        with self._lock:
            return [report for stored, report in self._reports if key in {None, stored}]

    def moving(self, key: str, least: int = 1) -> list[Report]:
        """Return the reports with bytes that are not an end, once there are so many."""

        def look() -> list[Report]:
            found = [r for r in self.reports(key) if r["bytes_transferred"] and r["status"] == "in_progress"]
            return found if len(found) >= least else []

        return until(look, f"{least} reports of {key} with bytes")

    def statuses(self) -> list[tuple[str, str]]:
        """Return each (key or disk_id, status) that came, once, in order."""
        with self._lock:
            told = [(report.get("disk_id") or key, report["status"]) for key, report in self._reports]
        return list(dict.fromkeys(told))


class _Server(ThreadingHTTPServer):
    receiver: ProgressReceiver
    daemon_threads = True


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.receiver.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = unquote(self.path.removeprefix("/api/v1/progress/").removesuffix("/update"))
        status = self.server.receiver.take(key, json.loads(body))
        answer = b'{"status": "success"}\n' if status == 200 else b"no, not this one\n"
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except OSError:
            self.close_connection = True  # a copier that was killed meanwhile

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@contextmanager
def progress_receiver() -> Iterator[ProgressReceiver]:
    """Serve on a free port of loopback for the length of the block."""
    receiver = ProgressReceiver()
    thread = Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.hold is not None:
            receiver.hold.set()
        receiver.server.shutdown()
        thread.join(PATIENCE_S)
        receiver.server.server_close()
