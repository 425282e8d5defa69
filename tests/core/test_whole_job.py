"""When a completed entry that may stand for several disks is the end of the job (T2, F6)."""

import pytest
from core_values import a_detail, a_disk, a_job
from job_story import MISSING, REFUSED, Story, by_job_id, completed, copying
from msgspec.structs import replace

from oma_poller.model.observation import Observation
from oma_poller.model.reading import DiskReading, State
from oma_poller.model.update import DiskUpdate

HOLD_S = 30.0


def detail(number: int, moved: int, state: State = State.REPLICATING) -> DiskReading:
    """Return disk *number* of 100 bytes inside a reply."""
    return a_detail(str(1999 + number), moved, total_bytes=100, state=state)


def test_a_completed_entry_is_held_as_finalizing_and_then_believed() -> None:
    story = Story(by_job_id())
    story.poll(copying(90))
    held = story.numbers(completed(100))
    assert (held.operation, held.percent_bp, held.eta_s) == ("Finalizing", 5000, None)
    assert (story.context.state, story.status) == (State.FINALIZING, None)
    story.poll(completed(100), after_s=HOLD_S - 0.1)
    assert story.context.state is State.FINALIZING
    done = story.numbers(completed(100), after_s=0.1)
    assert story.status == "completed"
    assert (done.percent_bp, done.operation) == (10_000, "Completed")
    assert (done.bytes_transferred, done.total_bytes, done.speed_bps) == (100, 100, 0)
    assert done.disks == (
        DiskUpdate(1, "completed", 10_000, None),
        DiskUpdate(2, "completed", 10_000, None),
    )


def test_the_hold_counts_from_the_newest_movement() -> None:
    story = Story(by_job_id())
    story.poll(completed(100))
    story.poll(completed(101), after_s=HOLD_S)
    assert story.context.state is State.FINALIZING
    story.poll(completed(101), after_s=HOLD_S)
    assert story.status == "completed"


def test_the_last_disk_is_held_too() -> None:
    story = Story(by_job_id())
    story.poll(completed(100))
    story.poll(copying(5, total_bytes=60))
    held = story.numbers(completed(60))
    assert (story.context.state, held.percent_bp) == (State.FINALIZING, 9999)
    done = story.numbers(completed(60), after_s=HOLD_S)
    assert story.status == "completed"
    assert (done.bytes_transferred, done.total_bytes) == (160, 160)
    assert [row.bytes_synced for row in done.disks] == [100, 60]


def test_rows_that_were_not_told_apart_keep_their_bytes() -> None:
    story = Story(by_job_id(3))
    story.poll(completed(100))
    story.poll(copying(5))
    story.poll(completed(100))
    done = story.numbers(completed(100), after_s=HOLD_S)
    assert story.status == "completed"
    assert (done.bytes_transferred, done.total_bytes) == (200, 200)
    assert [row.bytes_synced for row in done.disks] == [100, 100, None]


def test_an_outage_starts_the_hold_again() -> None:
    story = Story(by_job_id())
    story.poll(completed(100))
    story.poll(REFUSED)
    story.poll(completed(100), after_s=HOLD_S)
    assert story.context.state is State.FINALIZING
    story.poll(completed(100), after_s=HOLD_S)
    assert story.status == "completed"


def test_one_bad_poll_does_not_start_the_hold_again() -> None:
    story = Story(by_job_id())
    story.poll(completed(100))
    story.poll(completed(100), after_s=20)
    story.poll(MISSING)
    story.poll(completed(100))
    assert story.status == "completed"


def test_completed_without_all_bytes_is_not_believed_after_the_hold() -> None:
    story = Story(by_job_id())
    story.poll(completed(60, 100))
    assert story.context.state is State.FINALIZING
    story.poll(completed(60, 100), after_s=HOLD_S)
    assert story.status == "replicating"
    story.poll(completed(60, 100), after_s=300)
    assert story.observation() is Observation.STALLED
    assert story.reason == "the VMA says completed, but only 60 of 100 bytes are there"


def test_an_incremental_run_without_a_change_is_believed_after_the_hold() -> None:
    story = Story(by_job_id())
    story.poll(completed(0, 0))
    done = story.numbers(completed(0, 0), after_s=HOLD_S)
    assert story.status == "completed"
    assert (done.percent_bp, done.bytes_transferred, done.total_bytes) == (10_000, 0, 0)


def test_details_that_lack_a_disk_keep_the_job_open() -> None:
    story = Story(by_job_id())
    for _ in range(20):
        story.poll(completed(100, disks=(detail(1, 100, State.COMPLETED),)))
        assert story.context.state is State.REPLICATING


def test_details_that_are_not_complete_keep_the_job_open() -> None:
    story = Story(by_job_id())
    details = (detail(1, 100, State.COMPLETED), detail(2, 60))
    progress = story.numbers(completed(160, disks=details))
    assert (story.context.state, progress.bytes_transferred) == (State.REPLICATING, 160)


def test_details_that_are_complete_end_the_job_after_the_hold() -> None:
    story = Story(by_job_id())
    details = (detail(1, 100, State.COMPLETED), detail(2, 100, State.COMPLETED))
    story.poll(completed(200, disks=details))
    assert story.context.state is State.FINALIZING
    done = story.numbers(completed(200, disks=details), after_s=HOLD_S)
    assert story.status == "completed"
    assert [row.bytes_synced for row in done.disks] == [100, 100]


def test_complete_details_of_an_entry_that_is_not_are_finalizing() -> None:
    story = Story(by_job_id())
    details = (detail(1, 100, State.COMPLETED), detail(2, 100, State.COMPLETED))
    progress = story.numbers(copying(200, disks=details))
    assert (story.context.state, progress.percent_bp) == (State.FINALIZING, 9999)


def test_a_job_with_unknown_disks_is_held_under_its_id() -> None:
    story = Story(a_job(disks=()))
    story.poll(completed(100))
    assert story.context.state is State.FINALIZING
    done = story.numbers(completed(100), after_s=HOLD_S)
    assert story.status == "completed"
    assert (done.bytes_transferred, done.disks) == (100, ())


@pytest.mark.parametrize("disks", [(), (a_disk(volume_id=None, capacity_bytes=100),)])
def test_one_export_is_one_disk_and_is_not_held(disks: tuple[()]) -> None:
    story = Story(a_job(disks=disks, nbd_export_name="migration-vol-x"))
    story.poll(completed(100))
    assert story.status == "completed"


def test_a_job_of_one_disk_is_not_held_under_its_id() -> None:
    story = Story(by_job_id(1))
    story.poll(completed(100))
    assert story.status == "completed"


def test_an_entry_of_another_run_is_not_held() -> None:
    story = Story(by_job_id())
    story.poll(completed(100, started_at=None))
    assert story.context.held_since_s is None
    story.poll(copying(100, started_at=None))
    story.poll(copying(10, started_at=None))
    assert story.context.held_since_s is None


@pytest.mark.parametrize(("moved_bytes", "status"), [(100, "replicating"), (200, "completed")])
def test_one_export_ends_a_job_of_several_disks_only_with_the_bytes_of_all(
    moved_bytes: int, status: str
) -> None:
    job = replace(by_job_id(), nbd_export_name="migration-vol-x")
    story = Story(job)
    story.poll(copying(1, moved_bytes))
    story.poll(completed(moved_bytes))
    ended = story.numbers(completed(moved_bytes), after_s=HOLD_S)
    assert story.status == status
    assert len([row for row in ended.disks if row.status == "completed"]) == moved_bytes // 100


def test_a_detail_that_says_failed_is_not_completed_by_its_entry() -> None:
    story = Story(by_job_id())
    details = (detail(1, 100, State.COMPLETED), detail(2, 100, State.FAILED))
    for _ in range(3):
        story.poll(completed(200, disks=details), after_s=HOLD_S)
    assert story.status == "replicating"
