"""A walk asks for the keys of a cohort one by one, a few at a time, and tells what came of them."""

from datetime import UTC, datetime
from math import isnan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moving_entries import PLAIN, reading

from oma_poller.core.flight import LONGEST_BODIES_BYTES
from oma_poller.engine.cohort_request import ELSE, CohortRequest, Said
from oma_poller.model.reading import Failure, FailureKind, Missing
from oma_poller.vma.exchange import Exchange, Received
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.walk import FEW_AT_A_TIME, FEW_S, LONGEST_S, Step, Walk
from oma_poller.vma.wire import decode

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DOWN = Failure(FailureKind.UNREACHABLE, "connection refused")
GONE = Received(404, {}, b"job not found")


def walk_of(*jobs: int, at_most: int = 100) -> Walk:
    """Return a walk for jobs of so many keys each; a key's name is its place."""
    keys = [str(place) for place in range(sum(jobs))]
    firsts = [sum(jobs[:number]) for number in range(len(jobs))]
    spans = [range(first, first + count) for first, count in zip(firsts, jobs, strict=True)]
    return Walk(CohortRequest("v", keys, [Said(reading()) for _ in keys], spans, at_most, 1))


def begin(walk: Walk, now_s: float = 1.0) -> list[int]:
    """Begin all that may begin; return the places."""
    begun = []
    while (step := walk.next_step(now_s)) is not None:
        walk.asked[step.place] = Exchange(VmaTarget("v", "http://127.0.0.1:9"), 1.0)
        begun.append(step.place)
    return begun


def said(key: int, **fields: Any) -> Received:  # noqa: ANN401 - the fields of an entry
    return Received(200, {}, msgspec.json.encode(PLAIN | {"job_id": str(key)} | fields))


def take(walk: Walk, place: int, reply: Received | Failure) -> None:
    walk.take(place, reply, NOW, 0.0)


def test_keys_that_only_moved_are_told_in_columns() -> None:
    walk = walk_of(2, 1)
    assert begin(walk) == [0, 1, 2]
    take(walk, 1, said(1, bytes_transferred=300, total_bytes=2000, percentage=None))
    take(walk, 0, said(0, bytes_transferred=200))
    take(walk, 2, said(2))
    assert walk.is_done
    answer = walk.answer(1.5, 0.0)
    assert (answer.bytes_transferred, answer.total_bytes) == ([200, 300, 100], [1000, 2000, 1000])
    assert answer.percent[0] == 2.5
    assert isnan(answer.percent[1])
    assert (answer.apart, answer.failure, answer.is_heard, answer.is_cut) == ({}, None, True, False)
    assert answer.duration_s == 0.5


def test_a_job_of_which_one_key_says_anything_else_is_told_all_that_its_keys_said() -> None:
    walk = walk_of(1, 2)
    begin(walk)
    moved, done = said(1, bytes_transferred=300), said(2, status="completed")
    take(walk, 1, moved)
    take(walk, 2, done)
    take(walk, 0, said(0))
    answer = walk.answer(1.0, 2.5)
    assert answer.bytes_transferred == [100, 300, ELSE]
    assert list(answer.apart) == [1]
    apart = answer.apart[1]
    assert apart.outcomes == (decode(moved.body, "1", clock_skew_s=2.5), decode(done.body, "2"))
    assert apart.bodies == (moved.body, done.body)
    assert apart.is_followed


def test_a_key_that_is_missing_and_one_that_failed_are_outcomes_too() -> None:
    walk = walk_of(1, 1)
    begin(walk)
    take(walk, 0, GONE)
    take(walk, 1, DOWN)
    answer = walk.answer(1.0, 0.0)
    assert answer.apart[0].outcomes == (Missing("job not found"),)
    assert answer.apart[1].outcomes == (DOWN,)
    assert [apart.is_followed for apart in answer.apart.values()] == [False, False]
    assert answer.is_heard


def test_jobs_apart_stand_in_the_order_in_which_their_last_keys_were_answered() -> None:
    walk = walk_of(2, 1, 1)
    begin(walk)
    for place in (0, 3, 2, 1):
        take(walk, place, DOWN)
    answer = walk.answer(1.0, 0.0)
    assert list(answer.apart) == [2, 1, 0]
    assert not answer.is_heard


def test_bodies_that_are_too_long_are_not_told() -> None:
    walk = walk_of(1)
    begin(walk)
    take(walk, 0, Received(500, {}, b"x" * (LONGEST_BODIES_BYTES + 1)))
    assert walk.answer(1.0, 0.0).apart[0].bodies == (b"",)


def test_there_are_few_keys_at_a_time_at_first_and_as_many_as_allowed_once_that_takes_long() -> None:
    walk = walk_of(*[1] * 100, at_most=50)
    assert len(begin(walk, 1.0)) == FEW_AT_A_TIME
    assert walk.wakes_s(1.0) == 1.0 + FEW_S
    assert begin(walk, 1.0 + FEW_S / 2) == []
    assert len(begin(walk, 1.0 + FEW_S)) == 50 - FEW_AT_A_TIME
    assert walk.wakes_s(1.0 + FEW_S) == 1.0 + LONGEST_S
    take(walk, 7, said(7))
    assert begin(walk, 1.05) == [50]


def test_no_more_keys_are_asked_for_at_a_time_than_the_request_allows() -> None:
    walk = walk_of(2, 2, 2, at_most=1)
    assert begin(walk) == [0]
    take(walk, 0, said(0))
    assert begin(walk) == [1]
    assert walk.wakes_s(1.0) == walk.due_s == 1.0 + LONGEST_S


def test_it_is_due_only_once_it_has_begun() -> None:
    assert walk_of(1).due_s == float("inf")
    assert walk_of(1).wakes_s(1.0) == float("inf")


def test_what_takes_too_long_is_left_out_and_the_rest_is_told() -> None:
    walk = walk_of(1, 2, 1, at_most=3)
    assert begin(walk) == [0, 1, 2]
    take(walk, 0, said(0, bytes_transferred=200))
    take(walk, 1, said(1, status="completed"))
    begin(walk)
    answer = walk.answer(walk.due_s, 0.0)
    assert answer.is_cut
    assert answer.bytes_transferred == [200, ELSE, ELSE, ELSE]
    assert answer.apart == {}, "not all keys of any job that says anything else"
    assert begin(walk) == []
    assert sorted(walk.asked) == [2, 3]
    take(walk, 2, said(2))
    take(walk, 3, DOWN)
    assert walk.asked == {}
    assert answer.bytes_transferred == [200, ELSE, ELSE, ELSE], "what comes later changes nothing"


def test_a_key_that_somebody_else_asks_for_is_left_to_them() -> None:
    walk = walk_of(1, 1, 1, 1, at_most=2)
    begin(walk)
    exchange = walk.asked[0]
    assert walk.give_up("0") is exchange
    assert walk.give_up("0") is None
    assert walk.give_up("2") is None, "it is not being asked for yet"
    assert walk.give_up("other") is None
    assert begin(walk) == [3]
    take(walk, 1, said(1, status="completed"))
    take(walk, 3, said(3))
    assert walk.give_up("3") is None, "it has been answered"
    assert walk.is_done
    answer = walk.answer(1.0, 0.0)
    assert answer.bytes_transferred == [ELSE, ELSE, ELSE, 100]
    assert list(answer.apart) == [1]
    assert not answer.is_cut


def test_a_walk_of_which_nothing_is_left_is_done_without_having_begun() -> None:
    walk = walk_of(1)
    walk.give_up("0")
    assert walk.is_done
    answer = walk.answer(5.0, 0.0)
    assert (answer.duration_s, answer.is_heard, answer.is_cut) == (0.0, False, False)


def test_it_is_told_when_each_key_was_asked_for() -> None:
    walk = walk_of(1, 1, at_most=1)
    begin(walk, 1.0)
    take(walk, 0, said(0))
    begin(walk, 1.25)
    take(walk, 1, said(1))
    assert walk.answer(1.5, 0.0).begun_s == [1.0, 1.25]


def test_a_step_names_its_key() -> None:
    walk = walk_of(1, 1)
    assert [Step(walk, place).key for place in range(2)] == ["0", "1"]


REPLIES = st.sampled_from(["moved", "completed", "gone", "down", "never"])


@given(
    jobs=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    at_most=st.integers(1, 5),
    data=st.data(),
)
def test_every_job_is_told_in_columns_or_apart_or_is_to_be_asked_by_itself(
    jobs: list[int], at_most: int, data: st.DataObject
) -> None:
    walk = walk_of(*jobs, at_most=at_most)
    kinds = [data.draw(REPLIES) for _ in walk.request.keys]
    replies: dict[str, Received | Failure] = {"gone": GONE, "down": DOWN}
    while True:
        begin(walk)
        assert len(walk.asked) <= at_most
        open_places = [place for place in walk.asked if kinds[place] != "never"]
        if not open_places:
            break
        place = data.draw(st.sampled_from(open_places))
        word = {"moved": "in_progress", "completed": "completed"}.get(kinds[place])
        take(walk, place, replies[kinds[place]] if word is None else said(place, status=word))
    answer = walk.answer(1.0, 0.0)
    for job, span in enumerate(walk.request.spans):
        of_job = [kinds[place] for place in span]
        came = all(walk._came[place] is not None for place in span)
        is_moved = ELSE not in answer.bytes_transferred[span.start : span.stop]
        assert is_moved == (came and set(of_job) == {"moved"})
        assert (job in answer.apart) == (came and not is_moved)
    assert answer.is_cut == any(came is None for came in walk._came)


@pytest.mark.parametrize("fields", [{"job_id": "other"}, {"errors": ["slow disk"]}, {"percentage": 1e300}])
@pytest.mark.parametrize("told_before", [False, True])
def test_an_entry_that_cannot_be_used_is_told_as_what_it_is(
    fields: dict[str, Any],
    told_before: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    walk = walk_of(1)
    if told_before:
        begin(walk)
        take(walk, 0, said(0))
        walk = Walk(walk.request)
    begin(walk)
    reply = said(0, **fields)
    take(walk, 0, reply)
    assert walk.answer(1.0, 0.0).apart[0].outcomes == (decode(reply.body, "0"),)
