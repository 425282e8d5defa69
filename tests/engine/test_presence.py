"""When jobs of a VMA are set aside, when they are taken back, and what a probe does (P7, P8)."""

from core_values import a_disk, a_reading
from engine_world import BROKEN, DOWN, GONE, Bench, done, job, jobs, key

from oma_poller.engine.lanes import MOST_A_TICK
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy

COPYING = a_reading(50, 100)


def fallen(bench: Bench, count: int = 1) -> None:
    """Let so many polls fail, the last of which opens the breaker, and begin the first probe."""
    for _ in range(count):
        bench.poll(DOWN)
    bench.ask()
    assert bench.fetcher.probed == ["default"]


def test_an_answer_to_a_poll_under_way_proves_the_vma_there() -> None:
    bench = Bench(*jobs(5))
    requests = bench.ask()
    bench.answer(requests[:3], DOWN)
    assert bench.tally.vmas_down == {"default"}
    bench.clock.now_s += 1.0
    bench.answer(requests[3:4], BROKEN)
    bench.answer(requests[4:], DOWN)  # it hung since before
    assert bench.held("job-00005").context.consecutive_errors == 0
    assert bench.ask() == []
    for _ in range(2):
        bench.clock.now_s += 5.0
        bench.answer(bench.ask(), COPYING)
    assert {bench.held(f"job-0000{number}").context.sighting.observation for number in range(1, 6)} == {
        Observation.FRESH
    }


def test_polls_that_hung_since_before_do_not_end_the_trial() -> None:
    bench = Bench(*jobs(6))
    requests = bench.ask()
    bench.answer(requests[:3], DOWN)
    bench.clock.now_s += 1.0
    bench.health()
    bench.ask()
    bench.answer(requests[3:], DOWN)
    assert bench.held("job-00006").context.sighting.observation is Observation.BLIND
    bench.clock.now_s += 5.0
    assert len(bench.ask()) == 6


def test_a_trial_that_fails_brings_a_probe_an_interval_later() -> None:
    bench = Bench(*jobs(3))
    fallen(bench, 3)
    bench.health()
    bench.ask()
    since = bench.held("job-00003").context.sighting.since
    for _ in range(3):
        bench.poll(DOWN)
    probes = []
    for _ in range(20):
        assert bench.ask() == []
        probes.append(len(bench.fetcher.probed))
        bench.clock.now_s += 0.5
    assert probes == [1] * 10 + [2] * 10
    assert bench.held("job-00003").context.consecutive_errors == 0
    assert bench.held("job-00003").context.sighting.since == since
    assert len(bench.log.shown("VMA unreachable")) == 1


def test_nothing_is_due_while_a_probe_is_under_way() -> None:
    bench = Bench(*jobs(3))
    fallen(bench, 3)
    bench.clock.now_s += 60.0
    bench.ask()
    assert bench.poller.next_due_s() is None
    bench.health(DOWN)
    bench.ask()
    assert bench.fetcher.probed == ["default"] * 2
    bench.health(DOWN)
    assert bench.poller.next_due_s() == bench.clock.now_s + 5.0


def test_a_vma_without_jobs_is_not_probed() -> None:
    bench = Bench(job(1))
    fallen(bench)
    bench.health(DOWN)
    bench.poller.drop_all_but(frozenset())
    bench.clock.now_s += 600.0
    assert bench.poller.next_due_s() is None
    bench.watch(job(2))
    assert bench.ask() == []
    assert bench.fetcher.probed == ["default"] * 2
    assert bench.held("job-00002").context.sighting.observation is Observation.BLIND


def test_a_job_that_leaves_while_it_is_to_be_taken_back_is_not() -> None:
    bench = Bench(*jobs(4))
    bench.answer(bench.ask(), DOWN)
    bench.health()
    bench.poller.drop_all_but(frozenset({"job-00001"}))
    bench.clock.now_s += 5.0
    bench.ask()
    bench.clock.now_s += 5.0
    assert [request.key for request in bench.ask()] == [key(1)]


def test_what_is_taken_back_when_the_vma_is_lost_again_waits_for_the_next_time() -> None:
    bench = Bench(*jobs(2 * MOST_A_TICK + 500), max_concurrent=4)
    for _ in range(4):
        bench.answer(bench.ask(), DOWN)  # also sets a part of them aside
    bench.health()
    bench.answer(bench.ask(), GONE)  # after a part of them is taken back
    bench.clock.now_s += 5.0
    requests = bench.ask()  # and another part
    assert bench.poller.next_due_s() == float("-inf")
    bench.answer(requests, DOWN)
    for _ in range(5):
        bench.clock.now_s += 5.0
        assert bench.ask() == []
    assert {bench.held(one.id).context.sighting.observation for one in jobs(2500)} == {Observation.BLIND}
    bench.health()
    bench.ask()
    asked: set[str] = set()
    for _ in range(1000):
        bench.clock.now_s += 0.05
        requests = bench.ask()
        asked.update(request.key for request in requests)
        bench.answer(requests, COPYING)
    assert len(asked) == 2 * MOST_A_TICK + 500


def test_a_job_that_cannot_be_asked_for_is_told_as_that_while_the_vma_is_away() -> None:
    bench = Bench(job(1))
    fallen(bench)
    bad = job(2, disks=(a_disk(1, volume_id="../etc"),))
    bench.watch(bad)
    bench.ask()
    assert "cannot name an NBD export" in bench.held(bad.id).context.sighting.reason
    bench.health()
    bench.poll(COPYING)
    assert bench.held(bad.id).context.consecutive_errors == 1


def test_an_ended_job_is_not_taken_back() -> None:
    bench = Bench(*jobs(3))
    requests = bench.ask()
    bench.answer(requests[:1], done())
    bench.answer(requests[1:], DOWN)
    assert bench.tally.vmas_down == set()
    bench.clock.now_s += 10.0
    bench.answer(bench.ask(), DOWN)
    assert bench.tally.vmas_down == {"default"}
    bench.health()
    for _ in range(4):
        bench.clock.now_s += 5.0
        requests = bench.ask()
        assert key(1) not in {request.key for request in requests}
        bench.answer(requests, COPYING)
    assert {bench.held(f"job-0000{number}").context.state for number in (2, 3)} == {"replicating"}


def test_the_observation_of_an_outage_is_written_once() -> None:
    bench = Bench(*jobs(5))
    bench.answer(bench.ask(), DOWN)
    for _ in range(20):
        bench.clock.now_s += 5.0
        bench.ask()
        bench.health(DOWN)
        batch = bench.mailbox.take(100, bench.clock.now_s)
        bench.mailbox.confirm(batch, bench.clock.now_s)
    assert [len(batch.updates), len(batch.heartbeat_ids)] == [0, 0]


def test_a_row_that_cannot_be_kept_does_not_stop_the_others_from_being_set_aside() -> None:
    bench = Bench(*jobs(3))
    bench.poll(DOWN)
    bench.mailbox.put = None  # type: ignore[method-assign,assignment] # calling it raises
    fallen(bench, 2)
    assert {line["job_id"] for line in bench.log.shown("defect of this program")} <= {
        "job-00001",
        "job-00002",
        "job-00003",
    }
    assert bench.log.shown("defect of this program")
    assert bench.tally.vmas_down == {"default"}


def test_a_job_whose_end_is_left_to_the_oma_is_taken_back_as_well() -> None:
    bench = Bench(job(1), policy=Policy(write_status=False))
    bench.poll(done())
    bench.poll(DOWN)
    bench.ask()
    bench.health()
    bench.ask()
    bench.clock.now_s += 5.0
    assert [request.key for request in bench.ask()] == [key(1)]


def test_a_job_that_was_parked_has_all_its_tries_again_when_its_vma_is_back() -> None:
    bench = Bench(job(1), policy=Policy(parked_retry_s=100.0))
    for _ in range(5):
        bench.poll(BROKEN)
    assert bench.held("job-00001").context.is_parked
    fallen(bench)
    bench.health()
    bench.ask()
    bench.poll(BROKEN)
    context = bench.held("job-00001").context
    assert (context.consecutive_errors, context.is_parked) == (1, False)


def test_a_vma_that_falls_again_at_once_was_seen_in_between() -> None:
    bench = Bench(job(1))
    fallen(bench)
    bench.health()
    bench.ask()
    bench.poll(COPYING)
    assert bench.held("job-00001").context.sighting.observation is Observation.FRESH
    bench.clock.now_s += 4.0
    bench.watch(job(2))
    bench.poller.drop_all_but(frozenset({"job-00002"}))
    bench.poll(DOWN)
    context = bench.held("job-00002").context
    assert context.sighting.observation is Observation.BLIND
    assert context.sighting.since == bench.clock.utc()
    assert len(bench.log.shown("VMA unreachable")) == 1
