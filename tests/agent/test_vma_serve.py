"""The server as a program: its line, its signals, its end, and what a killed one still knows."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from vma_process import COMMAND, VmaProcess, refused, send, vma_serve

KEYS = 5
WRITERS = 3


def report(moved_bytes: int) -> dict[str, object]:
    return {"stage": "Transfer", "status": "running", "bytes_transferred": moved_bytes, "total_bytes": 10**9}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_serves_and_ends_with_0_on_a_signal(number: int) -> None:
    with vma_serve() as server:
        assert server.line == f"serving on http://127.0.0.1:{server.port}\n"
        connection = server.connect()
        assert send(connection, "GET", "/api/v1/health")[0] == 200
        assert server.end(number) == (0, "")
        connection.close()


def test_it_answers_a_real_client_as_recorded() -> None:
    with vma_serve() as server:
        connection = server.connect()
        assert send(connection, "POST", "/api/v1/progress/a%20b/update", report(5)) == (
            200,
            b'{"auto_initialized":true,"job_id":"a b","status":"success"}\n',
        )
        connection.request("GET", "/api/v1/progress/a%20b")
        reply = connection.getresponse()
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Cache-Control"] == "no-cache"
        assert reply.headers["Date"].endswith(" GMT")
        assert reply.headers["Server"] is None
        assert json.loads(reply.read())["bytes_transferred"] == 5
        assert send(connection, "GET", "/api/v1/progress/x") == (404, b"job not found\n")
        connection.close()


def test_it_can_say_where_it_serves_in_json() -> None:
    with subprocess.Popen(
        [*COMMAND, "--listen", "127.0.0.1:0", "--json"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        document = json.loads(server.stdout.readline())
        server.terminate()
    assert list(document) == ["url"]
    assert document["url"].startswith("http://127.0.0.1:")


def test_its_bounds_can_be_set() -> None:
    with vma_serve("--lease", "1h", "--max-keys", "1") as server:
        server.ask("POST", "/api/v1/progress/a/update", report(5))
        assert server.ask("POST", "/api/v1/progress/b/update", report(5))[0] == 503


def test_a_port_in_use_is_one_line_and_1() -> None:
    with vma_serve() as server:
        where = f"127.0.0.1:{server.port}"
        assert refused("--listen", where) == (
            1,
            f"oma-poller: cannot listen on {where}: Address already in use\n",
        )


@pytest.mark.parametrize(
    "listen", ["", "nope", "1.2.3.4", "host:", ":80", "h:65536", "h:-1", "::1:80", "a b:1"]
)
def test_a_bad_address_is_one_line_and_2(listen: str) -> None:
    told = f"--listen {listen!r} is no address: allowed are HOST:PORT and [IPV6]:PORT, port 0 to 65535"
    assert refused("--listen", listen) == (2, f"oma-poller: {told}\n")


@pytest.mark.parametrize("lease", ["", "30", "0s", "-1s", "25h"])
def test_a_bad_lease_is_one_line_and_2(lease: str) -> None:
    assert refused("--lease", lease) == (
        2,
        f"oma-poller: --lease {lease!r} is no lease: allowed are durations up to 24h, as in 500ms, 30s, 2m\n",
    )


def test_a_state_file_that_cannot_be_is_one_line_and_1(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "state.db"
    assert refused("--state", str(path)) == (
        1,
        f"oma-poller: state file {path} cannot be opened: unable to open database file\n",
    )
    with vma_serve("--state", str(tmp_path / "state.db")):
        status, words = refused("--listen", "127.0.0.1:0", "--state", str(tmp_path / "state.db"))
        assert (status, "another server is using it" in words, words.count("\n")) == (1, True, 1)


def test_broken_requests_are_refused_and_harm_nobody() -> None:
    with vma_serve() as server:
        for words in (
            b"\x16\x03\x01 no HTTP\r\n\r\n",
            b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
            b"POST /api/v1/progress/k/update HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        ):
            assert raw(server, words).startswith(b"HTTP/1.1 400 "), words[:60]
        oversized = b"POST /api/v1/progress/k/update HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n"
        assert raw(server, oversized).startswith(b"HTTP/1.1 413 ")
        with socket.create_connection(("127.0.0.1", server.port)) as cut:
            cut.sendall(oversized.replace(b"9999999", b"99") + b'{"bytes')
        assert server.ask("GET", "/api/v1/progress/k")[0] == 404
        assert server.end(signal.SIGTERM) == (0, "")


def raw(server: VmaProcess, words: bytes) -> bytes:
    """Send bytes; return what comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        answer = b""
        with suppress(ConnectionError):  # it may answer and close before all was sent
            connection.sendall(words)
        with suppress(ConnectionError):  # where bytes of ours were left unread, it closes with a reset
            while part := connection.recv(65536):
                answer += part
        return answer


class Writer:
    """Reports ever more bytes under its own keys until the server is gone; knows what was acknowledged."""

    def __init__(self, server: VmaProcess, name: str, begin: dict[str, int], kill_after: int) -> None:
        self.server = server
        self.keys = [f"{name}-{number}" for number in range(KEYS)]
        self.acknowledged = dict(begin)
        self.sent = dict(begin)
        self.kill_after = kill_after
        self.thread = Thread(target=self._run)

    def _run(self) -> None:
        connection = self.server.connect()
        turn = 0
        try:
            while True:
                key = self.keys[turn % KEYS]
                self.sent[key] = self.acknowledged.get(key, 0) + 1
                status, _ = send(connection, "POST", f"/api/v1/progress/{key}/update", report(self.sent[key]))
                assert status == 200
                self.acknowledged[key] = self.sent[key]
                turn += 1
                if turn == self.kill_after:
                    self.server.process.send_signal(signal.SIGKILL)
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()


def test_every_acknowledged_report_is_there_after_kill_9_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))  # noqa: S311 - moments, not secrets
    state = ["--state", str(tmp_path / "state.db")]
    known: list[dict[str, int]] = [{} for _ in range(WRITERS)]
    starts: dict[str, str] = {}
    for _ in range(6):
        with vma_serve(*state) as server:
            # One writer kills the server after some of its own reports; the others are then at any point.
            writers = [
                Writer(server, f"w{number}", known[number], chance.randint(1, 150) if number == 0 else 0)
                for number in range(WRITERS)
            ]
            for writer in writers:
                writer.thread.start()
            for writer in writers:
                writer.thread.join(60)
            assert server.process.wait(30) == -signal.SIGKILL
        with vma_serve(*state) as server:
            for number, writer in enumerate(writers):
                for key, acknowledged in writer.acknowledged.items():
                    entry = server.entry(key)
                    assert acknowledged <= entry["bytes_transferred"] <= writer.sent[key]
                    assert entry["timing"]["start_time"] == starts.setdefault(
                        key, entry["timing"]["start_time"]
                    )
                    known[number][key] = entry["bytes_transferred"]
            assert server.end(signal.SIGTERM)[0] == 0
    assert sum(map(len, known)) > KEYS
