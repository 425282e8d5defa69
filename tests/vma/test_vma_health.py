"""The one-shot looks at a VMA that `oma-poller check` takes."""

import pytest
from loopback_vma import PATIENCE_S, Reply, Request, http, ok, vma

from oma_poller.clock import SystemClock
from oma_poller.errors import UsageError
from oma_poller.model.reading import Failure, FailureKind, Missing, Reading
from oma_poller.vma.health import fetch_once, probe
from oma_poller.vma.target import VmaTarget


def test_a_healthy_vma_says_so() -> None:
    with vma(lambda _: ok(b'{"status":"healthy","uptime":"2.9s"}\n')) as server:
        health = probe(VmaTarget("v", server.url), PATIENCE_S)
        assert (health.reachable, health.status, health.detail) == (True, "healthy", "")
        assert health.latency_s > 0
        assert server.requests[0].path == "/api/v1/health"


@pytest.mark.parametrize(
    ("reply", "status", "detail"),
    [
        (http(b"404 page not found\n", "404 Not Found"), "HTTP 404", "404 page not found"),
        (http(b'{"status": "healthy"}', "503 Service Unavailable"), "HTTP 503", '{"status": "healthy"}'),
        (http(b"<html>\nhello"), "HTTP 200", "<html>"),
        (http(b"[1]"), "HTTP 200", "[1]"),
        (http(b'{"status": 5}'), "HTTP 200", '{"status": 5}'),
        (http(b""), "HTTP 200", ""),
    ],
)
def test_a_vma_that_answers_something_else_is_reachable(reply: bytes, status: str, detail: str) -> None:
    with vma(lambda _: Reply([reply])) as server:
        health = probe(VmaTarget("v", server.url), PATIENCE_S)
        assert (health.reachable, health.status, health.detail) == (True, status, detail)


def test_a_vma_that_is_away_is_not_reachable() -> None:
    with vma() as server:
        url = server.url
    health = probe(VmaTarget("v", url), PATIENCE_S)
    assert not health.reachable
    assert health.status == ""
    assert "connect" in health.detail.lower()


def test_a_vma_that_hangs_is_given_up_after_the_time_out() -> None:
    def answer(_: Request) -> None:
        server.stopped.wait(PATIENCE_S)

    with vma(answer) as server:
        assert not probe(VmaTarget("v", server.url), 0.2).reachable
        got = fetch_once(VmaTarget("v", server.url), "k", 0.2, SystemClock())
        assert isinstance(got.outcome, Failure)
        assert got.outcome.kind is FailureKind.TIMEOUT


def test_one_key_is_fetched_as_the_client_would() -> None:
    with vma() as server:
        target = VmaTarget("v", server.url)
        assert isinstance(fetch_once(target, "k", PATIENCE_S, SystemClock()).outcome, Reading)
        bad = fetch_once(target, "..", PATIENCE_S, SystemClock()).outcome
        assert isinstance(bad, Failure)
        assert bad.kind is FailureKind.BAD_KEY
    with vma(lambda _: Reply([http(b"job not found\n", "404 Not Found")])) as server:
        got = fetch_once(VmaTarget("v", server.url), "k", PATIENCE_S, SystemClock())
        assert got.outcome == Missing()
        assert got.body == b"job not found\n"


def test_a_target_that_cannot_be_used_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        probe(VmaTarget("v", "gopher://vma"), 1.0)
    with pytest.raises(UsageError):
        fetch_once(VmaTarget("v", "gopher://vma"), "k", 1.0, SystemClock())
