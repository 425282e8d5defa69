"""Somebody else writes: the OMA changes rows while their poll is under way (D5)."""

from threading import Event

from fault_scenario import BOTH, MARIADB, scenario
from fault_world import FaultWorld
from many_rows import add_jobs, export_of
from patience import until

JOB, OTHER = "job-1", "other"
_KEY = export_of(JOB)


def in_mid_poll(world: FaultWorld, sql: str, *values: object) -> None:
    """Run a statement while the VMA's reply, which says more bytes than the row, is on its way."""
    world.vma.hold = Event()
    until(lambda: world.vma.in_flight[_KEY] == 1, "a poll under way")
    world.copy(JOB).stands_at(900)
    world.oma.execute(sql, values)
    hold, world.vma.hold = world.vma.hold, None
    hold.set()


def polls_of_other(world: FaultWorld) -> None:
    """Wait for three more polls of the other job, so that whatever was pending is written."""
    key = world.copy(OTHER).key
    asked = world.vma.asked[key]
    until(lambda: world.vma.asked[key] >= asked + 3, "three polls of the other job")


def ended_by_oma(world: FaultWorld, status: str) -> str:
    """Let the OMA end the job in mid-poll; check that its row stays as the OMA left it."""
    world.add(JOB, OTHER, moved=0.3)
    with world.polling():
        world.settled()
        world.truth.may_end(JOB, status)
        sql = "UPDATE replication_jobs SET status = ?, current_operation = 'by the OMA' WHERE id = ?"
        in_mid_poll(world, sql, status, JOB)
        polls_of_other(world)
        row = world.oma.job(JOB)
        assert (row["status"], row["current_operation"]) == (status, "by the OMA")
        assert row["bytes_transferred"] == 300
        until(lambda: world.poller.said("job left"), "the job dropped")
        asked = world.vma.asked[_KEY]
        polls_of_other(world)
        assert world.vma.asked[_KEY] == asked
        calm = world.calm()
    return f"the row stayed as the OMA left it; not one more request for the job; {calm}"


@scenario(fault="The OMA cancels a job in mid-poll", must="The row is never touched again", engines=BOTH)
def test_a_job_that_the_oma_cancels(world: FaultWorld) -> str:
    return ended_by_oma(world, "cancelled")


@scenario(
    fault="The OMA completes a job in mid-poll", must="The row is never touched again", engines=(MARIADB,)
)
def test_a_job_that_the_oma_completes(world: FaultWorld) -> str:
    return ended_by_oma(world, "completed")


@scenario(fault="The OMA fails a job in mid-poll", must="The row is never touched again", engines=(MARIADB,))
def test_a_job_that_the_oma_fails(world: FaultWorld) -> str:
    return ended_by_oma(world, "replication_failed")


@scenario(
    fault="The OMA sets a status that nobody knows in mid-poll, and later running again",
    must="No active status, so nothing is written; taken up again with running",
    engines=BOTH,
)
def test_a_status_that_nobody_knows(world: FaultWorld) -> str:
    world.add(JOB, OTHER, moved=0.3)
    with world.polling():
        world.settled()
        in_mid_poll(world, "UPDATE replication_jobs SET status = 'paused_by_hand' WHERE id = ?", JOB)
        polls_of_other(world)
        row = world.oma.job(JOB)
        assert (row["status"], row["bytes_transferred"]) == ("paused_by_hand", 300)
        world.oma.execute("UPDATE replication_jobs SET status = 'running' WHERE id = ?", (JOB,))
        until(lambda: world.oma.job(JOB)["bytes_transferred"] == 900, "the newest bytes")
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"left alone with its 300 bytes, then 900, then {world.check_end()}; {calm}"


@scenario(
    fault="The OMA deletes a job's row in mid-poll",
    must="Dropped with all that was held for it; no row is made; the others go on",
    engines=BOTH,
)
def test_a_job_that_is_deleted(world: FaultWorld) -> str:
    world.add(JOB, OTHER, moved=0.3)
    with world.polling():
        world.settled()
        in_mid_poll(world, "DELETE FROM replication_jobs WHERE id = ?", JOB)
        until(lambda: world.poller.said("job left"), "the job dropped")
        polls_of_other(world)
        assert JOB not in world.oma.statuses()
        world.copy(OTHER).ends()
        world.wait_for_end(OTHER)
        calm = world.calm()
    return f"no row was made; the other job completed; {calm}"


@scenario(
    fault="The OMA deletes a job in mid-poll and makes it anew; the VMA still has the old entry",
    must="The new job begins at 0 and shows its own run only",
    engines=BOTH,
)
def test_a_job_that_is_made_anew(world: FaultWorld) -> str:
    world.add(JOB, OTHER, moved=0.3)
    with world.polling(VMA_PROGRESS_STARTUP_GRACE="5s"):
        world.settled()
        world.copy(JOB).fields = {"timing": {"start_time": "2020-01-01T00:00:00Z"}}
        world.truth.new_run(JOB)
        created_at = world.oma.job(JOB)["created_at"]
        clock = "SELECT CURRENT_TIMESTAMP AS now"
        until(
            lambda: str(world.oma.execute(clock)[0]["now"]) > str(created_at),
            "the next second of the database",
        )
        in_mid_poll(world, "DELETE FROM replication_jobs WHERE id = ?", JOB)
        world.oma.execute("INSERT INTO replication_jobs (id, status) VALUES (?, 'running')", (JOB,))
        world.see(JOB, "previous_run")
        assert world.oma.job(JOB)["bytes_transferred"] == 0
        world.copy(JOB).stands_at(50)
        until(lambda: world.oma.job(JOB)["bytes_transferred"] == 50, "the new run's bytes")
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"previous_run with 0 bytes, then 50, then {world.check_end()}; {calm}"


@scenario(
    fault="The OMA re-points vm_disks.job_id to the VM's newest job, and ends the old one",
    must="The old row stays as it is; the new job has the disk's numbers",
    engines=BOTH,
)
def test_disks_that_are_given_to_a_newer_job(world: FaultWorld) -> str:
    world.add(JOB, OTHER, moved=0.3)
    with world.polling():
        world.settled()
        add_jobs(world.oma, ["newer"], [])
        world.oma.execute("UPDATE vm_disks SET job_id = 'newer' WHERE job_id = ?", (JOB,))
        world.truth.may_end(JOB, "cancelled")
        world.oma.execute("UPDATE replication_jobs SET status = 'cancelled' WHERE id = ?", (JOB,))
        world.copy(JOB).stands_at(600)
        until(lambda: world.oma.job("newer")["bytes_transferred"] == 600, "the disk's bytes in the newer job")
        polls_of_other(world)
        assert world.oma.job(JOB)["status"] == "cancelled"
        world.truth.may_end("newer", "completed")
        world.copy(JOB).ends()
        world.wait_for_end("newer")
    return "the old row stayed cancelled; the newer job showed 600 bytes, then completed"
