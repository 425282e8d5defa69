"""Completion and failure in the hard cases: what looks like an end and is none, and the other way round."""

from fault_scenario import BOTH, scenario
from fault_world import FaultWorld
from many_rows import add_jobs
from moving_copy import Flapping
from patience import until
from scripted_vma import entry

JOB = "job-1"


def tell(world: FaultWorld, key: str, moved_bytes: int, total_bytes: int = 1000, **fields: object) -> None:
    """Let the VMA say this under a key, and wait until it was asked twice."""
    percent = 100.0 * moved_bytes / total_bytes if total_bytes else 100.0
    told = {"bytes_transferred": moved_bytes, "total_bytes": total_bytes, "percentage": percent}
    made = entry(key, **(told | fields))
    world.vma.copies[key] = Fixed(made)
    asked = world.vma.asked[key]
    until(lambda: world.vma.asked[key] >= asked + 2, "two polls of it")


class Fixed:
    """An entry that stays as it is."""

    def __init__(self, body: dict[str, object]) -> None:
        self._body = body

    def entry(self) -> dict[str, object]:
        """Return the reply's body."""
        return self._body


@scenario(
    fault="Under a job-id key the first of two disks says completed, 100 % (F6); the next starts 2 polls on",
    must="The job is finalizing, not completed; the bytes of both disks add up; completed after the last one",
    engines=BOTH,
)
def test_a_first_disk_that_says_completed(world: FaultWorld) -> str:
    add_jobs(world.oma, [JOB], [1000, 1000], volumes=False)
    with world.polling():
        tell(world, JOB, 600)
        tell(world, JOB, 1000, status="completed")
        until(lambda: world.oma.job(JOB)["current_operation"] == "Finalizing", "the hold")
        assert world.oma.job(JOB)["status"] == "replicating"
        tell(world, JOB, 300)
        until(lambda: world.oma.job(JOB)["bytes_transferred"] == 1300, "the sum of both disks")
        assert float(world.oma.job(JOB)["progress_percent"]) == 65
        world.truth.may_end(JOB, "completed")
        tell(world, JOB, 1000, status="completed")
        until(lambda: world.oma.job(JOB)["status"] == "completed", "the end")
        row = world.oma.job(JOB)
        assert (float(row["progress_percent"]), row["bytes_transferred"]) == (100, 2000)
    return "held as finalizing, then 65 % with 1300 bytes, then completed with 2000"


@scenario(
    fault="The status flaps: completed, in_progress, completed …, with half of the bytes",
    must="Neither completed nor failed; completed once all bytes are there",
)
def test_a_status_that_flaps_to_completed(world: FaultWorld) -> str:
    world.add(JOB, moved=0.5)
    with world.polling():
        world.settled()
        flapping = Flapping(world.copy(JOB), "completed", "in_progress")
        world.vma.copies[world.copy(JOB).key] = flapping
        until(lambda: flapping.told >= 8, "eight polls")
        assert world.untouched()
        world.vma.copies[world.copy(JOB).key] = world.copy(JOB)
        world.end_all()
        world.wait_for_end()
    return f"replicating over 8 polls; {world.check_end()}"


@scenario(
    fault="Failed is said in every other poll and taken back each time; later in two polls in a row",
    must="Not failed until it was said twice in a row; then failed with the error, the last percent stays",
    engines=BOTH,
)
def test_a_failure_that_is_taken_back(world: FaultWorld) -> str:
    world.add(JOB, moved=0.5)
    copy = world.copy(JOB)
    with world.polling():
        world.settled()
        flapping = Flapping(copy, "failed", "in_progress")
        world.vma.copies[copy.key] = flapping
        until(lambda: flapping.told >= 8, "eight polls")
        assert world.untouched()
        world.truth.may_end(JOB, "failed")
        copy.fields = {"status": "failed", "last_error": "disk read error"}
        world.vma.copies[copy.key] = copy
        world.wait_for_end(status="failed")
        row = world.oma.job(JOB)
    assert (float(row["progress_percent"]), row["error_message"]) == (50, "disk read error")
    assert row["completed_at"] is not None
    return "replicating over 8 polls; then failed at 50 % with the VMA's error"


@scenario(
    fault="The VMA says completed, 100 %, with 900 of 1000 bytes",
    must="Not completed: it is called incomplete and, after VMA_PROGRESS_STALL_AFTER, stalled",
)
def test_a_completion_with_fewer_bytes_than_planned(world: FaultWorld) -> str:
    world.add(JOB, moved=0.9)
    with world.polling(VMA_PROGRESS_STALL_AFTER="1s"):
        world.settled()
        world.copy(JOB).fields = {"status": "completed", "percentage": 100}
        until(lambda: world.oma.job(JOB)["current_operation"] == "Transfer incomplete", "the operation")
        world.see(JOB, "stalled")
        assert float(world.oma.job(JOB)["progress_percent"]) == 90
        assert world.untouched()
        world.copy(JOB).fields = {}
        world.end_all()
        world.wait_for_end()
    return f"'Transfer incomplete' at 90 %, then stalled; {world.check_end()} once the bytes were there"


@scenario(
    fault="An incremental copy that found no change: completed, 100 %, 0 of 0 bytes",
    must="It is completed",
)
def test_an_incremental_copy_without_a_change(world: FaultWorld) -> str:
    add_jobs(world.oma, [JOB], [1000])
    world.truth.may_end(JOB, "completed")
    key = "migration-vol-v-job-1-0"
    world.vma.copies[key] = Fixed(entry(key, status="completed", percentage=100, sync_type="incremental"))
    with world.polling():
        until(lambda: world.oma.job(JOB)["status"] == "completed", "the end")
        row = world.oma.job(JOB)
    assert (float(row["progress_percent"]), row["bytes_transferred"]) == (100, 0)
    return "completed with 100 % and 0 bytes"


@scenario(
    fault="Two disks under exports of their own; one completes, the other fails twice",
    must="Failed, never completed; the percent stays below 100",
)
def test_one_disk_of_two_that_fails(world: FaultWorld) -> str:
    world.add(JOB, sizes_bytes=(1000, 1000), moved=0.5)
    with world.polling():
        world.settled()
        world.copies[JOB][0].ends()
        until(lambda: world.oma.job(JOB)["bytes_transferred"] == 1500, "the end of the first disk")
        assert world.untouched()
        world.truth.may_end(JOB, "failed")
        world.copies[JOB][1].fields = {"status": "error", "errors": ["target went away"]}
        world.wait_for_end(status="failed")
        row = world.oma.job(JOB)
    assert (float(row["progress_percent"]), row["error_message"]) == (75, "target went away")
    return "failed at 75 % with the second disk's error"
