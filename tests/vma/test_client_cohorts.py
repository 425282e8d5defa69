"""The client asks for a cohort's keys one by one over HTTP, where its VMA does not answer in bulk."""

import threading
from collections.abc import Callable

import msgspec
from key_views import one_key
from loopback_vma import PATIENCE_S, Reply, Request, client, http, ok, vma
from moving_entries import PLAIN, request

from oma_poller.engine.cohort_request import ELSE, CohortRequest
from oma_poller.model.reading import FailureKind, Missing, Reading, State
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.walk import FEW_AT_A_TIME

KEYS = [f"k{number}" for number in range(100)]


def cohort(*keys: str, at_most: int = 100) -> CohortRequest:
    return msgspec.structs.replace(request(*keys), at_most=at_most)


def key_of(asked: Request) -> str:
    return asked.path.rpartition("/")[2]


def moving(asked: Request) -> Reply:
    """Say of any key that its copy moved."""
    return ok(msgspec.json.encode(PLAIN | {"job_id": key_of(asked), "bytes_transferred": 700}))


def but(key: str, answer: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """Answer one key otherwise."""
    return lambda asked: answer(asked) if key_of(asked) == key else moving(asked)


def test_a_cohort_is_answered_once_all_its_keys_are() -> None:
    with vma(moving) as server, client(VmaTarget("v", server.url), max_in_flight=50) as (fetcher, answers):
        for _ in range(3):
            fetcher.submit([cohort(*KEYS)])
        for answer in answers.wait_for_cohorts(3):
            assert answer.bytes_transferred == [700] * 100
            assert not answer.is_cut
        assert sorted(map(key_of, server.requests)) == sorted(KEYS * 3)
        assert server.peak <= 3 * FEW_AT_A_TIME
        assert fetcher.in_flight == 0


def test_there_are_never_more_keys_at_the_server_than_the_cohort_or_the_client_allows() -> None:
    with vma(moving) as server, client(VmaTarget("v", server.url), max_in_flight=4) as (fetcher, answers):
        fetcher.submit([cohort(*KEYS, at_most=100), cohort(*KEYS, at_most=1)])
        answers.wait_for_cohorts(2)
        assert server.peak <= 4
    with vma(moving) as server, client(VmaTarget("v", server.url), max_in_flight=9) as (fetcher, answers):
        fetcher.submit([cohort(*KEYS, at_most=3)])
        answers.wait_for_cohorts(1)
        assert server.peak <= 3


def test_what_did_not_only_move_comes_as_it_would_by_itself() -> None:
    completed = ok(msgspec.json.encode(PLAIN | {"status": "completed"}))
    with (
        vma(but("k3", lambda _: completed)) as server,
        client(VmaTarget("v", server.url)) as (fetcher, answers),
    ):
        fetcher.submit([cohort(*KEYS)])
        (answer,) = answers.wait_for_cohorts(1)
    assert answer.bytes_transferred == [ELSE if key == "k3" else 700 for key in KEYS]
    (outcome,) = answer.apart[3].outcomes
    assert isinstance(outcome, Reading)
    assert outcome.state is State.COMPLETED


def test_a_slow_key_holds_up_no_other_and_is_asked_for_once_when_it_goes_by_itself() -> None:
    let_go = threading.Event()

    def slow(asked: Request) -> Reply:
        assert let_go.wait(PATIENCE_S)
        return moving(asked)

    with (
        vma(but("k3", slow)) as server,
        client(VmaTarget("v", server.url), max_in_flight=5) as (fetcher, answers),
    ):
        fetcher.submit([cohort(*KEYS)])
        (answer,) = answers.wait_for_cohorts(1)
        assert answer.is_cut
        assert answer.bytes_transferred == [ELSE if key == "k3" else 700 for key in KEYS]
        assert answer.apart == {}
        assert fetcher.in_flight == 1
        fetcher.submit([one_key("v", "k3", 7)])
        let_go.set()
        (got,) = answers.wait(1)
        assert isinstance(got.outcome, Reading)
        assert [key_of(asked) for asked in server.requests].count("k3") == 1
        assert fetcher.in_flight == 0


def test_a_slow_key_that_nobody_asks_for_again_is_let_go() -> None:
    let_go = threading.Event()

    def slow(asked: Request) -> Reply:
        assert let_go.wait(PATIENCE_S)
        return moving(asked)

    with vma(but("k3", slow)) as server, client(VmaTarget("v", server.url)) as (fetcher, answers):
        fetcher.submit([cohort("k3", "k4")])
        answers.wait_for_cohorts(1)
        let_go.set()
        fetcher.submit([cohort("k3", "k4")])
        second = answers.wait_for_cohorts(2)[1]
        assert second.bytes_transferred == [700, 700]
        assert len(answers.cohorts) == 2


def test_a_vma_that_is_not_there_is_told_of_each_key() -> None:
    with vma(moving) as server:
        target = VmaTarget("v", server.url)
    with client(target) as (fetcher, answers):
        fetcher.submit([cohort("k1", "k2")])
        (answer,) = answers.wait_for_cohorts(1)
    kinds = {getattr(apart.outcomes[0], "kind", None) for apart in answer.apart.values()}
    assert kinds == {FailureKind.UNREACHABLE}
    assert not answer.is_heard


def test_a_client_that_is_closed_answers_its_cohorts_once_as_unreachable() -> None:
    hang = threading.Event()

    def never(asked: Request) -> Reply:
        hang.wait(PATIENCE_S)
        return moving(asked)

    with vma(never) as server, client(VmaTarget("v", server.url)) as (fetcher, answers):
        fetcher.submit([cohort("k1", "k2"), cohort("k3", at_most=1)])
        while not server.requests:
            pass
        fetcher.close()
        hang.set()
        assert [answer.failure is not None for answer in answers.cohorts] == [True, True]
        fetcher.submit([cohort("k1")])
        assert answers.wait_for_cohorts(3)[2].failure is not None


def test_a_cohort_for_a_vma_that_nobody_named_is_refused() -> None:
    with client(VmaTarget("other", "http://localhost:1")) as (fetcher, answers):
        fetcher.submit([cohort("k1")])
        (answer,) = answers.wait_for_cohorts(1)
        assert answer.failure is not None


def test_an_offer_of_bulk_among_a_cohorts_replies_is_taken() -> None:
    entries = [PLAIN | {"job_id": key, "bytes_transferred": 900} for key in KEYS]
    page = msgspec.json.encode(
        {"cursor": "e.1", "complete": True, "full": True, "entries": entries, "deleted": []}
    )

    def offering(asked: Request) -> Reply:
        if "?" in asked.path:
            return ok(page)
        body = msgspec.json.encode(PLAIN | {"job_id": key_of(asked), "bytes_transferred": 700})
        return Reply([http(body, "200 OK", "X-Progress-Capabilities: bulk, since")])

    with vma(offering) as server, client(VmaTarget("v", server.url)) as (fetcher, answers):
        fetcher.submit([cohort(*KEYS)])
        answers.wait_for_cohorts(1)
        assert fetcher.in_bulk("v")
        fetcher.submit([cohort(*KEYS)])
        assert answers.wait_for_cohorts(2)[1].bytes_transferred == [900] * 100


def test_a_bulk_request_that_is_refused_has_its_cohort_go_key_by_key() -> None:
    offered = threading.Event()

    def refusing(asked: Request) -> Reply:
        if "?" in asked.path:
            return Reply([http(b"no", "400 Bad Request")])
        if offered.is_set():
            return moving(asked)
        offered.set()
        return Reply([http(b"job not found", "404 Not Found", "X-Progress-Capabilities: bulk, since")])

    with vma(refusing) as server, client(VmaTarget("v", server.url)) as (fetcher, answers):
        fetcher.submit([one_key("v", "k0", 1)])
        (got,) = answers.wait(1)
        assert isinstance(got.outcome, Missing)
        fetcher.submit([cohort(*KEYS)])
        (answer,) = answers.wait_for_cohorts(1)
        assert answer.bytes_transferred == [700] * 100
        assert [asked.path for asked in server.requests if "?" in asked.path] != []
