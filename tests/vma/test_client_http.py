"""The client against servers on loopback: plain HTTP, good and bad."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from key_views import one_key
from loopback_vma import PATIENCE_S, Reply, Request, ask, client, entry, http, ok, vma

from oma_poller.model.reading import Failure, FailureKind, Missing, Reading, State
from oma_poller.vma.target import VmaTarget


def kind_of(outcome: object) -> FailureKind:
    assert isinstance(outcome, Failure), outcome
    return outcome.kind


def test_a_thousand_requests_reuse_at_most_max_in_flight_connections() -> None:
    with vma() as server, client(VmaTarget("v", server.url), max_in_flight=8) as (fetcher, answers):
        for first in range(0, 1000, 100):
            fetcher.submit([one_key("v", f"k{n}", n) for n in range(first, first + 100)])
        got = answers.wait(1000)
        assert sorted(answer.request.ticket for answer in got) == list(range(1000))
        assert all(isinstance(answer.outcome, Reading) for answer in got)
        assert 1 <= server.connections <= 8
        assert server.peak <= 8
        assert len(answers.batches) < 1000


def test_never_more_than_max_in_flight_are_at_the_server() -> None:
    full = threading.Event()

    def answer(request: Request) -> Reply:
        if server.in_flight >= 4:
            full.set()
        assert full.wait(PATIENCE_S)
        return entry(request)

    with vma(answer) as server, client(VmaTarget("v", server.url), max_in_flight=4) as (fetcher, answers):
        fetcher.submit([one_key("v", f"k{n}", n) for n in range(40)])
        answers.wait(40)
        assert server.peak == 4
        assert fetcher.in_flight == 0


def test_requests_begin_in_the_order_they_were_submitted() -> None:
    with vma() as server, client(VmaTarget("v", server.url), max_in_flight=1) as (fetcher, answers):
        fetcher.submit([one_key("v", f"k{n}", n) for n in range(20)])
        answers.wait(20)
        assert [request.path.rpartition("/")[2] for request in server.requests] == [
            f"k{n}" for n in range(20)
        ]


def test_an_answer_brings_the_raw_body_and_how_long_it_took() -> None:
    with vma() as server, client(VmaTarget("v", server.url)) as (fetcher, answers):
        fetcher.submit(iter([one_key("v", "early", 1)]))
        (answer,) = answers.wait(1)
        assert isinstance(answer.outcome, Reading)
        assert answer.body == b'{"job_id": "early", "status": "Streaming", "bytes_transferred": 5}'
        assert answer.duration_s > 0


def test_a_server_that_hangs_costs_the_time_out() -> None:
    def answer(_: Request) -> None:
        server.stopped.wait(PATIENCE_S)

    with vma(answer) as server:
        got = ask(VmaTarget("v", server.url), timeout_s=0.2)
        assert kind_of(got.outcome) is FailureKind.TIMEOUT
        assert 0.15 < got.duration_s < 5


def test_a_server_that_dribbles_costs_the_time_out() -> None:
    def drops() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        while not server.stopped.wait(0.02):
            yield b" "

    with vma(lambda _: Reply(drops())) as server:
        got = ask(VmaTarget("v", server.url), timeout_s=0.3)
        assert kind_of(got.outcome) is FailureKind.TIMEOUT


def test_the_time_out_counts_from_the_real_start_not_from_the_queue() -> None:
    def answer(request: Request) -> Reply:
        server.stopped.wait(0.1)
        return entry(request)

    with vma(answer) as server:
        target = VmaTarget("v", server.url)
        with client(target, max_in_flight=1, timeout_s=0.6) as (fetcher, answers):
            fetcher.submit([one_key("v", f"k{n}", n) for n in range(9)])
            assert all(isinstance(got.outcome, Reading) for got in answers.wait(9))


def test_a_redirect_is_not_followed() -> None:
    def answer(_: Request) -> Reply:
        return Reply([http(b"moved", "302 Found", f"Location: {server.url}/elsewhere")])

    with vma(answer) as server:
        got = ask(VmaTarget("v", server.url))
        assert got.outcome == Failure(FailureKind.UNEXPECTED_STATUS, "HTTP 302: moved")
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("key", "segment"),
    [
        ("a b/ü?#", "a%20b%2F%C3%BC%3F%23"),
        ("job-20250905-162427", "job-20250905-162427"),
        ("100%", "100%25"),
        ("../../etc", "..%2F..%2Fetc"),
        ("a..b", "a..b"),
        ("x\r\ny\x00", "x%0D%0Ay%00"),
    ],
)
def test_a_key_is_percent_encoded_as_one_path_segment(key: str, segment: str) -> None:
    with vma() as server:
        ask(VmaTarget("v", server.url + "/behind"), key)
        assert [request.path for request in server.requests] == [f"/behind/api/v1/progress/{segment}"]


@pytest.mark.parametrize("key", ["", ".", "..", "\ud800", "k" * 2000])
def test_a_key_that_cannot_stand_in_a_url_is_not_sent(key: str) -> None:
    with vma() as server:
        assert kind_of(ask(VmaTarget("v", server.url), key).outcome) is FailureKind.BAD_KEY
        assert server.requests == []


def test_what_is_asked_names_itself_and_sends_the_token() -> None:
    with vma() as server:
        ask(VmaTarget("v", server.url, token="s3cret"))  # noqa: S106 - a test's token
        headers = server.requests[0].headers
        assert headers["authorization"] == "Bearer s3cret"
        assert headers["accept"] == "application/json"
        assert headers["user-agent"].startswith("oma-poller/")
        assert "accept-encoding" not in headers


def test_without_a_token_no_authorization_is_sent() -> None:
    with vma() as server:
        ask(VmaTarget("v", server.url))
        assert "authorization" not in server.requests[0].headers


def test_retry_after_in_seconds_comes_back() -> None:
    with vma(lambda _: Reply([http(b"slow down", "429 Too Many Requests", "Retry-After: 17")])) as server:
        expected = Failure(FailureKind.RATE_LIMITED, "HTTP 429: slow down", 17.0)
        assert ask(VmaTarget("v", server.url)).outcome == expected


def test_retry_after_as_a_date_is_taken_against_the_replys_own_date() -> None:
    there = datetime(2001, 1, 1, 12, 0, 0, tzinfo=UTC)
    later = there + timedelta(seconds=90)
    headers = (
        f"DATE: {format_datetime(there, usegmt=True)}",
        f"retry-After: {format_datetime(later, usegmt=True)}",
    )
    with vma(lambda _: Reply([http(b"", "503 Service Unavailable", *headers)])) as server:
        assert ask(VmaTarget("v", server.url)).outcome == Failure(FailureKind.SERVER_ERROR, "HTTP 503", 90.0)


def test_the_date_of_a_reply_shows_how_far_the_clocks_are_apart() -> None:
    slow = format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)
    with vma(lambda _: ok(b'{"status": "Streaming"}', f"Date: {slow}")) as server:
        outcome = ask(VmaTarget("v", server.url)).outcome
        assert isinstance(outcome, Reading)
        assert 7199 <= outcome.clock_skew_s <= 7230


def test_the_headers_of_an_interim_reply_do_not_count() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\n\r\n"
    with vma(lambda _: Reply([interim + http(b"job not found\n", "404 Not Found")])) as server:
        assert ask(VmaTarget("v", server.url)).outcome == Missing("job not found", None)


def test_a_404_is_a_missing_key() -> None:
    with vma(lambda _: Reply([http(b"job not found\n", "404 Not Found")])) as server:
        assert ask(VmaTarget("v", server.url)).outcome == Missing("job not found")


def test_the_proxy_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with vma() as proxy, vma() as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert isinstance(ask(VmaTarget("v", server.url)).outcome, Reading)
        assert len(server.requests) == 1
        assert proxy.requests == []


def test_a_dead_vma_does_not_spoil_the_answers_of_another() -> None:
    with vma() as dead:
        dead_url = dead.url
    with vma() as server, client(VmaTarget("a", server.url), VmaTarget("b", dead_url)) as (fetcher, answers):
        fetcher.submit([one_key("ab"[n % 2], f"k{n}", n) for n in range(100)])
        for answer in answers.wait(100):
            good = isinstance(answer.outcome, Reading)
            assert good == (answer.request.vma == "a")


def test_states_and_numbers_reach_the_answer() -> None:
    with vma() as server:
        outcome = ask(VmaTarget("v", server.url)).outcome
        assert isinstance(outcome, Reading)
        assert (outcome.state, outcome.bytes_transferred) == (State.REPLICATING, 5)
