"""A tier of keys that is asked for in one request, singly and in bulk."""

import threading

import pytest
from agent_vma import agent_rounds
from key_views import one_key
from loopback_vma import PATIENCE_S, Reply, Request, client, entry, http, vma

from oma_poller.engine.ports import TierAnswer, TierRequest
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, Reading, State
from oma_poller.vma.gathering import singles_of
from oma_poller.vma.reply import Fetched
from oma_poller.vma.target import VmaTarget

KEYS = ("a", "b", "c", "d")
TIER = TierRequest("v", KEYS, 7)


def moved(outcome: Outcome) -> int:
    assert isinstance(outcome, Reading)
    return outcome.bytes_transferred


def test_a_request_is_answered_once_its_last_key_is_in_the_order_of_its_keys() -> None:
    singles = list(singles_of(TIER))
    assert [single.key for single in singles] == list(KEYS)
    came = [Fetched(Missing(single.key), 0.25 * single.place, single.key.encode()) for single in singles]
    order = (2, 0, 3)
    assert [singles[place].answer(came[place]) for place in order] == [None] * 3
    answer = singles[1].answer(came[1])
    assert answer == TierAnswer(TIER, tuple(map(Missing, KEYS)), 0.75, (b"a", b"b", b"c", b"d"))


def test_a_long_reply_is_not_kept_beside_what_it_says() -> None:
    (single,) = singles_of(TierRequest("v", ("a",), 1))
    answer = single.answer(
        Fetched(Reading(State.REPLICATING, bytes_transferred=5), 0.1, b"x" * (64 * 2**10 + 1))
    )
    assert answer is not None
    assert (moved(answer.outcomes[0]), answer.bodies) == (5, (b"",))


def test_keys_of_one_request_that_go_singly_have_one_answer() -> None:
    def answer(request: Request) -> Reply:
        if request.path.endswith("/c"):
            return Reply([http(b"job not found", "404 Not Found")])
        return entry(request)

    with vma(answer) as server, client(VmaTarget("v", server.url), max_in_flight=2) as (fetcher, answers):
        fetcher.submit([TIER])
        got = answers.wait(4)
        assert len(answers.batches) == 1
        assert [one.request.key for one in got] == list(KEYS)
        assert [type(one.outcome) for one in got] == [Reading, Reading, Missing, Reading]
        assert all(one.body for one in got)


def test_keys_of_one_request_are_answered_in_bulk_together() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        rounds.ask(*KEYS)
        for number, key in enumerate(KEYS):
            behind.report(key, 10 + number)
        rounds.paths()
        before = len(rounds.answers.all)
        rounds.fetcher.submit([TIER])
        got = rounds.answers.wait(before + 4)[before:]
        assert [moved(one.outcome) // 2**20 for one in got] == [10, 11, 12, 13]
        assert len(rounds.paths()) == 1


def test_a_request_with_a_key_that_is_new_goes_singly_once_and_then_in_bulk() -> None:
    with agent_rounds(*KEYS) as (behind, rounds):
        rounds.ask(*KEYS)
        behind.report("new", 5)
        rounds.paths()
        tier = TierRequest("v", ("a", "new"), 8)
        for expected in (["a", "new"], []):
            before = len(rounds.answers.all)
            rounds.fetcher.submit([*(one_key("v", key, 9) for key in KEYS), tier])
            got = rounds.answers.wait(before + 6)[before:]
            pairs = [(one.request.key, moved(one.outcome)) for one in got if one.request.ticket == 8]
            assert pairs == [("a", 2**20), ("new", 5 * 2**20)]
            assert sorted(path for path in rounds.paths() if not path.startswith("?")) == expected


@pytest.mark.parametrize("keys", [("a", ".."), ("..", "a")])
def test_a_key_that_cannot_be_asked_for_is_the_failure_of_that_key_alone(keys: tuple[str, str]) -> None:
    with vma() as server, client(VmaTarget("v", server.url)) as (fetcher, answers):
        fetcher.submit([TierRequest("v", keys, 1)])
        kinds = {one.request.key: type(one.outcome) for one in answers.wait(2)}
        assert kinds == {"a": Reading, "..": Failure}


def test_a_client_that_is_closed_answers_the_keys_it_did_not_get_as_unreachable() -> None:
    arrived, stopped = threading.Event(), threading.Event()

    def answer(request: Request) -> Reply | None:
        if request.path.endswith("/a"):
            return entry(request)
        arrived.set()
        stopped.wait(PATIENCE_S)
        return None

    with vma(answer) as server, client(VmaTarget("v", server.url), max_in_flight=1) as (fetcher, answers):
        fetcher.submit([TIER])
        assert arrived.wait(PATIENCE_S)
        fetcher.close()
        stopped.set()
        assert len(answers.batches) == 1
        outcomes = [one.outcome for one in answers.all]
    assert moved(outcomes[0]) > 0
    kinds = [outcome.kind for outcome in outcomes[1:] if isinstance(outcome, Failure)]
    assert kinds == [FailureKind.UNREACHABLE] * 3
