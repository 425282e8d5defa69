"""The real program among clients that mean it no good: it polls on in time, and answers the others."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from oma_database import OmaDatabase
from patience import PATIENCE_S, until
from poller_process import RunningPoller, running
from scripted_vma import ScriptedVma, entry, serving

from oma_poller.database.address import DatabaseAddress, Engine

LATE_S = 5.0
"""Generous: the machine is shared, and what is looked for is a loop that was held up."""
IDLE = 300
"""Connections that say nothing; both ends of each are files."""


@pytest.fixture
def poller(tmp_path: Path) -> Iterator[RunningPoller]:
    """Return a program that polls one job twenty times a second."""
    database = OmaDatabase(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))).create()
    database.add_job("job-1", "v-1")
    vma = ScriptedVma()
    vma.entries["migration-vol-v-1"] = entry("migration-vol-v-1", bytes_transferred=5, total_bytes=1000)
    with serving(vma) as url:
        settings = {
            "OMA_DATABASE_URL": f"sqlite:///{tmp_path / 'oma.db'}",
            "OMA_API_LISTEN": "127.0.0.1:0",
            "VMA_PROGRESS_CLIENT_URL": url,
            "VMA_PROGRESS_POLL_INTERVAL": "50ms",
        }
        with running(tmp_path, settings) as program:
            yield program


def address(poller: RunningPoller) -> tuple[str, int]:
    """Return where the API listens."""
    parts = urlsplit(poller.wait_for("API listening")["url"])
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def answer(where: tuple[str, int], *sent: bytes) -> bytes:
    """Send raw bytes, and return all that comes until the server ends the connection."""
    with socket.create_connection(where, timeout=PATIENCE_S) as way:
        received = b""
        try:
            for part in sent:
                way.sendall(part)
            while part := way.recv(65536):
                received += part
        except ConnectionError:
            pass  # cut off in the middle of what was sent: that is an answer, too
        return received


def polls(where: tuple[str, int]) -> int:
    """Return how many polls were good so far, from the API itself."""
    with urlopen(f"http://{where[0]}:{where[1]}/api/v1/polling", timeout=PATIENCE_S) as reply:
        return int(sum(json.load(reply)["polls"].values()))


def test_clients_that_say_nothing_hold_up_neither_polls_nor_others(poller: RunningPoller) -> None:
    where = address(poller)
    with ExitStack() as held:
        for number in range(IDLE):
            way = held.enter_context(socket.create_connection(where, timeout=PATIENCE_S))
            if number % 2:
                way.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        before = polls(where)
        until(lambda: polls(where) > before + 5, "polls that go on")
        first = way
        assert first.recv(1) == b""  # what sends nothing whole is closed after a while
    assert poller.stop() == 0
    assert poller.said("stopped")[0]["late_most_s"] < LATE_S


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        ((b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Big: " + b"x" * 400_000 + b"\r\n\r\n",), {b"400", b"431"}),
        ((b"\x16\x03\x01\x00\xa5 this is no HTTP\r\n\r\n",), {b"400"}),
        ((b"GET / HTTP/1.1\r\n\r\n",), {b"400", b"421"}),
        ((b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",), {b"421"}),
        (
            (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: localhost\r\nConnection: close\r\n\r\n",),
            {b"400", b"421"},
        ),
        (
            (
                b"POST /api/v1/polling/job-1/start HTTP/1.1\r\nHost: localhost\r\n",
                b"Content-Length: 99999999\r\n\r\n",
            ),
            {b"413"},
        ),
    ],
)
def test_what_is_wrong_is_refused_and_the_next_is_served(
    poller: RunningPoller, sent: tuple[bytes, ...], statuses: set[bytes]
) -> None:
    where = address(poller)
    received = answer(where, *sent)
    assert not received or received.split(b" ", 2)[1] in statuses  # it may be cut off while it still sends
    assert b"Traceback" not in received
    assert polls(where) >= 0
    assert poller.stop() == 0
    assert "Traceback" not in "".join(poller.output)


def test_requests_that_are_sent_in_one_go_are_answered_in_order(poller: RunningPoller) -> None:
    where = address(poller)
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    received = answer(where, (one + b"\r\n") * 19 + one + b"Connection: close\r\n\r\n")
    assert received.count(b"HTTP/1.1 200 OK") == 20


def test_the_program_ends_in_time_with_readers_of_events_that_do_not_go(poller: RunningPoller) -> None:
    where = address(poller)
    with ExitStack() as held:
        for _ in range(5):
            way = held.enter_context(socket.create_connection(where, timeout=PATIENCE_S))
            way.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert way.recv(12) == b"HTTP/1.1 200"
        assert poller.stop() == 0


def test_a_port_that_is_taken_stops_no_poll_and_is_taken_once_it_is_free(tmp_path: Path) -> None:
    OmaDatabase(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))).create()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = {
            "OMA_DATABASE_URL": f"sqlite:///{tmp_path / 'oma.db'}",
            "OMA_API_LISTEN": f"127.0.0.1:{port}",
        }
        with running(tmp_path, settings) as poller:
            assert str(port) in poller.wait_for("API cannot listen")["detail"]
            assert poller.process.poll() is None
            other.close()
            assert poller.wait_for("API listening")["url"] == f"http://127.0.0.1:{port}"
            assert len(poller.said("API cannot listen")) == 1
            assert poller.stop() == 0
