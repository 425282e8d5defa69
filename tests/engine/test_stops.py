"""A person stops and starts the polling of jobs: what is asked, and what brings a job back."""

from core_values import STARTED, a_reading
from engine_world import BROKEN, DOWN, Bench, done, job, jobs

from oma_poller.core.stopping import STOPPED
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy

COPYING = a_reading(50, 100)


def observation(bench: Bench, job_id: str = "job-00001") -> Observation:
    """How the job is seen."""
    return bench.held(job_id).context.sighting.observation


def later(bench: Bench, seconds: float = 600.0) -> list[str]:
    """Let time pass; return what is asked then."""
    bench.clock.now_s += seconds
    return [request.key for request in bench.ask()]


def test_a_stopped_job_is_asked_no_more_and_a_started_one_at_once() -> None:
    bench = Bench(*jobs(2))
    bench.answer(bench.ask(), COPYING)
    assert bench.poller.stop("job-00001")
    assert observation(bench) is Observation.PARKED
    first = later(bench)
    assert len(first) == 1
    assert bench.poller.start("job-00001")
    (second,) = bench.ask()
    assert second.key not in first
    bench.answer([second], a_reading(60, 100))
    assert observation(bench) is Observation.FRESH


def test_an_answer_that_comes_after_the_stop_is_not_used() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    bench.poller.stop("job-00001")
    bench.answer(requests, COPYING)
    assert observation(bench) is Observation.PARKED
    assert bench.poller.in_flight == 0
    assert later(bench) == []


def test_a_failure_that_comes_after_the_stop_has_the_job_asked_no_more() -> None:
    bench = Bench(*jobs(2))
    requests = bench.ask()
    bench.poller.stop("job-00001")
    bench.answer(requests[:1], DOWN)
    bench.answer(requests[1:], COPYING)
    assert observation(bench) is Observation.PARKED
    assert len(later(bench)) == 1


def test_an_outage_does_not_show_in_a_job_that_was_stopped_while_it_was_asked() -> None:
    bench = Bench(*jobs(4))
    requests = bench.ask()
    bench.poller.stop("job-00001")
    bench.answer(requests[1:], DOWN)
    bench.answer(requests[:1], DOWN)
    assert observation(bench, "job-00004") is Observation.BLIND
    assert bench.held("job-00001").context.sighting.reason == STOPPED


def test_an_outage_does_not_show_in_a_job_that_was_stopped_after_it_failed() -> None:
    bench = Bench(*jobs(4))
    requests = bench.ask()
    bench.answer(requests[:1], DOWN)
    bench.poller.stop("job-00001")
    bench.answer(requests[1:], DOWN)
    assert observation(bench, "job-00004") is Observation.BLIND
    assert bench.held("job-00001").context.sighting.reason == STOPPED


def test_a_stopped_job_whose_keys_change_while_it_is_asked_is_not_asked_by_its_new_ones() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    bench.poller.stop("job-00001")
    bench.reread(job(1, nbd_export_name="other"))
    bench.answer(requests, COPYING)
    assert later(bench) == []
    assert observation(bench) is Observation.PARKED


def test_a_job_that_is_started_while_its_last_poll_is_under_way_is_not_asked_twice_at_once() -> None:
    bench = Bench(job(1))
    requests = bench.ask()
    bench.poller.stop("job-00001")
    bench.poller.start("job-00001")
    assert bench.ask() == []
    bench.answer(requests, COPYING)
    assert observation(bench) is Observation.FRESH
    assert len(later(bench)) == 1


def test_a_vma_that_comes_back_does_not_bring_a_stopped_job_back() -> None:
    bench = Bench(*jobs(4))
    bench.answer(bench.ask(), DOWN)
    bench.ask()
    bench.poller.stop("job-00001")
    bench.health()
    bench.ask()  # takes the others back, each at its place in the interval
    assert len(later(bench)) == 3
    assert observation(bench) is Observation.PARKED


def test_new_keys_do_not_bring_a_stopped_job_back() -> None:
    bench = Bench(job(1))
    bench.answer(bench.ask(), COPYING)
    bench.poller.stop("job-00001")
    bench.reread(job(1, vcenter_host="elsewhere", nbd_export_name="other"))
    assert later(bench) == []


def test_a_parked_job_is_polled_at_once_when_it_is_started() -> None:
    bench = Bench(job(1), job(2), policy=Policy(max_errors=1, parked_retry_s=0.0))
    bench.answer(bench.ask(), BROKEN, COPYING)
    assert observation(bench) is Observation.PARKED
    bench.poller.start("job-00001")
    assert len(bench.ask()) == 1
    assert bench.held("job-00001").context.consecutive_errors == 0


def test_a_parked_job_that_is_stopped_is_not_tried_again_after_a_while() -> None:
    bench = Bench(job(1), policy=Policy(max_errors=1, parked_retry_s=60.0))
    bench.answer(bench.ask(), BROKEN)
    bench.poller.stop("job-00001")
    assert later(bench) == []
    assert bench.held("job-00001").context.sighting.reason == STOPPED


def test_a_job_that_is_started_while_its_vma_is_away_is_asked_once_that_is_back_and_loses_nothing() -> None:
    bench = Bench(*jobs(4))
    bench.answer(bench.ask(), DOWN)
    bench.poller.stop("job-00001")
    assert bench.poller.start("job-00001")
    assert later(bench) == []
    assert observation(bench) is Observation.BLIND
    assert bench.held("job-00001").context.consecutive_errors == 0
    bench.health()
    bench.ask()  # takes them back, each at its place in the interval
    assert len(later(bench)) == 4


def test_a_job_made_anew_under_the_id_of_a_stopped_one_is_polled() -> None:
    bench = Bench(job(1))
    bench.answer(bench.ask(), COPYING)
    bench.poller.stop("job-00001")
    (anew,) = bench.reread(job(1, created_at=STARTED))
    bench.watch(anew)
    assert bench.held("job-00001").context.stopped_at is None
    assert len(bench.ask()) == 1


def test_a_job_that_ended_is_neither_stopped_nor_started() -> None:
    bench = Bench(job(1))
    bench.answer(bench.ask(), done())
    before = bench.held("job-00001").context
    assert bench.poller.stop("job-00001")
    assert bench.poller.start("job-00001")
    assert bench.held("job-00001").context is before
    assert later(bench) == []


def test_a_job_that_is_not_watched_can_be_neither() -> None:
    bench = Bench()
    assert not bench.poller.stop("job-00001")
    assert not bench.poller.start("job-00001")
