"""The numbers of a job, summed over its disks (T1, T2, T3)."""

import pytest
from core_values import GIB, NOW_S, a_disk, a_finished_run, a_part, a_run

from oma_poller.core.aggregate import aggregate
from oma_poller.core.parts import FULL_BP, Part, run_part
from oma_poller.model.context import KeyRun
from oma_poller.model.job import Disk
from oma_poller.model.reading import BIGINT_MAX, State
from oma_poller.model.snapshot import Snapshot
from oma_poller.model.update import DiskUpdate

SILENT = Part((a_disk(9),), None, 0, 10 * GIB, 0, done=False)
NO_CAPACITY = Part((a_disk(9),), None, 0, 0, 0, done=False)


def part(run: KeyRun, *disks: Disk) -> Part:
    """Return the part of one run."""
    return run_part(run, disks or (a_disk(),))


def test_the_case_of_the_field_is_rounded_down() -> None:
    """933232640 of 42949672960 bytes are 2.1728…%: the row shows 2.17 and `Transfer`."""
    run = a_run(
        933232640, 42949672960, percent=2.17, phase="Transfer", operation="Transferring Data", speed_bps=1e6
    )
    snapshot = aggregate([part(run)])
    assert 933232640 * 10_000 // 42949672960 == 217
    assert snapshot.percent_bp == 217
    assert (snapshot.bytes_transferred, snapshot.total_bytes) == (933232640, 42949672960)
    assert (snapshot.operation, snapshot.phase) == ("Transfer", "Transfer")
    assert snapshot.state is State.REPLICATING


def test_bytes_totals_and_speeds_are_summed() -> None:
    snapshot = aggregate(
        [part(a_run(3 * GIB, speed_bps=100.9)), part(a_run(1 * GIB, 30 * GIB, speed_bps=50.2)), SILENT]
    )
    assert (snapshot.bytes_transferred, snapshot.total_bytes) == (4 * GIB, 50 * GIB)
    assert snapshot.percent_bp == 800
    assert snapshot.speed_bps == 151
    assert snapshot.eta_s == 46 * GIB // 151 + 1


def test_no_disk_is_no_progress() -> None:
    assert aggregate([]) == Snapshot(
        state=State.UNKNOWN,
        percent_bp=0,
        bytes_transferred=0,
        total_bytes=0,
        speed_bps=0,
        eta_s=None,
        operation="",
        phase="",
        sync_type="",
        setup_percent=None,
        complete=False,
        end=None,
        error=None,
        moved_at_s=0.0,
        disks=(),
    )


def test_disks_that_do_not_answer_count_with_their_size_and_have_no_row() -> None:
    snapshot = aggregate([SILENT, SILENT])
    assert (snapshot.state, snapshot.bytes_transferred, snapshot.total_bytes) == (State.UNKNOWN, 0, 20 * GIB)
    assert (snapshot.operation, snapshot.disks) == ("", ())


def test_all_disks_done_is_complete() -> None:
    snapshot = aggregate([part(a_finished_run()), part(a_finished_run(5))])
    assert (snapshot.complete, snapshot.state, snapshot.percent_bp) == (True, State.COMPLETED, FULL_BP)
    assert snapshot.eta_s is None


def test_a_job_of_zero_change_disks_is_complete() -> None:
    snapshot = aggregate([part(a_finished_run(0, 0)), part(a_finished_run(0, 0))])
    assert (snapshot.complete, snapshot.percent_bp, snapshot.total_bytes) == (True, FULL_BP, 0)


def test_a_zero_change_disk_among_others_weighs_nothing() -> None:
    snapshot = aggregate([part(a_finished_run(0, 0)), part(a_run(5 * GIB))])
    assert (snapshot.percent_bp, snapshot.total_bytes) == (5000, 10 * GIB)
    assert [row.percent_bp for row in snapshot.disks] == [FULL_BP, 5000]


def test_all_bytes_without_the_word_are_not_100() -> None:
    snapshot = aggregate([part(a_run(10 * GIB)), part(a_finished_run())])
    assert (snapshot.complete, snapshot.percent_bp) == (False, FULL_BP - 1)
    assert [row.percent_bp for row in snapshot.disks] == [FULL_BP - 1, FULL_BP]


def test_two_disks_of_the_largest_size_are_held_at_the_limit_and_exact_in_percent() -> None:
    moved = BIGINT_MAX // 3
    snapshot = aggregate([part(a_run(moved, BIGINT_MAX, speed_bps=1e19)), part(a_run(0, BIGINT_MAX))])
    assert snapshot.percent_bp == moved * 10_000 // (2 * BIGINT_MAX) == 1666
    assert (snapshot.total_bytes, snapshot.speed_bps) == (BIGINT_MAX, BIGINT_MAX)
    full = aggregate([part(a_finished_run(BIGINT_MAX)), part(a_finished_run(BIGINT_MAX))])
    assert (full.bytes_transferred, full.total_bytes, full.complete) == (BIGINT_MAX, BIGINT_MAX, True)


def test_one_byte_too_few_of_the_largest_size_is_not_all() -> None:
    assert aggregate([part(a_run(BIGINT_MAX - 1, BIGINT_MAX))]).percent_bp == FULL_BP - 1


def test_the_time_left_counts_what_is_beyond_the_limit() -> None:
    snapshot = aggregate([part(a_run(BIGINT_MAX, BIGINT_MAX, speed_bps=1e18)), part(a_run(0, BIGINT_MAX))])
    assert snapshot.eta_s == 10


def test_a_percentage_without_a_total_is_the_job_s_as_reported() -> None:
    disk = a_disk(capacity_bytes=0)
    assert aggregate([part(a_run(7, 0, percent=33.339), disk)]).percent_bp == 3333
    assert aggregate([part(a_run(7, 0, percent=150.0), disk)]).percent_bp == FULL_BP - 1
    assert aggregate([part(a_run(7, 0, percent=-3.0), disk)]).percent_bp == 0
    assert aggregate([part(a_run(7, 0, percent=33.339), a_disk())]).percent_bp == 3333


def test_a_disk_of_unknown_size_weighs_what_its_bytes_and_percentage_say() -> None:
    unknown = part(a_run(5 * GIB, 0, percent=50.0), a_disk(capacity_bytes=0))
    snapshot = aggregate([unknown, part(a_run(1 * GIB))])
    assert snapshot.percent_bp == 6 * 10_000 // 20
    assert (snapshot.total_bytes, snapshot.eta_s) == (10 * GIB, None)


def test_a_disk_of_unknown_size_keeps_the_job_from_its_end() -> None:
    assert aggregate([part(a_finished_run()), NO_CAPACITY]).percent_bp == FULL_BP - 1
    moving = part(a_run(10 * GIB, 0), a_disk(capacity_bytes=0))
    assert aggregate([part(a_finished_run()), moving]).percent_bp == 5000
    tiny = part(a_run(10 * GIB, 0, percent=0.001), a_disk(capacity_bytes=0))
    assert aggregate([part(a_finished_run()), tiny]).percent_bp == 5000


def test_the_time_left_is_unknown_while_a_size_is() -> None:
    assert aggregate([part(a_run(5 * GIB, speed_bps=1e6)), NO_CAPACITY]).eta_s is None


def test_more_bytes_than_the_total_are_not_more_than_all() -> None:
    snapshot = aggregate([part(a_run(150, 100, speed_bps=5.0))])
    assert (snapshot.percent_bp, snapshot.bytes_transferred, snapshot.eta_s) == (FULL_BP - 1, 150, None)


def test_each_row_of_a_shared_volume_shows_it_and_the_job_counts_it_once() -> None:
    snapshot = aggregate([part(a_run(4 * GIB), a_disk(1), a_disk(2, volume_id="vol-1"))])
    assert snapshot.disks == (
        DiskUpdate(1, "syncing", 4000, 4 * GIB),
        DiskUpdate(2, "syncing", 4000, 4 * GIB),
    )
    assert snapshot.bytes_transferred == 4 * GIB


def test_an_ended_disk_under_a_whole_job_key_has_its_row() -> None:
    ended = Part((a_disk(1),), State.COMPLETED, 7, 7, FULL_BP, done=True)
    assert aggregate([ended, part(a_run(5), a_disk(2))]).disks[0] == DiskUpdate(1, "completed", FULL_BP, 7)


@pytest.mark.parametrize(
    ("run", "status"),
    [
        (a_finished_run(), "completed"),
        (a_finished_run(5, 10), "syncing"),
        (a_run(5), "syncing"),
        (a_run(0), "syncing"),
        (a_run(0, state=State.SNAPSHOTTING), "pending"),
        (a_run(0, state=State.UNKNOWN), "pending"),
        (a_run(5, state=State.PREPARING), "syncing"),
        (a_run(5, state=State.FINALIZING), "syncing"),
        (a_run(5, state=State.FAILED, ended_polls=1), "syncing"),
        (a_run(5, state=State.FAILED, ended_polls=2), "failed"),
    ],
)
def test_the_row_of_a_disk_shows_how_far_it_is(run: KeyRun, status: str) -> None:
    assert aggregate([part(run)]).disks[0].status == status


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_an_end_counts_in_the_second_poll_that_says_so(state: State) -> None:
    once = aggregate([part(a_run(5, state=state, ended_polls=1, error="lost")), part(a_run(5))])
    assert (once.end, once.error) == (None, "lost")
    twice = aggregate([part(a_run(5, state=state, ended_polls=2, error="lost")), part(a_run(5))])
    assert (twice.end, twice.error, twice.complete) == (state, "lost", False)


def test_of_several_ends_the_failure_counts_with_its_reason() -> None:
    cancelled = part(a_run(5, state=State.CANCELLED, ended_polls=3, error="cancelled by its parent"))
    failed = part(a_run(5, state=State.FAILED, ended_polls=2, error="no space"))
    snapshot = aggregate([cancelled, failed])
    assert (snapshot.end, snapshot.error) == (State.FAILED, "no space")


def test_the_newest_movement_of_any_disk_is_the_job_s() -> None:
    assert aggregate([part(a_run(5, moved_at_s=7.0)), part(a_run(5))]).moved_at_s == NOW_S


def test_the_first_sync_type_that_is_named_is_the_job_s() -> None:
    runs = [a_run(sync_type=""), a_run(sync_type="incremental"), a_run(sync_type="full")]
    assert aggregate([part(run) for run in runs]).sync_type == "incremental"


def test_a_run_that_stands_for_several_disks_counts_its_speed_once() -> None:
    run = a_run(speed_bps=100.0)
    assert aggregate([a_part(run=run), a_part(run=run)]).speed_bps == 100
