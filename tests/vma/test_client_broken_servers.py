"""The client against servers that send too much, too little, or nothing that is HTTP."""

from collections.abc import Iterator

import pytest
from key_views import one_key
from loopback_vma import Reply, ask, client, http, ok, vma

from oma_poller.model.reading import Failure, FailureKind, Reading
from oma_poller.vma.target import VmaTarget

MIB = 1024 * 1024


def padded(size: int) -> bytes:
    """Return an entry of exactly `size` bytes."""
    body = b'{"status": "Streaming", "bytes_transferred": 5}'
    return body + b" " * (size - len(body))


def chunked(body: bytes, size: int = 60_000) -> Reply:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    framed = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return Reply([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *framed, b"0\r\n\r\n"])


def until_closed(body: bytes) -> Reply:
    return Reply([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", body], close=True)


def kind_of(outcome: object) -> FailureKind:
    assert isinstance(outcome, Failure), outcome
    return outcome.kind


@pytest.mark.parametrize("framing", [ok, chunked, until_closed])
def test_a_body_of_exactly_one_mib_is_accepted(framing: object) -> None:
    assert callable(framing)
    with vma(lambda _: framing(padded(MIB))) as server:
        got = ask(VmaTarget("v", server.url))
        assert isinstance(got.outcome, Reading), got.outcome
        assert got.body == b""  # it is too long to be recorded


@pytest.mark.parametrize("framing", [ok, chunked, until_closed])
def test_a_body_of_one_byte_more_is_refused(framing: object) -> None:
    assert callable(framing)
    with vma(lambda _: framing(padded(MIB + 1))) as server:
        got = ask(VmaTarget("v", server.url))
        assert kind_of(got.outcome) is FailureKind.TOO_LARGE
        assert got.body == b""


def test_a_refused_connection_is_unreachable() -> None:
    with vma() as server:
        url = server.url
    assert kind_of(ask(VmaTarget("v", url)).outcome) is FailureKind.UNREACHABLE


def test_a_name_that_cannot_be_resolved_is_unreachable() -> None:
    outcome = ask(VmaTarget("v", "http://no-such-vma.invalid:9081")).outcome
    assert kind_of(outcome) is FailureKind.UNREACHABLE


def test_kept_alive_connections_that_the_server_drops_are_retried_silently() -> None:
    closing = [Reply([http(b'{"status": "Streaming"}')], close=True) for _ in range(30)]
    with vma(lambda _: closing.pop()) as server:
        target = VmaTarget("v", server.url)
        with client(target, max_in_flight=1) as (fetcher, answers):
            for count in range(1, 31):
                fetcher.submit([one_key("v", "k", count)])
                got = answers.wait(count)
        assert [answer.outcome for answer in got if not isinstance(answer.outcome, Reading)] == []
        assert server.connections == 30


def test_a_truncated_body_is_a_dropped_connection() -> None:
    reply = Reply([b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"status":'], close=True)
    with vma(lambda _: reply) as server:
        got = ask(VmaTarget("v", server.url))
        assert kind_of(got.outcome) is FailureKind.UNREACHABLE
        assert got.body == b""


def test_a_body_truncated_without_a_length_is_not_json() -> None:
    with vma(lambda _: until_closed(b'{"status": "Stre')) as server:
        assert kind_of(ask(VmaTarget("v", server.url)).outcome) is FailureKind.NOT_JSON


@pytest.mark.parametrize(
    "junk", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/9.9 what\r\n\r\n", b"\x00\xff\x00\xff\r\n"]
)
def test_a_server_that_speaks_no_http_is_a_failure(junk: bytes) -> None:
    with vma(lambda _: Reply([junk], close=True)) as server:
        kinds = {FailureKind.UNEXPECTED_STATUS, FailureKind.UNREACHABLE}
        assert kind_of(ask(VmaTarget("v", server.url)).outcome) in kinds


def test_endless_headers_are_cut_off() -> None:
    def lines() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n"
        while not server.stopped.is_set():
            yield b"X-Filler: " + b"x" * 8000 + b"\r\n"

    with vma(lambda _: Reply(lines())) as server:
        assert isinstance(ask(VmaTarget("v", server.url)).outcome, Failure)
