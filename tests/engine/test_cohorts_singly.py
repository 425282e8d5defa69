"""Where a VMA does not answer in bulk, jobs that only go on are polled together too, key by key."""

import pytest
from bulk_bench import TOTAL_BYTES, VMA, BulkBench
from engine_world import BROKEN, DOWN, job, key

from oma_poller.core.breaker import Reach
from oma_poller.engine import cohorts as cohorts_module
from oma_poller.engine import lanes as lanes_module
from oma_poller.engine.cohorts import ALONE_S, SLOW_S
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy
from oma_poller.model.reading import State
from oma_poller.vma.walk import FEW_AT_A_TIME

MANY = 40
ALL = range(1, MANY + 1)


@pytest.fixture(autouse=True)
def few_jobs_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohorts_module, "FEWEST_SINGLY", 1)


def going(max_concurrent: int = 10, policy: Policy | None = None) -> BulkBench:
    """Return jobs that have been copying for some polls: all are polled together by now."""
    bench = BulkBench(*[job(number) for number in ALL], policy=policy, max_concurrent=max_concurrent)
    bench.fetcher.bulk.clear()
    for poll in range(1, 6):
        go_on(bench, 1000 * poll)
    assert together(bench) == MANY
    bench.asked_together.clear()
    return bench


def go_on(bench: BulkBench, moved: int, *but: int) -> None:
    """Have all copies go on, but for some, and poll each job once."""
    for number in ALL:
        if number not in but:
            bench.tell(key(number), moved)
    bench.run(bench.poller.interval_s)


def due(bench: BulkBench, moved: int) -> None:
    """Have all copies go on, and begin the polls of all at once: all are due."""
    for number in ALL:
        bench.tell(key(number), moved)
    bench.clock.now_s += bench.poller.interval_s
    bench.poller.tick()


def together(bench: BulkBench) -> int:
    return sum(bench.is_together(f"job-{number:05}") for number in ALL)


def bytes_of(bench: BulkBench, number: int) -> int:
    return bench.held(f"job-{number:05}").context.bytes_transferred


def errors(bench: BulkBench) -> list[int]:
    return [bench.held(f"job-{number:05}").context.consecutive_errors for number in ALL]


def test_jobs_that_go_on_are_asked_for_together_once_an_interval() -> None:
    bench = going()
    polls, late = bench.tally.polls["ok"], sum(bench.tally.lateness.counts)
    go_on(bench, 9000)
    assert bench.fetcher.taken() == []
    assert sum(bench.asked_together) == MANY
    assert bench.tally.polls["ok"] == polls + MANY
    assert sum(bench.tally.lateness.counts) == late + MANY
    assert {bytes_of(bench, number) for number in ALL} == {9000}


def test_jobs_of_a_vma_that_has_few_are_polled_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohorts_module, "FEWEST_SINGLY", 3)
    bench = BulkBench(job(1), job(2))
    bench.fetcher.bulk.clear()
    for poll in range(1, 6):
        bench.tell(key(1), 1000 * poll)
        bench.tell(key(2), 1000 * poll)
        bench.run(5.0)
    assert not bench.is_together("job-00001")


def test_no_more_keys_are_asked_for_at_a_time_than_there_are_places() -> None:
    bench = going(max_concurrent=10)
    due(bench, 9000)
    assert sum(request.at_most for request in bench.fetcher.cohorts) <= 10
    assert bench.poller.in_flight <= 10
    waiting = MANY - sum(len(request.keys) for request in bench.fetcher.cohorts)
    assert waiting > 0
    assert bench.poller.next_due_s() is None, "nothing can begin before something ends"
    while bench.fetcher.cohorts or bench.fetcher.requests:
        bench.poller.receive(bench.serve())
        bench.poller.tick()
        assert sum(request.at_most for request in bench.fetcher.cohorts) <= 10
    assert {bytes_of(bench, number) for number in ALL} == {9000}
    assert together(bench) == MANY


def test_polls_by_themselves_and_together_share_the_places() -> None:
    bench = going(max_concurrent=10)
    for number in range(1, 9):
        bench.poller.start(f"job-{number:05}")
    bench.poller.tick()
    singles = len(bench.fetcher.requests)
    assert singles == 8
    due(bench, 9000)
    assert sum(request.at_most for request in bench.fetcher.cohorts) <= 2
    for _ in range(MANY):
        bench.step()
    assert {bytes_of(bench, number) for number in ALL} == {9000}


def test_a_cohort_that_waits_for_a_place_is_seen_to_be_late() -> None:
    bench = going(max_concurrent=1)
    due(bench, 9000)
    late_s = bench.poller._cohorts.overdue_s(bench.clock.now_s)
    assert 0.0 < late_s < 6.0


def test_a_job_that_ends_is_decided_by_the_reply_that_says_so() -> None:
    bench = going()
    bench.tell(key(1), TOTAL_BYTES, status="completed")
    go_on(bench, 9000, 1)
    assert bench.held("job-00001").context.state is State.COMPLETED
    assert sum(bench.asked_together) == MANY
    assert together(bench) == MANY - 1


def test_a_key_that_is_gone_or_refused_has_its_own_job_told_of_it_and_no_other() -> None:
    bench = going()
    bench.delete(key(1))
    bench.broken[key(2)] = BROKEN
    go_on(bench, 9000, 1, 2)
    assert bench.held("job-00001").context.vanished_at_s is not None
    assert errors(bench) == [0, 1, *[0] * (MANY - 2)]
    assert together(bench) == MANY - 2


def test_a_key_without_any_reply_among_others_that_have_one_is_an_error_of_its_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes_module, "neighbours", lambda *_, **__: 100)
    bench = going()
    for number in (1, 2, 3, 4):
        bench.broken[key(number)] = DOWN
    go_on(bench, 9000)
    assert bench.asked_together == [MANY]
    assert bench.poller.lanes()[VMA].presence.reach is Reach.CLOSED
    assert errors(bench)[:4] == [1, 1, 1, 1]
    assert sum(errors(bench)) == 4


def test_keys_that_have_no_reply_after_the_last_that_has_one_show_that_the_vma_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes_module, "neighbours", lambda *_, **__: 100)
    bench = going()
    for number in range(MANY - 4, MANY + 1):
        bench.broken[key(number)] = DOWN
    due(bench, 9000)
    bench.poller.receive(bench.serve())
    assert bench.poller.lanes()[VMA].presence.reach is Reach.OPEN
    assert set(errors(bench)) == {0}
    assert bytes_of(bench, 1) == 9000


def test_a_vma_that_is_gone_makes_all_its_jobs_blind_and_none_faulty() -> None:
    bench = going()
    bench.failure = DOWN
    bench.run(12.0)
    observations = {bench.held(f"job-{number:05}").context.sighting.observation for number in ALL}
    assert observations == {Observation.BLIND}
    assert set(errors(bench)) == {0}
    bench.failure = None
    for poll in range(9, 9 + 4 + round(ALONE_S / 5)):
        go_on(bench, 1000 * poll)
    assert together(bench) == MANY


def test_keys_that_are_too_slow_are_asked_for_by_themselves_and_for_a_while() -> None:
    bench = going()
    polls = bench.tally.polls["ok"]
    bench.slow |= {key(1), key(2)}
    go_on(bench, 9000)
    assert {bytes_of(bench, number) for number in ALL} == {9000}
    assert bench.tally.polls["ok"] == polls + MANY
    assert [bench.is_together(f"job-{number:05}") for number in (1, 2, 3)] == [False, False, True]
    bench.slow.clear()
    for poll in range(10, 10 + round(SLOW_S / 5) - 2):
        go_on(bench, 1000 * poll)
    assert not bench.is_together("job-00001")
    for poll in range(100, 105):
        go_on(bench, 1000 * poll)
    assert together(bench) == MANY


def test_slow_jobs_do_not_take_more_places_than_there_are() -> None:
    bench = going(max_concurrent=3)
    bench.slow |= {key(number) for number in ALL}
    due(bench, 9000)
    for _ in range(2 * MANY):
        assert len(bench.fetcher.requests) + sum(one.at_most for one in bench.fetcher.cohorts) <= 3
        bench.poller.receive(bench.serve())
        bench.poller.tick()
    assert {bytes_of(bench, number) for number in ALL} == {9000}


def test_a_job_that_has_left_is_not_asked_for_with_its_cohort() -> None:
    bench = going()
    assert bench.poller.stop("job-00001")
    go_on(bench, 9000)
    assert sum(bench.asked_together) == MANY - 1


def test_a_vma_that_begins_to_answer_in_bulk_has_all_polled_together_in_fewer_cohorts() -> None:
    bench = going()
    bench.fetcher.bulk.add(VMA)
    for poll in range(9, 13):
        go_on(bench, 1000 * poll)
        assert {bytes_of(bench, number) for number in ALL} == {1000 * poll}
    assert together(bench) == 0, "forty jobs are too few for cohorts in bulk"


def test_how_late_a_poll_began_is_when_its_own_key_was_asked_for() -> None:
    bench = going(max_concurrent=FEW_AT_A_TIME)
    before = bench.tally.lateness.sum_s
    due(bench, 9000)
    due_s = [group.due_s for group in bench.poller._cohorts._asked.values() for _ in group.watches]
    began_s = bench.clock.now_s
    bench.clock.now_s += 0.05
    while bench.fetcher.cohorts:
        bench.poller.receive(bench.serve())
        bench.poller.tick()
    late_s = bench.tally.lateness.sum_s - before
    assert late_s >= sum(began_s + 0.05 - one for one in due_s) - 1e-6
