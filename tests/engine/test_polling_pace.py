"""When each job is polled (P3, P4, P5, P6)."""

from itertools import count, pairwise

import pytest
from core_values import a_reading
from engine_world import BROKEN, GONE, Bench, done, job, jobs, key

from oma_poller.core.timetable import TICK_S
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, FailureKind, Missing

COPYING = a_reading(50, 100)


def gaps(begins_s: list[float]) -> list[float]:
    return [round(later - earlier, 6) for earlier, later in pairwise(begins_s)]


@pytest.mark.parametrize(("took_s", "gap_s"), [(0.0, 5.0), (3.0, 5.0), (4.9, 5.0), (8.0, 10.0), (12.0, 15.0)])
def test_a_slow_reply_skips_the_polls_that_it_covers_and_no_other(took_s: float, gap_s: float) -> None:
    bench = Bench(job(1))
    begins_s = [bench.poll(COPYING, took_s=took_s) for _ in range(6)]
    assert gaps(begins_s)[1:] == [gap_s] * 4  # the first poll is at once, not in the job's own place


def test_the_rate_does_not_drift_over_hours() -> None:
    bench = Bench(job(1))
    begins_s = [bench.poll(COPYING, took_s=0.8) for _ in range(3_602)]
    assert begins_s[-1] - begins_s[1] == pytest.approx(3_600 * 5.0)


def test_a_poll_that_begins_late_is_not_made_up_for() -> None:
    bench = Bench(job(1))
    bench.poll(COPYING)
    slot_s = bench.poll(COPYING)
    bench.clock.now_s = slot_s + 5.0 + 3.0
    assert bench.poll(COPYING) == slot_s + 8.0
    assert bench.poll(COPYING) == slot_s + 15.0


def test_a_poll_that_begins_a_little_late_keeps_its_place() -> None:
    bench = Bench(job(1))
    bench.poll(COPYING)
    slot_s = bench.poll(COPYING)
    bench.clock.now_s = slot_s + 5.0 + 2.0
    assert bench.poll(COPYING) == slot_s + 7.0
    assert bench.poll(COPYING) == slot_s + 10.0


def test_a_job_is_not_due_while_it_is_asked() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    assert [request.key for request in requests] == [key(1)]
    bench.clock.now_s += 60.0
    assert bench.poller.next_due_s() is None
    assert bench.ask() == []
    assert bench.poller.in_flight == 1


def test_never_more_polls_are_in_flight_than_allowed_and_the_most_overdue_go_first() -> None:
    bench = Bench(max_concurrent=3)
    bench.poller.take_up([(job(number), bench.clock.now_s - number) for number in range(1, 8)])
    first = bench.ask()
    assert [request.key for request in first] == [key(7), key(6), key(5)]
    assert bench.poller.next_due_s() is None
    assert bench.ask() == []
    bench.answer(first[:2], COPYING)
    assert [request.key for request in bench.ask()] == [key(4), key(3)]
    assert bench.tally.lateness.most_s == 7.0


def test_errors_in_a_row_are_backed_off_and_the_fifth_parks() -> None:
    bench = Bench(job(1), policy=Policy(parked_retry_s=300.0))
    begins_s = [bench.poll(BROKEN) for _ in range(7)]
    assert gaps(begins_s) == pytest.approx([5.0, 10.0, 20.0, 40.0, 300.0, 300.0], abs=TICK_S)
    assert bench.held("job-00001").context.is_parked


def test_a_wait_is_never_shorter_than_it_should_be() -> None:
    bench = Bench(job(1))
    bench.clock.now_s += 0.0123
    began_s = bench.poll(BROKEN, took_s=0.777)
    assert 5.0 <= bench.poll(BROKEN) - (began_s + 0.777) <= 5.0 + TICK_S + 1e-9


def test_a_parked_job_is_never_asked_again_where_that_is_asked_for() -> None:
    bench = Bench(job(1), policy=Policy(parked_retry_s=0.0))
    for _ in range(5):
        bench.poll(BROKEN)
    assert bench.poller.next_due_s() is None
    bench.clock.now_s += 86_400.0
    assert bench.ask() == []


def test_a_good_reply_resets_the_count() -> None:
    bench = Bench(job(1))
    for outcome in (BROKEN, BROKEN, BROKEN, COPYING):
        bench.poll(outcome)
    assert bench.held("job-00001").context.consecutive_errors == 0
    failed_s = bench.poll(BROKEN)
    assert bench.poll(COPYING) - failed_s == pytest.approx(5.0, abs=TICK_S)


def test_an_unknown_job_is_no_error_within_the_grace() -> None:
    bench = Bench(job(1), policy=Policy(startup_grace_s=30.0))
    first_s = bench.poll(GONE)
    while bench.poll(GONE) - first_s < 30.0:
        assert bench.held("job-00001").context.consecutive_errors == 0
    assert bench.held("job-00001").context.consecutive_errors == 1


def test_retry_after_is_honoured() -> None:
    bench = Bench(job(1))
    asked_s = bench.poll(Failure(FailureKind.RATE_LIMITED, "HTTP 429", retry_after_s=77.0))
    assert bench.poll(COPYING) - asked_s == pytest.approx(77.0, abs=TICK_S)
    late_s = bench.poll(Failure(FailureKind.SERVER_ERROR, "HTTP 503", retry_after_s=9999.0))
    assert bench.poll(COPYING) - late_s == pytest.approx(300.0, abs=TICK_S)


def test_a_retry_after_in_the_grace_is_no_reason_to_poll_sooner() -> None:
    bench = Bench(job(1))
    asked_s = bench.poll(Missing("job not found", retry_after_s=1.0))
    assert bench.poll(GONE) - asked_s >= 2.5


def test_jobs_that_wait_after_an_error_go_out_in_groups() -> None:
    bench = Bench(*jobs(100), max_concurrent=100)
    for request in bench.ask():
        bench.clock.now_s += 0.0007
        bench.answer([request], BROKEN)
    times_s = set()
    for _ in range(100):
        due_s = bench.poller.next_due_s()
        if due_s is None:
            break
        bench.clock.now_s = due_s
        times_s.add(due_s)
        bench.ask()
    assert len(times_s) <= 3


def test_an_ended_job_is_not_polled_any_more() -> None:
    bench = Bench(job(1))
    bench.poll(done())
    assert bench.poller.next_due_s() is None


def test_a_poll_of_several_keys_ends_with_the_last_answer() -> None:
    two = job(1, disks=(*job(1).disks, *job(2).disks))
    bench = Bench(two)
    requests = bench.ask()
    bench.answer(requests[:1], COPYING)
    assert bench.poller.in_flight == 1
    bench.answer(requests[1:], COPYING)
    assert bench.poller.in_flight == 0
    assert bench.tally.polls == {"ok": 1}


def test_answers_that_came_together_came_at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(*jobs(3))
    requests = bench.ask()
    running_s = map(float, count(round(bench.clock.now_s) + 1))
    monkeypatch.setattr(bench.clock, "monotonic", lambda: next(running_s))
    bench.answer(requests, COPYING)
    moments_s = {bench.held(one.id).context.last_poll_s for one in jobs(3)}
    assert len(moments_s) == 1
    assert None not in moments_s
