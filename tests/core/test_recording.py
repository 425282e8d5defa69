"""What is worth keeping of a job's polls, and what waits to be written."""

import pytest
from core_values import JOB_ID, a_context, a_job, a_poll, a_reading, an_update
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core import recording
from oma_poller.core.decide import decide
from oma_poller.core.flight import record
from oma_poller.core.recording import ORDINARY_EVERY_S, Reel, Worth, worth
from oma_poller.model.decision import Decision, Event, EventKind
from oma_poller.model.flight import Recorded

EVENT = Event(EventKind.STATE, "queued -> replicating")


def decision(*events: Event, result: str = "ok") -> Decision:
    return Decision(a_context(), 0.0, an_update(), result, events)


def flight(job_id: str = JOB_ID, *, eventful: bool = True) -> Recorded:
    job = a_job(id=job_id)
    context, poll = a_context(job), a_poll(a_reading(), job=job)
    return Recorded(record(context, poll, decide(context, poll), []), is_eventful=eventful)


def offer(reel: Reel, job_id: str, *, eventful: bool = True) -> Recorded | None:
    """Put a flight where there is room for it."""
    if not reel.has_room(job_id, is_eventful=eventful):
        return None
    one = flight(job_id, eventful=eventful)
    reel.put(one)
    return one


def test_a_poll_in_which_something_happened_is_always_worth_it() -> None:
    for kept_at_s in (None, 0.0, 100.0):
        assert worth(decision(EVENT), kept_at_s, 100.0) is Worth.EVENTFUL


def test_a_poll_whose_rules_raised_is_worth_it() -> None:
    assert worth(decision(result="defect"), 99.0, 100.0) is Worth.EVENTFUL


def test_of_the_others_one_in_five_minutes_is_worth_it() -> None:
    assert worth(decision(), None, 100.0) is Worth.ORDINARY
    assert worth(decision(), 100.0, 100.0 + ORDINARY_EVERY_S - 0.1) is Worth.NOT
    assert worth(decision(), 100.0, 100.0 + ORDINARY_EVERY_S) is Worth.ORDINARY


def test_flights_come_out_in_the_order_in_which_they_went_in() -> None:
    reel = Reel()
    put = [offer(reel, job_id) for job_id in ("a", "b", "a", "c")]
    assert len(reel) == 4
    assert reel.take(3) == put[:3]
    assert reel.take(3) == put[3:]
    assert (len(reel), reel.dropped) == (0, 0)


def test_the_newest_of_a_job_stay_and_those_in_which_nothing_happened_go_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording, "MOST_OF_A_JOB", 2)
    reel = Reel()
    first = offer(reel, "a")
    offer(reel, "a", eventful=False)
    third = offer(reel, "a")
    assert offer(reel, "a", eventful=False) is None
    fourth = offer(reel, "a")
    assert reel.dropped == 3
    kept = reel.take(9)
    assert kept == [third, fourth]
    assert kept[0] is third
    assert kept[0] is not first


def test_in_all_there_is_a_bound_at_which_the_ordinary_ones_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_WAITING", 3)
    reel = Reel()
    ordinary, second, third = offer(reel, "a", eventful=False), offer(reel, "b"), offer(reel, "c")
    assert offer(reel, "d", eventful=False) is None
    fourth = offer(reel, "d")
    assert fourth is not None
    assert offer(reel, "e") is None
    newest = offer(reel, "b")
    assert reel.dropped == 4
    kept = reel.take(9)
    assert [id(one) for one in kept] == [id(third), id(fourth), id(newest)]
    assert ordinary not in (third, fourth)
    assert id(second) not in {id(one) for one in kept}


def test_few_of_those_that_wait_are_ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_ORDINARY", 2)
    reel = Reel()
    put = [offer(reel, str(number), eventful=False) for number in range(4)]
    assert [one is not None for one in put] == [True, True, False, False]
    reel.take(1)
    assert offer(reel, "9", eventful=False) is not None


def test_what_could_not_be_written_comes_before_what_came_since(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_OF_A_JOB", 2)
    reel = Reel()
    first, second = offer(reel, "a"), offer(reel, "b")
    taken = reel.take(9)
    third = offer(reel, "a")
    reel.give_back(taken)
    assert [id(one) for one in reel.take(9)] == [id(first), id(second), id(third)]


def test_what_there_is_no_room_for_any_more_is_not_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_WAITING", 2)
    reel = Reel()
    for job_id in ("a", "b"):
        offer(reel, job_id)
    taken = reel.take(9)
    offer(reel, "c")
    reel.give_back(taken)
    assert [one.flight.job.id for one in reel.take(9)] == ["a", "b"]
    assert reel.dropped == 1


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.integers(0, 12)), max_size=60))
def test_whatever_comes_the_bounds_hold_and_nothing_is_lost_uncounted(
    steps: list[tuple[str, bool, int]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "MOST_OF_A_JOB", 3)
        patch.setattr(recording, "MOST_WAITING", 7)
        patch.setattr(recording, "MOST_ORDINARY", 4)
        reel, taken = Reel(), 0
        for offered, (job_id, eventful, write) in enumerate(steps, start=1):
            offer(reel, job_id, eventful=eventful)
            if write == 0:
                taken += len(reel.take(2))
            if write == 1:
                reel.give_back(reel.take(3))
            waiting = list(reel._waiting.values())
            assert len(waiting) <= 7
            assert sum(not one.is_eventful for one in waiting) <= 4
            assert max((sum(w.flight.job.id == j for w in waiting) for j in "abcdef"), default=0) <= 3
            assert offered == taken + len(reel) + reel.dropped
        assert set(reel._of_job) == {one.flight.job.id for one in reel._waiting.values()}
