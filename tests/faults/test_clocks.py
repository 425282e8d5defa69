"""Clocks that jump by an hour: the poller's own machine, the VMA's, and the database's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from fault_scenario import BOTH, MARIADB, SQLITE, scenario
from fault_world import FaultWorld
from many_rows import add_jobs, export_of
from moving_copy import KeptEntry
from patience import until

HOUR = timedelta(hours=1)
SLOW_S = 0.5
_LIBRARIES = tuple(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


@scenario(
    fault="The wall clock of the poller's machine jumps an hour ahead, then two hours back (libfaketime)",
    must="Only the wall clock jumped: polls go on, in no burst; nobody stalls, is late, fails or ends",
    engines=(SQLITE,),
)
def test_a_wall_clock_that_jumps(world: FaultWorld) -> str:
    if not _LIBRARIES:
        pytest.skip("libfaketime is not installed")
    offset = world.folder / "offset"
    offset.write_text("+0", "ascii")
    jumping = {"LD_PRELOAD": str(_LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(offset)}
    jumping |= {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    jumping |= {"VMA_PROGRESS_POLL_INTERVAL": f"{SLOW_S}s"}  # the library makes a process slow
    world.add("job-1", "job-2", moved=0.2)
    with world.polling(**jumping, VMA_PROGRESS_STALL_AFTER="20s"):
        world.settled()
        for jump in ("+3600", "-3600"):
            lines = len(world.poller.lines)
            offset.write_text(jump, "ascii")
            began_s = monotonic()
            polls = _wait_for_polls(world)
            assert max(polls) <= (monotonic() - began_s) / SLOW_S + 2, polls
            world.copy("job-1").stands_at(world.copy("job-1").moved_bytes + 100)
            world.wait_for_numbers()
            said = [line for line in world.poller.lines[lines:] if line["event"] != "API listening"]
            assert said == []
        _check_that_it_jumped(world)
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"polls in their interval after each jump, no line in the log, fresh; {world.check_end()}; {calm}"


def _wait_for_polls(world: FaultWorld) -> list[int]:
    """Wait for three more polls of each job; return how many there were."""
    before = world.vma.asked.copy()

    def polls() -> list[int]:
        return [world.vma.asked[key] - before[key] for key in world.vma.copies]

    until(lambda: min(polls()) >= 3, "three more polls of each job")
    return polls()


def _check_that_it_jumped(world: FaultWorld) -> None:
    """Check that the poller's clock is an hour behind ours: SQLite's own clock is the poller's."""
    seen = datetime.fromisoformat(str(world.oma.job("job-1")["updated_at"])).replace(tzinfo=UTC)
    behind = datetime.now(UTC) - seen
    assert HOUR - timedelta(minutes=1) < behind < HOUR + timedelta(minutes=1), behind


def run_on_a_wrong_clock(world: FaultWorld, ahead: timedelta) -> str:
    """Let a VMA's clock be wrong: an earlier run's end is none, and a new run is this job's own."""
    world.vma.clock_ahead_s = ahead.total_seconds()
    earlier, new = export_of("earlier"), export_of("new")

    def vma_time(seconds: float) -> str:
        return (datetime.now(UTC) + ahead + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    with world.polling(VMA_PROGRESS_STARTUP_GRACE="10s") as poller:
        poller.wait_for("started")
        world.vma.copies[earlier] = old = KeptEntry(earlier, vma_time(-600))
        old.report("completed", 1000, 1000)
        world.vma.copies[new] = own = KeptEntry(new, vma_time(10))
        own.report("in_progress", 300, 1000)
        add_jobs(world.oma, ["earlier", "new"], [1000])
        world.see("earlier", "previous_run")
        until(lambda: world.oma.job("new")["bytes_transferred"] == 300, "the new run's bytes")
        assert world.oma.job("earlier")["bytes_transferred"] == 0
        assert world.untouched()
        world.truth.may_end("new", "completed")
        own.report("completed", 1000, 1000)
        until(lambda: world.oma.job("new")["status"] == "completed", "the end of the new run")
        assert world.observation("earlier") == "previous_run"
    return "the earlier run's end was previous_run, the new run was shown at once and completed"


@scenario(
    fault="The VMA's clock is an hour ahead: an earlier run's start looks later than the job",
    must="Start times are corrected by the reply's Date: the earlier run is not taken for this job's",
    engines=BOTH,
)
def test_a_vma_whose_clock_is_ahead(world: FaultWorld) -> str:
    return run_on_a_wrong_clock(world, HOUR)


@scenario(
    fault="The VMA's clock is an hour behind: this job's own run looks older than the job",
    must="Start times are corrected by the reply's Date: the run is shown at once",
    engines=(MARIADB,),
)
def test_a_vma_whose_clock_is_behind(world: FaultWorld) -> str:
    return run_on_a_wrong_clock(world, -HOUR)


@scenario(
    fault="The VMA's clock jumps an hour ahead, then two hours back, in the middle of a copy",
    must="The run stays the same one: numbers go on, none goes back",
)
def test_a_vma_whose_clock_jumps(world: FaultWorld) -> str:
    world.add("job-1", moved=0.2)
    with world.polling():
        world.settled()
        for ahead, moved in ((HOUR, 400), (-HOUR, 600)):
            world.vma.clock_ahead_s = ahead.total_seconds()
            world.copy("job-1").stands_at(moved)
            until(lambda wanted=moved: world.oma.job("job-1")["bytes_transferred"] == wanted, "the bytes")  # type: ignore[misc] # mypy cannot infer a lambda with defaults
            assert world.observation("job-1") == "fresh"
        assert not world.warnings()
        world.end_all()
        world.wait_for_end()
    return f"400, 600, fresh all the time, no warning; {world.check_end()}"


@scenario(
    fault="The database's clock is an hour ahead of ours: every run looks older than its job",
    must="The run is trusted as soon as it moves; nobody fails or ends wrongly",
    engines=BOTH,
)
def test_a_database_whose_clock_is_ahead(world: FaultWorld) -> str:
    key = export_of("job-1")
    now = datetime.now(UTC)
    world.vma.copies[key] = own = KeptEntry(key, (now + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    own.report("in_progress", 300, 1000)
    created_at = (now + HOUR).strftime("%Y-%m-%d %H:%M:%S")
    add_jobs(world.oma, ["job-1"], [1000], {"created_at": created_at})
    with world.polling():
        world.see("job-1", "previous_run")
        own.report("in_progress", 400, 1000)
        until(lambda: world.oma.job("job-1")["bytes_transferred"] == 400, "the bytes")
        world.see("job-1", "fresh")
        world.truth.may_end("job-1", "completed")
        own.report("completed", 1000, 1000)
        until(lambda: world.oma.job("job-1")["status"] == "completed", "the end")
    return "previous_run until it moved, then 400 bytes and fresh, then completed"
