"""The poller itself: killed at any moment, ended under load, started twice."""

import signal
from random import Random
from time import monotonic

from fault_scenario import BOTH, scenario
from fault_world import INTERVAL_S, FaultWorld
from many_rows import add_jobs, export_of
from moving_copy import KeptEntry
from patience import until
from poller_process import running

KILLS = 20
JOBS = [f"job-{number:02}" for number in range(50)]


@scenario(
    fault="kill -9 of the poller at 20 random moments while 50 jobs finish",
    must="No end is lost, changed or told twice; no number goes back",
    engines=BOTH,
)
def test_a_poller_that_is_killed_over_and_over(world: FaultWorld) -> str:
    world.add(*JOBS)
    chance = Random()  # noqa: S311  # any moment will do
    for job in JOBS:
        world.copy(job).moves(chance.uniform(2, KILLS * 0.9))
    said: list[str] = []
    with world.watching():
        for _ in range(KILLS):
            with world.process() as poller:
                poller.wait_for("started")
                end_s = monotonic() + chance.uniform(0, 3 * INTERVAL_S)
                until(lambda end=end_s: monotonic() >= end, "the moment to kill")  # type: ignore[misc] # mypy cannot infer a lambda with defaults
                poller.stop(signal.SIGKILL)
                said += [line["job_id"] for line in poller.said("job completed")]
        with world.process() as poller:
            poller.wait_for("started")
            world.end_all()
            world.wait_for_end()
            world.stop()
            said += [line["job_id"] for line in poller.said("job completed")]
    assert len(said) == len(set(said)), said
    return f"{world.check_end()}, each told at most once"


@scenario(
    fault="The poller is killed in mid-copy on a reused export; the copy ends while no poller is there",
    must="What was proven to be this job's run survives the restart: completed, not previous_run (P9)",
    engines=BOTH,
)
def test_a_proven_run_survives_a_restart(world: FaultWorld) -> str:
    key = export_of("job-1")
    kept = KeptEntry(key, "2020-01-01T00:00:00Z")
    kept.report("completed", 1000, 1000)
    world.vma.copies[key] = kept
    with world.watching():
        with world.process(VMA_PROGRESS_STARTUP_GRACE="5s") as poller:
            poller.wait_for("started")
            add_jobs(world.oma, ["job-1"], [1000])
            world.see("job-1", "previous_run")
            kept.report("in_progress", 250, 1000)
            until(lambda: world.oma.job("job-1")["bytes_transferred"] == 250, "the new run's bytes")
            poller.stop(signal.SIGKILL)
        world.truth.may_end("job-1", "completed")
        kept.report("completed", 1000, 1000)
        with world.process():
            until(lambda: world.oma.job("job-1")["status"] == "completed", "the end")
            world.stop()
        row = world.oma.job("job-1")
    assert (float(row["progress_percent"]), row["bytes_transferred"]) == (100, 1000)
    return "250 bytes before, completed with 1000 afterwards"


@scenario(
    fault="The poller is restarted in order while a job is parked",
    must="Errors in a row and observations survive; nobody is failed, all go on",
    engines=BOTH,
)
def test_a_parked_job_survives_a_restart(world: FaultWorld) -> str:
    world.add("parked", "good", moved=0.3)
    key = world.copy("parked").key
    settings = {"VMA_PROGRESS_MAX_ERRORS": "3", "VMA_PROGRESS_PARKED_RETRY": "0"}
    own = "SELECT observation, consecutive_errors FROM oma_poller_jobs WHERE job_id = 'parked'"
    with world.watching():
        with world.process(**settings):
            world.settled()
            world.vma.answers[key] = (500, b"no\n", {})
            world.see("parked", "parked")
            world.stop()
        before, asked_before = world.oma.execute(own), world.vma.asked[key]
        with world.process(**settings):
            asked = world.vma.asked[world.copy("good").key]
            until(lambda: world.vma.asked[world.copy("good").key] >= asked + 3, "three polls of the other")
            world.see("parked", "parked")
            assert world.vma.asked[key] - asked_before <= 1
            after = world.oma.execute(own)
            world.stop()
    assert before == [{"observation": "parked", "consecutive_errors": 3}]
    assert after[0]["observation"] == "parked"
    assert after[0]["consecutive_errors"] in {3, 4}
    assert world.untouched()
    return "parked before and after, with at most one request in between; the other job was polled"


@scenario(
    fault="SIGTERM under load: 200 jobs, all of which have just ended on the VMA",
    must="Everything that was read is written; exit 0 within the 5 s of P10",
    engines=BOTH,
)
def test_sigterm_under_load(world: FaultWorld) -> str:
    jobs = [f"job-{number:03}" for number in range(200)]
    world.add(*jobs)
    with world.watching(), world.process(VMA_PROGRESS_POLL_INTERVAL="1s"):
        world.settled()
        for job in jobs:
            world.copy(job).ends()
        before = world.vma.asked.copy()
        until(lambda: world.vma.asked_since(before) >= len(jobs) // 2, "half of the ends read")
        began_s = monotonic()
        world.stop()
        took_s = monotonic() - began_s
        read = [job for job in jobs if world.vma.asked[world.copy(job).key] > before[world.copy(job).key]]
    assert took_s < 5, took_s
    assert len(read) >= len(jobs) // 2
    world.check_end(*read)
    return "exit 0 within 5 s; every job whose end was read is completed in its row"


@scenario(
    fault="A second poller is started by mistake on the same database",
    must="No harm: it says so once and waits, writes nothing, and takes over when the first ends",
    engines=BOTH,
)
def test_a_second_poller(world: FaultWorld) -> str:
    world.add("job-1", "job-2")
    with world.watching(), world.process() as first:
        world.settled()
        settings = {"OMA_DATABASE_URL": world.oma.url, "VMA_PROGRESS_CLIENT_URL": world.vma.url}
        settings |= {"VMA_PROGRESS_POLL_INTERVAL": "200ms", "VMA_PROGRESS_DISCOVERY_INTERVAL": "200ms"}
        with running(world.folder, settings | {"OMA_API_LISTEN": "127.0.0.1:0"}) as second:
            second.wait_for("started")
            told = until(lambda: _rival_lines(second.lines), "the second says that it waits")
            world.intervals(5)
            assert len(_rival_lines(second.lines)) == len(told) == 1, second.output
            assert world.vma.most_of_one_key == 1
            first.stop(signal.SIGTERM)
            world.end_all()
            world.wait_for_end()
            assert {line["job_id"] for line in second.said("job completed")} == {"job-1", "job-2"}
            assert second.stop() == 0
    return f"told in one line; it waited, took over, and {world.check_end()}"


def _rival_lines(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    return [line for line in lines if "another poller" in str(line)]
