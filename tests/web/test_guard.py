"""What a request must pass, over real HTTP against the real server thread with a tiny app behind it."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest
from loopback_certificates import Authority
from patience import PATIENCE_S, until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from oma_poller.listening import bind
from oma_poller.web.connection import GuardedConnection
from oma_poller.web.guard import BODY_LIMIT_BYTES, HEADERS_LIMIT_BYTES, Guard
from oma_poller.web.headers import SafeHeaders
from oma_poller.web.rate import Rates
from oma_poller.web.server import ApiServer
from oma_poller.web.settings import ApiSettings

TOKEN = "t0ken"  # noqa: S105 - made up


LARGE_BYTES = 32 * 2**20
"""More than the system's buffers hold between two ends of a connection."""


async def _hello(request: Request) -> Response:
    return PlainTextResponse("x" * LARGE_BYTES if request.url.path == "/large" else "hello")


def guarded(settings: ApiSettings) -> ASGIApp:
    """Return an app that answers every call that its guards let pass."""
    routes = [Route("/{path:path}", _hello, methods=["GET", "POST"])]
    return SafeHeaders(Guard(Starlette(routes=routes), settings))


@contextmanager
def served(**settings: object) -> Iterator[int]:
    """Serve it; yield the port."""
    with bind("127.0.0.1", 0, "test") as free:
        port = free.getsockname()[1]
    complete = ApiSettings(("127.0.0.1", port), **settings)  # type: ignore[arg-type] # as each test names them
    server = ApiServer(complete, lambda: guarded(complete))
    server.start()
    try:
        assert server.is_listening.wait(PATIENCE_S)
        yield port
    finally:
        server.close()


@contextmanager
def asked(port: int, method: str = "GET", path: str = "/x", **headers: str) -> Iterator[HTTPResponse]:
    """Send one request, and yield the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        yield connection.getresponse()
    finally:
        connection.close()


def status(port: int, method: str = "GET", path: str = "/x", **headers: str) -> int:
    """Return the status of one request."""
    with asked(port, method, path, **headers) as answer:
        return answer.status


async def status_from(peer: str, app: ASGIApp, method: str) -> int:
    """Return the status of a request of a peer that no real connection can have here."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "scheme": "http",
        "method": method,
        "path": "/x",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": (peer, 5000),
    }
    await app(scope, receive, send)
    found = sent[0]["status"]
    assert isinstance(found, int)
    return found


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", 200),
        ("LOCALHOST.:8082", 200),
        ("192.0.2.7:8082", 200),
        ("[::1]:8082", 200),
        ("oma.example.net", 200),
        (socket.gethostname(), 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil@localhost", 421),
        ("localhost/evil", 421),
        ("localhost:99999", 421),
    ],
)
def test_a_foreign_host_is_refused(host: str, expected: int) -> None:
    with served(allowed_hosts=("oma.example.net",)) as port:
        assert status(port, Host=host) == expected


def test_a_foreign_origin_is_refused() -> None:
    with served() as port:
        own = f"127.0.0.1:{port}"
        assert status(port, "POST", Origin=f"http://{own}") == 200
        assert status(port, "POST", Origin=f"https://{own}") == 403
        assert status(port, "POST", Origin="null") == 403
        assert status(port, Origin="http://evil.example") == 403
        assert status(port, "POST", Sec_Fetch_Site="cross-site") == 403
        assert status(port, "GET", Sec_Fetch_Site="cross-site") == 200  # a link is followed


def test_changes_need_the_token_and_reading_does_not() -> None:
    with served(token=TOKEN) as port:
        assert status(port) == 200
        assert status(port, "POST") == 401
        assert status(port, "POST", Authorization="Bearer wrong") == 401
        assert status(port, "POST", Authorization=f"Basic {TOKEN}") == 401
        assert status(port, "POST", Authorization=f"Bearer {TOKEN}") == 200
        with asked(port, "DELETE", Authorization="Bearer wr\xf6ng") as answer:
            assert (answer.status, answer.getheader("WWW-Authenticate")) == (401, "Bearer")
            assert TOKEN.encode() not in answer.read()


def test_reading_needs_the_token_where_that_is_wanted() -> None:
    with served(token=TOKEN, token_for_reading=True) as port:
        assert status(port) == 401
        assert status(port, Authorization=f"bearer {TOKEN}") == 200
        assert [status(port, path=path) for path in ("/", "/healthz", "/readyz", "/static/x.js")] == [200] * 4
        assert status(port, "POST", "/") == 401


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("127.0.0.1", 200),
        ("127.9.9.9", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("192.0.2.7", 403),
        ("::ffff:192.0.2.7", 403),
        ("2001:db8::1", 403),
        ("", 403),
    ],
)
def test_without_a_token_only_loopback_may_change_anything(peer: str, expected: int) -> None:
    app = guarded(ApiSettings(None))
    assert asyncio.run(status_from(peer, app, "POST")) == expected
    assert asyncio.run(status_from(peer, app, "GET")) == 200


def test_a_body_has_a_limit() -> None:
    with served() as port:
        assert status(port, "POST", Content_Length="0") == 200
        with asked(port, "POST", Content_Length=str(BODY_LIMIT_BYTES + 1)) as answer:
            assert (answer.status, answer.getheader("Content-Type")) == (413, "application/problem+json")


def test_headers_have_a_limit_however_they_come() -> None:
    with served() as port:
        with asked(port, Cookie="x" * (HEADERS_LIMIT_BYTES - 200)) as answer:
            assert answer.status == 200
        with asked(port, Cookie="x" * HEADERS_LIMIT_BYTES) as answer:
            assert answer.status in {400, 431}
        with asked(port, path="/x?" + "y" * HEADERS_LIMIT_BYTES) as answer:
            assert answer.status in {400, 431}


def test_connections_of_all_addresses_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oma_poller.web.connection.MOST_OF_ALL", 2)
    with served() as port:
        first, second, third = (socket.create_connection(("127.0.0.1", port), PATIENCE_S) for _ in range(3))
        with first, second, third:
            assert is_cut(third)
            first.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert first.recv(12) == b"HTTP/1.1 200"


def is_cut(connection: socket.socket) -> bool:
    """Whether the server has closed a connection."""
    connection.settimeout(PATIENCE_S)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_it_is_served_over_tls_where_a_certificate_is_given(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    pair = authority.issue("oma")
    context = ssl.create_default_context(cafile=str(authority.cert_file))
    with served(cert_file=pair.cert_file, key_file=pair.key_file) as port:
        connection = HTTPSConnection("localhost", port, timeout=PATIENCE_S, context=context)
        connection.request("GET", "/x", headers={"Origin": f"https://localhost:{port}"})
        assert connection.getresponse().status == 200
        connection.close()


def test_every_answer_says_what_a_browser_may_do_with_it() -> None:
    with served(token=TOKEN) as port:
        for method, expected in (("GET", 200), ("POST", 401)):
            with asked(port, method) as answer:
                assert answer.status == expected
                assert (answer.getheader("Content-Security-Policy") or "").startswith("default-src 'none'; ")
                assert answer.getheader("X-Content-Type-Options") == "nosniff"
                assert answer.getheader("Referrer-Policy") == "no-referrer"
                assert answer.getheader("Server") is None


def test_one_address_cannot_ask_without_end_and_others_are_not_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Rates, "A_SECOND", 0.001)
    monkeypatch.setattr(Rates, "BURST", 3)
    rates = Rates()
    assert [rates.wait_s("a") for _ in range(4)] == [None, None, None, 1000]
    assert rates.wait_s("b") is None


def test_what_is_remembered_of_addresses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rates, "MOST_ADDRESSES", 2)
    monkeypatch.setattr(Rates, "BURST", 1)
    rates = Rates()
    assert [rates.wait_s(name) for name in ("a", "b", "c", "a")] == [None] * 4


def test_a_client_that_does_not_take_what_it_asked_for_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oma_poller.web.connection.GuardedConnection.unread_s", 0.2)
    with served() as port, socket.create_connection(("127.0.0.1", port), PATIENCE_S) as idle:
        idle.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert received_of(idle) < LARGE_BYTES


def test_all_unread_replies_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oma_poller.web.connection.MOST_UNREAD_BYTES", LARGE_BYTES // 2)
    with served() as port, socket.create_connection(("127.0.0.1", port), PATIENCE_S) as idle:
        idle.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert received_of(idle) < LARGE_BYTES


def received_of(connection: socket.socket) -> int:
    """Return how many bytes had come when the server gave up the only connection it has."""
    until(lambda: GuardedConnection.per_address.total() == 1, "the connection")
    until(lambda: GuardedConnection.per_address.total() == 0, "its end, though nobody read")
    received = 0
    with suppress(ConnectionError):
        while piece := connection.recv(2**16):
            received += len(piece)
    return received


def test_those_who_watch_are_not_limited_by_what_others_ask() -> None:
    with served() as port:
        for _ in range(Rates.BURST + 20):
            with asked(port, path="/healthz") as answer:
                assert answer.status == 200


def test_a_server_that_broke_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oma_poller.web.server.RETRY_S", 0.01)
    makes = iter([ZeroDivisionError("planted"), None])

    def make() -> ASGIApp:
        error = next(makes)
        if error is not None:
            raise error
        return guarded(settings)

    settings = ApiSettings(("127.0.0.1", 0))
    server = ApiServer(settings, make)
    server.start()
    try:
        assert server.is_listening.wait(PATIENCE_S)
    finally:
        server.close()
