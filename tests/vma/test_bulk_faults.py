"""The client against VMAs that stop offering bulk, break it, or break altogether."""

import json
import threading
from collections.abc import Callable

import pytest
from agent_vma import CAPABILITIES, AgentVma, Rounds, agent_rounds, is_bulk
from key_views import one_key
from loopback_vma import PATIENCE_S, PushedClock, Reply, Request, client, entry, http, ok, vma

from oma_poller.engine.ports import TierRequest
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, Reading
from oma_poller.vma.header_watch import EVERY_S
from oma_poller.vma.target import VmaTarget

KEYS = ("a", "b", "c", "d", "e", "f")
LIST = {"cursor": "e.1", "complete": True, "full": True, "entries": [], "deleted": []}


def in_bulk(behind: AgentVma, answer: Callable[[Request], Reply | None]) -> None:
    """Have bulk requests answered otherwise."""
    behind.instead = lambda request: answer(request) if is_bulk(request) else behind.genuine(request)


def kinds(outcomes: dict[str, Outcome]) -> set[FailureKind]:
    assert all(isinstance(outcome, Failure) for outcome in outcomes.values()), outcomes
    return {outcome.kind for outcome in outcomes.values() if isinstance(outcome, Failure)}


def good(outcomes: dict[str, Outcome]) -> bool:
    return all(isinstance(outcome, Reading) for outcome in outcomes.values())


def test_a_vma_without_bulk_is_never_asked_for_it() -> None:
    with vma() as server, client(VmaTarget("v", server.url)) as made:
        rounds = Rounds(*made, server)
        for _ in range(3):
            assert good(rounds.ask(*KEYS))
            assert sorted(rounds.paths()) == sorted(KEYS)


@pytest.mark.parametrize("words", ["bulk", "since", "bulkier, since", "", "etag, gzip"])
def test_other_capabilities_are_no_offer_of_bulk(words: str) -> None:
    reply = ok(b'{"status": "x"}', f"X-Progress-Capabilities: {words}")
    with vma(lambda _: reply) as server, client(VmaTarget("v", server.url)) as made:
        rounds = Rounds(*made, server)
        rounds.ask(*KEYS)
        rounds.ask(*KEYS)
        assert not any(path.startswith("?") for path in rounds.paths())


def test_a_404_with_the_header_is_an_offer_too() -> None:
    reply = Reply([http(b"job not found\n", "404 Not Found", CAPABILITIES)])
    with vma(lambda _: reply) as server, client(VmaTarget("v", server.url)) as made:
        rounds = Rounds(*made, server)
        rounds.ask(*KEYS)
        rounds.paths()
        assert set(rounds.ask(*KEYS).values()) == {Missing("job not found")}
        assert sorted(rounds.paths()) == ["?limit=1000", *KEYS]


@pytest.mark.parametrize(
    "reply",
    [
        http(b"404 page not found\n", "404 Not Found"),
        http(b"", "405 Method Not Allowed", "Allow: POST"),
        http(b"bad query", "400 Bad Request"),
        http(b"who are you", "401 Unauthorized"),
        http(b"", "501 Not Implemented"),
        http(b"", "302 Found", "Location: /login"),
        http(b"<!DOCTYPE html><html></html>"),
        http(b""),
        http(b"{"),
        http(b"[]"),
        http(b"null"),
        http(b'{"job_id": "a", "status": "running"}'),
        http(json.dumps(LIST | {"entries": {}}).encode()),
        http(json.dumps(LIST | {"entries": [{"status": "running"}]}).encode()),
        http(json.dumps(LIST | {"entries": [5]}).encode()),
        http(json.dumps(LIST | {"entries": [None]}).encode()),
        http(json.dumps(LIST | {"cursor": ""}).encode()),
        http(json.dumps(LIST | {"cursor": None}).encode()),
        http(json.dumps(LIST | {"cursor": "x" * 1000}).encode()),
        http(json.dumps(LIST | {"full": False}).encode()),
        http(json.dumps(LIST | {"entries": [{"job_id": "a", "status": "x"}], "deleted": ["a"]}).encode()),
        http(json.dumps(LIST).encode() + b" " * 1024 * 1024),
    ],
    ids=lambda reply: reply[9:60].decode(errors="replace"),
)
def test_what_is_no_page_sends_the_same_round_singly(reply: bytes) -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        in_bulk(behind, lambda _: Reply([reply]))
        assert rounds.ask(*KEYS) == {key: behind.truth(key) for key in KEYS}
        assert sorted(rounds.paths()) == ["?limit=1000", *KEYS]
        behind.instead = None  # it works again, and the single replies said so
        assert rounds.ask(*KEYS) == {key: behind.truth(key) for key in KEYS}
        assert rounds.paths() == ["?limit=1000"]


def test_a_vma_may_be_downgraded_and_upgraded_under_way() -> None:
    clock = PushedClock()
    with agent_rounds(*KEYS, clock=clock) as (behind, rounds):
        rounds.ask(*KEYS)
        rounds.paths()
        old: Callable[[Request], Reply] = lambda request: (  # noqa: E731 - one answer, twice used
            Reply([http(b"404 page not found\n", "404 Not Found")]) if is_bulk(request) else entry(request)
        )
        behind.instead = old
        got = rounds.ask(*KEYS)
        assert {outcome.bytes_transferred for outcome in got.values() if isinstance(outcome, Reading)} == {5}
        assert len(rounds.paths()) == len(KEYS) + 1
        rounds.ask(*KEYS)
        assert sorted(rounds.paths()) == sorted(KEYS)
        behind.instead = None
        behind.report("a", 9)
        clock.ahead_s += EVERY_S
        rounds.ask(*KEYS)
        rounds.paths()
        assert rounds.ask(*KEYS) == {key: behind.truth(key) for key in KEYS}
        assert rounds.paths() == ["?limit=1000"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply([http(b"busy", "503 Service Unavailable")]), FailureKind.SERVER_ERROR),
        (Reply([http(b"slow", "429 Too Many Requests", "Retry-After: 9")]), FailureKind.RATE_LIMITED),
        (Reply([http(b"{" * 500)[:-100]], close=True), FailureKind.UNREACHABLE),
        (Reply([], close=True), FailureKind.UNREACHABLE),
        (Reply([b"\x00\x01 no HTTP\r\n\r\n"], close=True), FailureKind.UNEXPECTED_STATUS),
    ],
)
def test_a_page_that_fails_is_the_failure_of_all_who_wait_and_forgets_nothing(
    reply: Reply, kind: FailureKind
) -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        first = rounds.ask(*KEYS)
        rounds.paths()
        behind.report("a", 7)
        in_bulk(behind, lambda _: reply)
        got = rounds.ask(*KEYS)
        assert kinds(got) == {kind}
        if kind is FailureKind.RATE_LIMITED:
            assert {getattr(outcome, "retry_after_s", None) for outcome in got.values()} == {9.0}
        behind.instead = None
        rounds.paths()
        second = rounds.ask(*KEYS)
        assert second == {key: behind.truth(key) for key in KEYS}
        (since,) = (path for path in rounds.paths() if path.startswith("?"))
        assert "since=" in since
        assert second["b"] is first["b"]


def test_a_page_that_fails_in_the_middle_of_a_list_forgets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oma_poller.vma.page.PAGE_ENTRIES", 4)
    busy = Reply([http(b"busy", "503 Service Unavailable")])
    with agent_rounds(*KEYS) as (behind, rounds):
        in_bulk(behind, lambda request: busy if "since" in request.path else behind.genuine(request))
        assert kinds(rounds.ask(*KEYS)) == {FailureKind.SERVER_ERROR}
        behind.instead = None
        behind.delete("b")
        assert rounds.ask(*KEYS) == {key: behind.truth(key) for key in "acdef"} | {"b": Missing()}


def test_where_only_bulk_is_broken_the_keys_are_seen_singly() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        in_bulk(behind, lambda _: Reply([http(b"", "500 Internal Server Error")]))
        failing = 0
        while not good(rounds.ask(*KEYS)):
            failing += 1
        assert 1 <= failing <= 2


def test_a_vma_that_hangs_costs_one_bulk_request_and_one_key_a_round() -> None:
    with agent_rounds(*KEYS, timeout_s=0.3) as (behind, rounds):

        def hang(_: Request) -> None:
            rounds.server.stopped.wait(PATIENCE_S)

        behind.instead = hang
        for _ in range(3):
            assert kinds(rounds.ask(*KEYS)) == {FailureKind.TIMEOUT}
        assert sorted(path[:1] for path in rounds.paths()) == ["?", "?", "?", "f", "f"]
        behind.instead = None
        assert rounds.ask(*KEYS) == {key: behind.truth(key) for key in KEYS}


def test_a_vma_that_hangs_delays_no_other() -> None:
    arrived, behind, other = threading.Event(), AgentVma(), AgentVma()
    for key in KEYS:
        behind.report(key, 1)
        other.report(key, 2)

    def hang(_: Request) -> None:
        arrived.set()
        hanging.stopped.wait(PATIENCE_S)

    with vma(behind.answer) as hanging, vma(other.answer) as lively:
        targets = VmaTarget("v", hanging.url), VmaTarget("w", lively.url)
        with client(*targets, max_in_flight=3) as made:
            rounds = Rounds(*made, lively)
            rounds.answers_to(rounds.submit("a", vma_name="v"))
            rounds.answers_to(rounds.submit("a", vma_name="w"))
            behind.instead = hang
            before = len(rounds.answers.all)
            for _ in range(3):
                made[0].submit(_requests("v"))
            assert arrived.wait(PATIENCE_S)
            for turn in range(1, 4):
                made[0].submit(_requests("w"))
                got = rounds.answers.wait(before + turn * len(KEYS))
                assert {answer.request.vma for answer in got[before:]} == {"w"}
            assert len(hanging.requests) == 2


def _requests(name: str) -> list[TierRequest]:
    return [one_key(name, key, 1000) for key in KEYS]


def test_close_while_a_bulk_request_hangs_answers_each_request_once() -> None:
    arrived = threading.Event()
    with agent_rounds(*KEYS) as (behind, rounds):

        def hang(_: Request) -> None:
            arrived.set()
            rounds.server.stopped.wait(PATIENCE_S)

        behind.instead = hang
        first = rounds.submit(*KEYS)
        assert arrived.wait(PATIENCE_S)
        second = rounds.submit(*KEYS)
        rounds.fetcher.close()
        for ticket in (first, second):
            answers = rounds.answers_to(ticket)
            assert sorted(answer.request.key for answer in answers) == sorted(KEYS)
            assert kinds({answer.request.key: answer.outcome for answer in answers}) == {
                FailureKind.UNREACHABLE
            }


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b'{"job_id": "b", "status": "running", "percentage": NaN}', FailureKind.OUT_OF_RANGE),
        (b'{"job_id": "b", "status": "running", "bytes_transferred": 1e999}', FailureKind.OUT_OF_RANGE),
        (
            b'{"job_id": "b", "status": "running", "bytes_transferred": 99999999999999999999}',
            FailureKind.OUT_OF_RANGE,
        ),
        (b'{"job_id": "b", "status": "running", "bytes_transferred": "5"}', FailureKind.WRONG_TYPE),
        (b'{"job_id": "b", "status": 5}', FailureKind.WRONG_TYPE),
        (b'{"job_id": "b"}', FailureKind.WRONG_TYPE),
        (b'{"job_id": "b", "status": "run\xffning"}', FailureKind.NOT_JSON),
    ],
)
def test_an_invalid_entry_is_the_failure_of_its_own_key(bad: bytes, kind: FailureKind) -> None:
    entries = b",".join(b'{"job_id": "%s", "status": "running"}' % key.encode() for key in "acdef")
    body = b'{"cursor": "e.1", "complete": true, "full": true, "entries": [%s, %s], "deleted": []}'
    with agent_rounds(*KEYS) as (behind, rounds):
        in_bulk(behind, lambda _: ok(body % (bad, entries)))
        got = rounds.ask(*KEYS)
        failed = got.pop("b")
        assert isinstance(failed, Failure)
        assert failed.kind is kind
        assert good(got)
        assert rounds.paths() == ["?limit=1000"]


@pytest.mark.parametrize(("cursor", "pages"), [("e.1", 2), ("e.%d", 101)])
def test_pages_that_never_end_are_given_up(cursor: str, pages: int) -> None:
    turns = iter(range(1000))
    with agent_rounds(*KEYS) as (behind, rounds):

        def more(_: Request) -> Reply:
            turn = next(turns)
            told = {
                "cursor": cursor % turn if "%" in cursor else cursor,
                "complete": False,
                "full": turn == 0,
            }
            return ok(json.dumps(LIST | told).encode())

        in_bulk(behind, more)
        assert rounds.ask(*KEYS) == {key: behind.truth(key) for key in KEYS}
        assert next(turns) == pages
