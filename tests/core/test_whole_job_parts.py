"""What the disks of a job contribute that one key tells of (F6, T1)."""

import pytest
from core_values import GIB, a_context, a_detail, a_disk, a_finished_run, a_job, a_run

from oma_poller.core.parts import FULL_BP, Part, whole_job_parts
from oma_poller.model.context import EndedDisk, KeyRun
from oma_poller.model.job import Job
from oma_poller.model.reading import DiskReading, State

TWO = a_job(a_disk(1), a_disk(2))


def parts_of(job: Job, run: KeyRun | None, *details: DiskReading, ended: int = 0) -> tuple[Part, ...]:
    """Return the parts of a job whose one key was read as *run*, after *ended* disks of 10 GiB."""
    ends = (EndedDisk(10 * GIB, 10 * GIB),) * ended
    return whole_job_parts(job, a_context(job, tier=0, runs=(run,), ended=ends), details)


def numbers(part: Part) -> tuple[list[int | str], int, int, bool]:
    """Return (rows, bytes, total, done) of a part."""
    return [disk.id for disk in part.disks], part.bytes_transferred, part.total_bytes, part.done


@pytest.mark.parametrize("run", [None, a_run(5, trusted=False)])
def test_without_a_run_of_the_job_every_disk_is_silent(run: KeyRun | None) -> None:
    assert [part.state for part in parts_of(TWO, run, a_detail("2000", 5))] == [None, None]


def test_the_entry_of_a_single_disk_is_that_disk() -> None:
    (part,) = parts_of(a_job(), a_run(5), a_detail("other", 7))
    assert numbers(part) == ([1], 5, 10 * GIB, False)


def test_the_entry_of_a_job_without_disks_is_the_whole_job() -> None:
    assert [numbers(part) for part in parts_of(a_job(disks=()), a_run(5, 9))] == [([], 5, 9, False)]


def test_disks_are_copied_one_after_the_other() -> None:
    ended, current, silent = parts_of(
        a_job(a_disk(1), a_disk(2), a_disk(3)), a_run(4 * GIB, 20 * GIB), ended=1
    )
    assert numbers(ended) == ([1], 10 * GIB, 10 * GIB, True)
    assert numbers(current) == ([2], 4 * GIB, 20 * GIB, False)
    assert (numbers(silent), silent.state) == (([3], 0, 10 * GIB, False), None)


def test_ended_disks_that_the_database_does_not_know_count_without_a_row() -> None:
    parts = parts_of(a_job(disks=()), a_run(4, 9), ended=2)
    assert [numbers(part)[0] for part in parts] == [[], [], []]
    assert sum(part.bytes_transferred for part in parts) == 20 * GIB + 4


def test_detailed_disks_are_matched_by_their_id() -> None:
    details = a_detail("2001", 4 * GIB, total_bytes=20 * GIB), a_detail("2000", 3 * GIB)
    parts = parts_of(TWO, a_run(7 * GIB, 30 * GIB), *details)
    assert [numbers(part) for part in parts] == [
        ([1], 3 * GIB, 10 * GIB, False),
        ([2], 4 * GIB, 20 * GIB, False),
    ]
    assert [part.share_bp for part in parts] == [3000, 2000]


def test_a_disk_that_is_not_detailed_yet_is_silent() -> None:
    first, second = parts_of(TWO, a_run(3 * GIB), a_detail("2000", 3 * GIB))
    assert (numbers(first), numbers(second)) == (
        ([1], 3 * GIB, 10 * GIB, False),
        ([2], 0, 10 * GIB, False),
    )
    assert second.state is None


def test_details_under_ids_that_nobody_knows_count_once_and_have_no_row() -> None:
    sizes = [5 * GIB, 6 * GIB, 7 * GIB]
    job = a_job(*(a_disk(number, capacity_bytes=size) for number, size in enumerate(sizes, 1)))
    parts = parts_of(job, a_run(), a_detail("d1", 3 * GIB), a_detail("d2", 4 * GIB, total_bytes=0))
    assert [numbers(part) for part in parts] == [
        ([], 3 * GIB, 10 * GIB, False),
        ([], 4 * GIB, 6 * GIB, False),
        ([3], 0, 7 * GIB, False),
    ]


def test_more_details_than_disks_all_count() -> None:
    parts = parts_of(TWO, a_run(), a_detail("2000", 1), a_detail("d1", 2), a_detail("d2", 3))
    assert [numbers(part)[:2] for part in parts] == [([1], 1), ([], 2), ([], 3)]


def test_details_without_ids_are_matched_in_order() -> None:
    job = a_job(a_disk(1, disk_id=""), a_disk(2, disk_id=""))
    parts = parts_of(job, a_run(), a_detail("", 1), a_detail("", 2))
    assert [numbers(part)[:2] for part in parts] == [([1], 1), ([2], 2)]


def test_details_of_a_job_without_disks_are_its_parts() -> None:
    parts = parts_of(a_job(disks=()), a_run(), a_detail("a", 1), a_detail("b", 2))
    assert [numbers(part)[:2] for part in parts] == [([], 1), ([], 2)]


@pytest.mark.parametrize(
    ("entry", "detail", "done"),
    [
        (State.COMPLETED, State.REPLICATING, True),
        (State.REPLICATING, State.COMPLETED, True),
        (State.REPLICATING, State.REPLICATING, False),
        (State.FINALIZING, State.UNKNOWN, False),
        (State.COMPLETED, State.UNKNOWN, True),
    ],
)
def test_a_detailed_disk_with_all_its_bytes_is_done_once_it_or_the_entry_says_completed(
    entry: State, detail: State, *, done: bool
) -> None:
    part = parts_of(TWO, a_run(state=entry), a_detail("2000", 10 * GIB, state=detail))[0]
    assert part.done is done


def test_a_detailed_disk_without_all_its_bytes_is_not_done() -> None:
    part = parts_of(TWO, a_finished_run(), a_detail("2000", 9 * GIB, state=State.COMPLETED))[0]
    assert (part.done, part.share_bp) == (False, 9000)


def test_a_detailed_zero_change_disk_is_done() -> None:
    detail = a_detail("2000", 0, total_bytes=0, percent=100.0, state=State.COMPLETED)
    part = parts_of(TWO, a_run(), detail)[0]
    assert numbers(part) == ([1], 0, 0, True)
    assert part.share_bp == FULL_BP


def test_a_detailed_disk_without_a_word_is_in_the_state_of_its_entry() -> None:
    part = parts_of(TWO, a_run(), a_detail("2000", 5, state=State.UNKNOWN))[0]
    assert part.state is State.REPLICATING


def test_details_that_an_earlier_run_left_behind_do_not_count() -> None:
    run = a_run(20 * GIB, 20 * GIB, stale_bytes=20 * GIB)
    details = a_detail("2000", 10 * GIB, state=State.COMPLETED), a_detail("2001", 10 * GIB)
    assert [numbers(part)[1:] for part in parts_of(TWO, run, *details)] == [(0, 10 * GIB, False)] * 2
