"""Probes, and what one VMA costs the others."""

import threading

import pytest
from key_views import one_key
from loopback_vma import PATIENCE_S, Reply, Request, client, entry, http, ok, vma

from oma_poller.model.reading import FailureKind, Reading
from oma_poller.vma.health import HEALTH_PATH
from oma_poller.vma.target import VmaTarget

HUGE = b"x" * 2 * 1024 * 1024


def healthy(request: Request) -> Reply:
    return ok(b'{"status": "healthy"}') if request.path == HEALTH_PATH else entry(request)


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (http(b'{"status": "degraded"}'), "degraded"),
        (http(b"<html>"), "HTTP 200"),
        (http(b"", "404 Not Found"), "HTTP 404"),
        (http(b"", "503 Service Unavailable"), "HTTP 503"),
        (http(HUGE), "the body is larger than 1048576 bytes"),
    ],
)
def test_a_probe_brings_the_vmas_own_word(reply: bytes, word: str) -> None:
    with vma(lambda _: Reply([reply])) as server, client(VmaTarget("v", server.url)) as (fetcher, answers):
        fetcher.probe("v")
        (answer,) = answers.wait_for_probes(1)
        assert (answer.vma, answer.word, answer.failure) == ("v", word, None)
        assert answer.duration_s > 0
        assert [request.path for request in server.requests] == [HEALTH_PATH]


def test_a_probe_of_a_vma_that_is_away_says_why() -> None:
    with client(VmaTarget("v", "http://127.0.0.1:1")) as (fetcher, answers):
        fetcher.probe("v")
        fetcher.probe("nobody")
        by_vma = {answer.vma: answer for answer in answers.wait_for_probes(2)}
        for answer in by_vma.values():
            assert answer.failure is not None
            assert answer.failure.kind is FailureKind.UNREACHABLE
            assert answer.word == ""


def test_a_probe_waits_for_no_other_request() -> None:
    """Those that are under way may hang."""
    arrived = threading.Event()

    def answer(request: Request) -> Reply | None:
        if request.path == HEALTH_PATH:
            return healthy(request)
        arrived.set()
        server.stopped.wait(PATIENCE_S)
        return None

    with vma(answer) as server, client(VmaTarget("v", server.url), max_in_flight=1) as (fetcher, answers):
        fetcher.submit([one_key("v", f"k{n}", n) for n in range(5)])
        assert arrived.wait(PATIENCE_S)
        fetcher.probe("v")
        (probe,) = answers.wait_for_probes(1)
        assert probe.word == "healthy"
        assert len(server.requests) == 2


def test_close_answers_a_probe_that_hangs_once() -> None:
    arrived = threading.Event()

    def hang(_: Request) -> None:
        arrived.set()
        server.stopped.wait(PATIENCE_S)

    with vma(hang) as server, client(VmaTarget("v", server.url)) as (fetcher, answers):
        fetcher.probe("v")
        assert arrived.wait(PATIENCE_S)
        fetcher.close()
        assert [answer.failure is None for answer in answers.wait_for_probes(1)] == [False]
        fetcher.probe("v")
        assert [answer.failure is None for answer in answers.wait_for_probes(2)] == [False, False]


def test_vmas_that_hang_delay_no_other() -> None:
    arrived = threading.Event()

    def hang(_: Request) -> None:
        arrived.set()
        hanging.stopped.wait(PATIENCE_S)

    with vma(hang) as hanging, vma() as lively:
        targets = [VmaTarget(f"h{n}", hanging.url) for n in range(9)]
        with client(*targets, VmaTarget("v", lively.url), max_in_flight=2) as (fetcher, answers):
            fetcher.submit([one_key(f"h{n % 9}", f"k{n}", n) for n in range(90)])
            assert arrived.wait(PATIENCE_S)
            fetcher.submit([one_key("v", f"k{n}", n) for n in range(20)])
            assert {type(answer.outcome) for answer in answers.wait(20)} == {Reading}
            assert {answer.request.vma for answer in answers.all} == {"v"}
            assert fetcher.in_flight == 18
