"""Keys that are used again, and copiers that stand still."""

from fault_scenario import BOTH, scenario
from fault_world import FaultWorld
from many_rows import add_jobs, export_of
from moving_copy import KeptEntry
from patience import until
from poller_process import oma_poller

JOB = "job-1"
KEY = export_of(JOB)
LONG_AGO = "2020-01-01T00:00:00Z"


def reused_export(world: FaultWorld) -> KeptEntry:
    """Add a job whose export shows an earlier run, completed with 100 % (F3)."""
    add_jobs(world.oma, [JOB], [1000])
    kept = KeptEntry(KEY, LONG_AGO)
    kept.report("completed", 1000, 1000)
    world.vma.copies[KEY] = kept
    return kept


def after_polls(world: FaultWorld, polls: int) -> None:
    """Wait for so many polls more."""
    asked = world.vma.asked[KEY]
    until(lambda: world.vma.asked[KEY] >= asked + polls, f"{polls} polls")


@scenario(
    fault="A reused export: the VMA shows the last run's completed, 100 % until it is overwritten (F3)",
    must="Observation previous_run, nothing written; the new run's numbers from its first byte on",
    engines=BOTH,
)
def test_an_export_that_is_used_again(world: FaultWorld) -> str:
    with world.polling(VMA_PROGRESS_STARTUP_GRACE="5s") as poller:  # created_at has whole seconds
        poller.wait_for("started")
        kept = reused_export(world)
        world.see(JOB, "previous_run")
        after_polls(world, 3)
        assert world.oma.job(JOB)["bytes_transferred"] == 0
        kept.report("in_progress", 0, 1000)  # zeros never overwrite: still 1000 bytes
        after_polls(world, 3)
        assert world.oma.job(JOB)["bytes_transferred"] == 0
        assert float(world.oma.job(JOB)["progress_percent"]) == 0
        kept.report("in_progress", 250, 1000)
        until(lambda: world.oma.job(JOB)["bytes_transferred"] == 250, "the new run's bytes")
        world.see(JOB, "fresh")
        world.truth.may_end(JOB, "completed")
        kept.report("completed", 1000, 1000)
        until(lambda: world.oma.job(JOB)["status"] == "completed", "the end")
    return "previous_run with nothing written; then 25 %, fresh; then completed"


@scenario(
    fault="A run on a reused export that began and ended while no poller was running",
    must="Observation unverified, nothing written; `oma-poller accept JOB` completes it",
    engines=BOTH,
)
def test_a_run_that_nobody_saw(world: FaultWorld) -> str:
    reused_export(world)
    world.intervals(8)  # longer than the start-up grace: nobody watched when the job was created
    with world.polling(VMA_PROGRESS_STALL_AFTER="1s"):
        world.see(JOB, "unverified")
        assert world.oma.job(JOB)["bytes_transferred"] == 0
        assert world.untouched()
        world.truth.may_end(JOB, "completed")
        done = oma_poller("accept", JOB, cwd=world.folder, settings={"OMA_DATABASE_URL": world.oma.url})
        assert done.returncode == 0, done
        until(lambda: world.oma.job(JOB)["status"] == "completed", "the end")
        row = world.oma.job(JOB)
    assert (float(row["progress_percent"]), row["bytes_transferred"]) == (100, 1000)
    return "unverified with nothing written; accepted, it was completed with its 1000 bytes"


@scenario(
    fault="A copier freezes: HTTP 200, in_progress, its bytes stand still (F5)",
    must="Stalled after VMA_PROGRESS_STALL_AFTER, speed 0, no ETA; never failed; fresh when bytes move",
    engines=BOTH,
)
def test_a_copier_that_freezes(world: FaultWorld) -> str:
    world.add(JOB, "other", moved=0.2)
    with world.polling(VMA_PROGRESS_STALL_AFTER="1s"):
        world.copy("other").moves(20)
        world.see(JOB, "stalled")
        row = world.oma.job(JOB)
        assert (row["transfer_speed_bps"], row["vma_eta_seconds"], row["status"]) == (0, None, "replicating")
        assert world.observation("other") == "fresh"
        world.copy(JOB).moves(0.6)
        world.see(JOB, "fresh")
        world.end_all()
        world.wait_for_end()
    return f"stalled with speed 0 and no ETA, the other job fresh; {world.check_end()}"


@scenario(
    fault="VMA_PROGRESS_FAIL_AFTER is set, one copier freezes, and the VMA is unreachable for longer",
    must="Not one job fails for what cannot be seen; the frozen one fails once it was seen frozen that long",
)
def test_failing_by_time_needs_a_vma_that_answers(world: FaultWorld) -> str:
    world.add(JOB, "other", moved=0.2)
    with world.polling(VMA_PROGRESS_STALL_AFTER="500ms", VMA_PROGRESS_FAIL_AFTER="3s"):
        world.settled()
        world.vma.go_down()
        world.intervals(20)
        assert world.untouched()
        world.vma.come_up()
        world.copy("other").moves(6)
        world.see("other", "fresh")
        assert world.untouched()
        world.truth.may_end(JOB, "failed")
        world.wait_for_end(JOB, status="failed")
        assert "VMA_PROGRESS_FAIL_AFTER" in world.oma.job(JOB)["error_message"]
        world.copy("other").ends()
        world.wait_for_end("other")
    return "nothing failed in 4 s without the VMA; the frozen job failed afterwards, with that reason"


@scenario(
    fault="A VMA is away while copies go on: bytes jump when it is back",
    must="No speed spike: the speed stays within what really moved; the gap is told",
)
def test_no_speed_spike_after_an_outage(world: FaultWorld) -> str:
    total = 1_000_000_000
    world.add(JOB, sizes_bytes=(total,), moved=0)
    world.copy(JOB).moves(20)
    real_bps = total / 20
    with world.polling() as poller:
        until(lambda: world.oma.job(JOB)["transfer_speed_bps"], "a speed")
        world.vma.go_down()
        world.intervals(10)
        world.vma.come_up()
        world.see(JOB, "fresh")
        fastest = 0
        for _ in range(6):
            after_polls(world, 1)
            fastest = max(fastest, world.oma.job(JOB)["transfer_speed_bps"])
        assert "MB in the" in poller.wait_for("moved unseen")["detail"]
        assert fastest > 0
        assert fastest <= 2 * real_bps, fastest / real_bps
        world.copy(JOB).ends()
        world.wait_for_end()
    told = "'moved … MB in the … unseen'"
    return f"at most twice the real speed in the 6 polls afterwards; {told}; {world.check_end()}"
