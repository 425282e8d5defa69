"""A VMA on loopback for tests: raw sockets, so that it can also behave badly."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from key_views import Got, each_got, one_key

from oma_poller.clock import Clock, SystemClock
from oma_poller.engine.cohort_request import CohortAnswer
from oma_poller.engine.ports import Answer, ProbeAnswer, TierAnswer
from oma_poller.vma.client import VMAProgressClient
from oma_poller.vma.target import VmaTarget

PATIENCE_S = 20.0
"""How long a test waits for what must happen."""
TLS_HANDSHAKE = b"\x16"
"""First byte of a TLS client's first message."""


@dataclass(frozen=True)
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What goes out, part by part."""

    parts: Iterable[bytes]
    close: bool = False


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole reply with a Content-Length."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def ok(body: bytes, *headers: str) -> Reply:
    """Return a good reply."""
    return Reply([http(body, "200 OK", *headers)])


def entry(request: Request) -> Reply:
    """Answer any key with a small progress entry that echoes it."""
    key = request.path.rpartition("/")[2]
    return ok(b'{"job_id": "%s", "status": "Streaming", "bytes_transferred": 5}' % key.encode())


@dataclass
class LoopbackVma:
    """The server, and what it saw."""

    answer: Callable[[Request], Reply | None]
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    in_flight: int = 0
    peak: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over: whatever hangs must end."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Base URL."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def accept(self) -> None:
        """Take connections until stopped."""
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self.connections += 1
                self._sockets.append(connection)
                self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End everything."""
        self.stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _serve(self, raw: socket.socket) -> None:
        with raw, suppress(OSError):
            if self.tls is None:
                self._converse(raw)
                return
            connection = self.tls.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
            with connection:
                try:
                    connection.do_handshake()
                except ssl.SSLError:
                    _drain(connection)
                    return
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        if self.tls is None and connection.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            _drain(connection)
            return
        with connection.makefile("rb") as reader:
            while (request := _read_request(reader)) is not None:
                with self._lock:
                    self.requests.append(request)
                    self.in_flight += 1
                    self.peak = max(self.peak, self.in_flight)
                reply = self.answer(request)
                with self._lock:
                    self.in_flight -= 1
                if reply is None:
                    return
                for part in reply.parts:
                    connection.sendall(part)
                if reply.close:
                    return


def _drain(connection: socket.socket) -> None:
    """Say goodbye and wait for the other's: closing at once would reset what was just sent."""
    socket.socket.shutdown(connection, socket.SHUT_WR)
    while socket.socket.recv(connection, 4096):
        pass


def _read_request(reader: Iterable[bytes]) -> Request | None:
    lines = iter(reader)
    first = next(lines, b"")
    if not first:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        if line == b"\r\n":
            break
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Request(first.split()[1].decode("latin-1"), headers)


@contextmanager
def vma(
    answer: Callable[[Request], Reply | None] = entry, tls: ssl.SSLContext | None = None
) -> Iterator[LoopbackVma]:
    """Run a VMA."""
    server = LoopbackVma(answer, tls)
    thread = threading.Thread(target=server.accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(PATIENCE_S)


class PushedClock(SystemClock):
    """The real clock, which a test can push ahead; the time of day stays as it is."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        """Return the real time and what it was pushed by."""
        return super().monotonic() + self.ahead_s


class Answers:
    """Collects what a client delivers."""

    def __init__(self) -> None:
        self.batches: list[list[Got]] = []
        self.probes: list[ProbeAnswer] = []
        self.cohorts: list[CohortAnswer] = []
        self._changed = threading.Condition()

    def deliver(self, batch: Sequence[Answer]) -> None:
        """Take a batch."""
        with self._changed:
            keys = [got for answer in batch if isinstance(answer, TierAnswer) for got in each_got(answer)]
            if keys:
                self.batches.append(keys)
            self.probes += [answer for answer in batch if isinstance(answer, ProbeAnswer)]
            self.cohorts += [answer for answer in batch if isinstance(answer, CohortAnswer)]
            self._changed.notify_all()

    @property
    def all(self) -> list[Got]:
        """Everything so far, key by key."""
        with self._changed:
            return [answer for batch in self.batches for answer in batch]

    def wait_for_cohorts(self, count: int) -> list[CohortAnswer]:
        """Return all answers to cohorts, once there are `count`."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.cohorts) >= count, PATIENCE_S)
            return list(self.cohorts)

    def wait_for_probes(self, count: int) -> list[ProbeAnswer]:
        """Return all answers to probes, once there are `count`."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.probes) >= count, PATIENCE_S)
            return list(self.probes)

    def wait(self, count: int) -> list[Got]:
        """Return all answers, once there are `count`."""
        with self._changed:
            enough = self._changed.wait_for(lambda: sum(map(len, self.batches)) >= count, PATIENCE_S)
        assert enough, f"{len(self.all)} of {count} answers came"
        return self.all


@contextmanager
def client(
    *targets: VmaTarget,
    max_in_flight: int = 10,
    timeout_s: float = PATIENCE_S,
    clock: Clock | None = None,
) -> Iterator[tuple[VMAProgressClient, Answers]]:
    """Run a client."""
    answers = Answers()
    fetcher = VMAProgressClient(
        targets, max_in_flight=max_in_flight, timeout_s=timeout_s, clock=clock or SystemClock()
    )
    fetcher.start(answers.deliver)
    try:
        yield fetcher, answers
    finally:
        fetcher.close()


def ask(target: VmaTarget, key: str = "k1", timeout_s: float = PATIENCE_S) -> Got:
    """Ask for one key with a client of its own."""
    with client(target, timeout_s=timeout_s) as (fetcher, answers):
        fetcher.submit([one_key(target.name, key, 7)])
        (answer,) = answers.wait(1)
        return answer
