"""`oma-poller vma serve` in a process of its own, and requests over a real connection."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patience import PATIENCE_S

COMMAND = [sys.executable, "-m", "oma_poller", "vma", "serve"]


class VmaProcess:
    """A running server."""

    def __init__(self, *options: str, listen: str = "127.0.0.1:0") -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--listen", listen, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        assert self.line.startswith("serving on http://"), (self.line, self.process.communicate(timeout=5))
        self.port = int(self.line.rpartition(":")[2])

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection of its own."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def ask(self, method: str, path: str, document: object = None) -> tuple[int, bytes]:
        """Send one request on a connection of its own."""
        connection = self.connect()
        try:
            return send(connection, method, path, document)
        finally:
            connection.close()

    def entry(self, key: str) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return one entry, which must be there."""
        status, body = self.ask("GET", f"/api/v1/progress/{key}")
        assert status == 200, body
        return json.loads(body)

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit status and what was said on standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors


def send(
    connection: http.client.HTTPConnection, method: str, path: str, document: object = None
) -> tuple[int, bytes]:
    """Send one request on a connection that stays open."""
    connection.request(method, path, None if document is None else json.dumps(document))
    reply = connection.getresponse()
    return reply.status, reply.read()


@contextmanager
def vma_serve(*options: str) -> Iterator[VmaProcess]:
    """Run a server; at the end it is killed where the test did not end it."""
    server = VmaProcess(*options)
    try:
        yield server
    finally:
        server.process.kill()
        with server.process:  # waits, and closes its pipes
            pass


def refused(*options: str) -> tuple[int, str]:
    """Run a server that cannot begin; return its exit status and the last words."""
    done = subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=Path("/")
    )
    assert done.stdout == ""
    return done.returncode, done.stderr
