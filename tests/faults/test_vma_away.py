"""A VMA that is down, hangs, is slow, or has forgotten everything."""

from threading import Event

from fault_scenario import BOTH, scenario
from fault_world import INTERVAL_S, MAX_CONCURRENT, FaultWorld
from patience import until


@scenario(
    fault="The VMA is down for 10 intervals, with 30 jobs; parked jobs are never retried by themselves",
    must="No job fails; rows keep their numbers; every job is taken up again when the VMA is back",
    engines=BOTH,
)
def test_a_vma_that_is_down_for_ten_intervals(world: FaultWorld) -> str:
    jobs = [f"job-{number:02}" for number in range(30)]
    world.add(*jobs)
    with world.polling(VMA_PROGRESS_MAX_ERRORS="3", VMA_PROGRESS_PARKED_RETRY="0"):
        world.settled()
        world.vma.go_down()
        world.intervals(10)
        until(lambda: all(world.observation(job) in {"blind", "parked"} for job in jobs), "all jobs unseen")
        assert world.untouched()
        world.end_all()
        world.vma.come_up()
        world.wait_for_end()
        told = world.warnings()
        assert len(told) <= 3, told
        calm = world.calm()
    return f"{world.check_end()}; while it was down all were blind; at most 3 warnings logged; {calm}"


@scenario(
    fault="The VMA refuses every connection for 10 intervals, with 30 jobs; connections are counted",
    must="One probe an interval, not one request a job",
)
def test_an_unreachable_vma_costs_one_probe_an_interval(world: FaultWorld) -> str:
    world.add(*(f"job-{number:02}" for number in range(30)))
    with world.polling():
        world.settled()
        world.vma.hold = Event()  # every request runs into its time-out, and is counted
        until(world.warnings, "the first warning")
        world.intervals(5)  # those under way when it began run out
        before, probes = world.vma.asked.copy(), world.vma.probes
        world.intervals(10)
        asked = world.vma.asked_since(before)
        assert asked == 0, asked
        assert 1 <= world.vma.probes - probes <= 11
        world.end_all()
        world.vma.hold.set()
        world.vma.hold = None
        world.wait_for_end()
        calm = world.calm()
    return f"no job was asked, 1 to 11 probes in 10 intervals; {world.check_end()}; {calm}"


@scenario(
    fault="A VMA with 100 jobs is back after it was unreachable, at an interval of 2 s",
    must="Its jobs return spread over an interval, not at once; parked ones are among them",
)
def test_jobs_that_return_spread(world: FaultWorld) -> str:
    world.add(*(f"job-{number:02}" for number in range(100)))
    with world.polling(VMA_PROGRESS_POLL_INTERVAL="2s", VMA_PROGRESS_PARKED_RETRY="0"):
        world.settled()
        world.vma.go_down()
        until(lambda: all(world.observation(job) == "blind" for job in ("job-00", "job-99")), "jobs blind")
        before = world.vma.asked.copy()
        world.vma.come_up()
        until(lambda: world.vma.asked_since(before), "the first request")
        world.intervals(0.25 * 2 / INTERVAL_S)
        early = world.vma.asked_since(before)
        assert early <= 60, early
        until(lambda: all(world.vma.asked[key] > before[key] for key in world.vma.copies), "all asked")
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"at most 60 of 100 jobs asked in the first quarter of the interval; {world.check_end()}; {calm}"


@scenario(
    fault="The VMA hangs: it takes connections and never answers, with 30 jobs",
    must="No job fails; connections stay within VMA_PROGRESS_MAX_CONCURRENT; all go on afterwards",
)
def test_a_vma_that_hangs(world: FaultWorld) -> str:
    world.add(*(f"job-{number:02}" for number in range(30)))
    with world.polling(VMA_PROGRESS_HTTP_TIMEOUT="500ms"):
        world.settled()
        world.vma.hold = Event()
        until(lambda: all(world.observation(job) == "blind" for job in world.copies), "all jobs blind")
        assert world.untouched()
        assert world.vma_connections <= MAX_CONCURRENT
        world.vma.hold.set()
        world.vma.hold = None
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"all jobs were blind, at most 10 connections; then {world.check_end()}; {calm}"


@scenario(
    fault="The VMA is slow: each reply comes 1.6 intervals late, with 10 jobs",
    must="Late polls are skipped, not queued; numbers stay fresh; no error is counted",
)
def test_a_slow_vma(world: FaultWorld) -> str:
    jobs = [f"job-{number}" for number in range(10)]
    world.add(*jobs)
    with world.polling(VMA_PROGRESS_HTTP_TIMEOUT="2s"):
        world.settled()
        world.vma.delay_s = 1.6 * INTERVAL_S
        before = world.vma.asked.copy()
        world.intervals(16)
        each = [world.vma.asked[copy.key] - before[copy.key] for job in jobs for copy in world.copies[job]]
        assert max(each) <= 10, each
        assert min(each) >= 4, each
        assert world.vma.most_of_one_key == 1
        assert not world.warnings()
        assert all(world.observation(job) == "fresh" for job in jobs)
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"4 to 10 polls a job in 16 intervals, never two at once, no warning; {world.check_end()}; {calm}"


@scenario(
    fault="The VMA restarts and has forgotten everything: 404 until the copier reports again",
    must="404 is neither success nor failure; the job is called vanished, and goes on where it was",
)
def test_a_vma_that_restarted_and_forgot(world: FaultWorld) -> str:
    world.add("job-1", "job-2", moved=0.5)
    with world.polling():
        world.settled()
        world.vma.go_down()
        world.vma.forget()
        world.vma.come_up()
        for job in world.copies:
            world.see(job, "vanished")
        assert world.oma.job("job-1")["bytes_transferred"] == 500
        world.vma.remembers(world.copy("job-1").key)
        world.see("job-1", "fresh")
        assert world.untouched()
        world.vma.forgotten.clear()
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"vanished with 500 bytes, then fresh, then {world.check_end()}; {calm}"
