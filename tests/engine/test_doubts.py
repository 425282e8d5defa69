"""A poll without any HTTP reply: is its job to blame, or its VMA? (P5, P8)."""

from core_values import a_disk, a_reading
from engine_world import BROKEN, DOWN, Bench, job, jobs, key

from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy

COPYING = a_reading(50, 100)


def test_one_jobs_hanging_key_is_its_own_trouble_while_the_vma_answers_others() -> None:
    bench = Bench(*jobs(4), policy=Policy(parked_retry_s=0.0))
    for _ in range(60):
        bench.clock.now_s += 5.0
        for request in bench.ask():
            bench.answer([request], DOWN if request.key == key(1) else COPYING)
    assert bench.held("job-00001").context.is_parked
    assert bench.fetcher.probed == []
    assert bench.tally.vmas_down == set()


def test_a_poll_of_which_one_key_is_answered_is_no_failure_of_the_vma() -> None:
    bench = Bench(job(1, disks=(a_disk(1), a_disk(2))))
    for _ in range(10):
        bench.clock.now_s += 60.0
        bench.answer(bench.ask(), DOWN, BROKEN)
    assert bench.fetcher.probed == []
    assert bench.held("job-00001").context.is_parked


def test_a_failure_counts_against_its_job_once_the_vma_answers_another() -> None:
    bench = Bench(*jobs(3))
    requests = bench.ask()
    bench.answer(requests[:2], DOWN)
    assert bench.tally.polls == {}
    assert bench.held("job-00001").context.sighting.observation is Observation.PENDING
    bench.answer(requests[2:], COPYING)
    assert bench.tally.polls == {"unreachable": 2, "ok": 1}
    errors = [bench.held(f"job-0000{number}").context.consecutive_errors for number in (1, 2, 3)]
    assert errors == [1, 1, 0]


def test_an_outage_parks_no_job_that_had_one_error_left() -> None:
    bench = Bench(*jobs(3))
    for _ in range(4):
        bench.answer(bench.ask(), BROKEN)
        bench.clock.now_s += 60.0
    bench.answer(bench.ask(), DOWN)
    assert bench.tally.polls == {"server_error": 12, "unreachable": 3}
    assert bench.ask() == []
    for one in jobs(3):
        context = bench.held(one.id).context
        assert (context.consecutive_errors, context.sighting.observation) == (4, Observation.BLIND)
    assert bench.log.shown("job parked") == []


def test_a_failure_in_doubt_is_forgotten_with_its_job() -> None:
    bench = Bench(*jobs(3))
    requests = bench.ask()
    bench.answer(requests[:1], DOWN)
    bench.poller.drop_all_but(frozenset({"job-00002", "job-00003"}))
    bench.answer(requests[1:], COPYING)
    assert bench.tally.polls == {"ok": 2}


def test_a_failure_in_doubt_says_nothing_of_a_job_that_left_before_the_outage() -> None:
    bench = Bench(*jobs(3))
    requests = bench.ask()
    bench.answer(requests[:1], DOWN)
    bench.poller.drop_all_but(frozenset({"job-00002", "job-00003"}))
    bench.answer(requests[1:], DOWN)
    assert bench.tally.vmas_down == {"default"}
    assert bench.tally.polls == {"unreachable": 2}
    assert len(bench.mailbox) == 2


def test_the_only_job_that_is_still_asked_proves_an_outage_alone() -> None:
    bench = Bench(*jobs(3), policy=Policy(parked_retry_s=0.0))
    for _ in range(5):
        for request in bench.ask():
            bench.answer([request], COPYING if request.key == key(1) else BROKEN)
        bench.clock.now_s += 60.0
    bench.poll(DOWN)
    bench.poll(DOWN)
    assert bench.held("job-00001").context.consecutive_errors == 0
    assert bench.tally.vmas_down == set()
    bench.poll(DOWN)
    assert bench.tally.vmas_down == {"default"}
    assert bench.tally.polls == {"ok": 5, "server_error": 10, "unreachable": 3}


def test_a_failure_counts_against_its_job_though_the_vma_answered_before_in_the_same_batch() -> None:
    bench = Bench(*jobs(3))
    bench.answer(bench.ask(), COPYING, DOWN, COPYING)
    assert bench.tally.polls == {"ok": 2, "unreachable": 1}
    errors = [bench.held(f"job-0000{number}").context.consecutive_errors for number in (1, 2, 3)]
    assert sorted(errors) == [0, 0, 1]
