"""What each export of a job contributes (T1, T2)."""

from fractions import Fraction

import pytest
from core_values import GIB, a_context, a_disk, a_finished_run, a_job, a_run
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.keys import plan_keys
from oma_poller.core.parts import FULL_BP, Part, export_parts, reported_bp, run_part, share_bp
from oma_poller.model.context import KeyRun
from oma_poller.model.job import Job
from oma_poller.model.reading import BIGINT_MAX, State

BYTES = st.integers(0, BIGINT_MAX)


def parts_of(job: Job, *runs: KeyRun | None) -> tuple[Part, ...]:
    """Return the parts of a job whose exports were read as *runs*."""
    return export_parts(job, plan_keys(job), 0, a_context(job, tier=0, runs=runs))


@given(moved=BYTES, total=st.integers(1, BIGINT_MAX))
def test_a_share_is_rounded_down_to_hundredths_of_a_percent(moved: int, total: int) -> None:
    exact = min(Fraction(moved, total) * 10_000, Fraction(10_000))
    assert share_bp(moved, total) <= exact < share_bp(moved, total) + 1


@pytest.mark.parametrize("total", [0, -1])
def test_there_is_no_share_of_an_unknown_total(total: int) -> None:
    assert share_bp(5, total) == 0


@pytest.mark.parametrize(
    ("percent", "share"),
    [
        (None, 0),
        (0.0, 0),
        (2.17, 217),
        (2.179, 217),
        (2.1799999999999997, 217),
        (29.0, 2900),
        (0.29, 29),
        (57.99, 5799),
        (99.99999999999999, 9999),
        (100.0, 10_000),
        (123456.789, 10_000),
        (-5.0, 0),
        (1e308, 10_000),
        (5e-324, 0),
    ],
)
def test_a_reported_percentage_is_rounded_down_within_0_and_100(percent: float | None, share: int) -> None:
    assert reported_bp(percent) == share


@given(share=st.integers(0, 10_000))
def test_a_reported_percentage_of_two_decimals_is_taken_as_it_stands(share: int) -> None:
    assert reported_bp(share / 100) == share


@given(percent=st.floats(allow_nan=False, allow_infinity=False))
def test_no_reported_percentage_leaves_0_to_100(percent: float) -> None:
    assert 0 <= reported_bp(percent) <= FULL_BP


def test_each_export_is_a_part_with_its_own_numbers() -> None:
    job = a_job(a_disk(1), a_disk(2))
    first, second = a_run(3 * GIB), a_run(4 * GIB, 20 * GIB)
    assert parts_of(job, first, second) == (
        Part((a_disk(1),), State.REPLICATING, 3 * GIB, 10 * GIB, 3000, done=False, run=first),
        Part((a_disk(2),), State.REPLICATING, 4 * GIB, 20 * GIB, 2000, done=False, run=second),
    )


def test_disks_that_share_a_volume_are_one_part_of_the_larger_size() -> None:
    rows = (a_disk(1, capacity_bytes=0), a_disk(2, volume_id="vol-1", capacity_bytes=7))
    (part,) = parts_of(a_job(*rows), a_run(3, 0))
    assert part.disks == rows
    assert (part.bytes_transferred, part.total_bytes) == (3, 7)


def test_a_disk_without_a_volume_counts_with_its_size_in_its_place() -> None:
    job = a_job(a_disk(1), a_disk(2, volume_id=None), a_disk(3), a_disk(4, volume_id=None))
    parts = parts_of(job, a_run(1), a_run(2))
    assert [part.disks[0].id for part in parts] == [1, 2, 3, 4]
    assert [part.state for part in parts] == [State.REPLICATING, None, State.REPLICATING, None]
    assert parts[1] == Part((a_disk(2, volume_id=None),), None, 0, 10 * GIB, 0, done=False)


@pytest.mark.parametrize("run", [None, a_run(5, trusted=False)])
def test_a_disk_that_shows_no_run_of_the_job_is_silent(run: KeyRun | None) -> None:
    assert parts_of(a_job(), run) == (Part((a_disk(),), None, 0, 10 * GIB, 0, done=False),)


@pytest.mark.parametrize(("capacity", "counted"), [(-1, 0), (-(2**70), 0), (0, 0), (2**70, 2**70)])
def test_a_size_that_cannot_be_counts_as_unknown(capacity: int, counted: int) -> None:
    job = a_job(a_disk(capacity_bytes=capacity))
    assert parts_of(job, None)[0].total_bytes == counted
    assert parts_of(job, a_run(5, 0))[0].total_bytes == counted


def test_without_a_total_the_size_of_the_disk_stands_for_it() -> None:
    part = run_part(a_run(4 * GIB, 0), (a_disk(),))
    assert (part.total_bytes, part.share_bp, part.reported) == (10 * GIB, 4000, False)


def test_a_percentage_with_bytes_and_without_a_total_is_taken_as_reported() -> None:
    part = run_part(a_run(4 * GIB, 0, percent=12.345), (a_disk(),))
    assert (part.total_bytes, part.share_bp, part.reported) == (10 * GIB, 1234, True)


def test_a_percentage_without_bytes_counts_nothing() -> None:
    part = run_part(a_run(0, 0, percent=30.0), (a_disk(),))
    assert (part.bytes_transferred, part.share_bp, part.reported) == (0, 0, False)


def test_a_percentage_beside_bytes_and_a_total_is_not_believed() -> None:
    assert run_part(a_run(1, 100, percent=99.0), (a_disk(),)).share_bp == 100


@pytest.mark.parametrize(
    ("moved", "total", "percent", "done"),
    [
        (100, 100, None, True),
        (150, 100, None, True),
        (100, 0, None, True),
        (99, 100, 100.0, False),
        (0, 100, 100.0, False),
        (0, 0, 100.0, True),
        (0, 0, 250.0, True),
        (0, 0, 99.99, False),
        (0, 0, 0.0, False),
        (0, 0, None, False),
        (BIGINT_MAX - 1, BIGINT_MAX, 100.0, False),
    ],
)
def test_a_completed_disk_is_done_with_all_its_bytes_or_none_to_copy(
    moved: int, total: int, percent: float | None, *, done: bool
) -> None:
    part = run_part(a_finished_run(moved, total, percent=percent), (a_disk(),))
    assert part.done is done
    assert not done or part.share_bp == FULL_BP


@pytest.mark.parametrize("state", [state for state in State if state is not State.COMPLETED])
def test_no_other_word_makes_a_disk_done(state: State) -> None:
    assert not run_part(a_run(100, 100, state=state, percent=100.0), (a_disk(),)).done


def test_a_done_disk_that_names_no_total_is_as_large_as_what_was_copied() -> None:
    part = run_part(a_finished_run(5, 0), (a_disk(),))
    assert (part.bytes_transferred, part.total_bytes) == (5, 5)


def test_a_zero_change_disk_has_nothing_to_copy() -> None:
    part = run_part(a_finished_run(0, 0), (a_disk(),))
    assert (part.bytes_transferred, part.total_bytes, part.done) == (0, 0, True)


def test_bytes_that_an_earlier_run_left_behind_do_not_count() -> None:
    run = a_run(100, 100, stale_bytes=100, percent=100.0)
    part = run_part(run, (a_disk(),))
    assert (part.bytes_transferred, part.total_bytes, part.share_bp, part.done) == (0, 10 * GIB, 0, False)


@pytest.mark.parametrize("percent", [100.0, 40.0, None])
def test_an_end_over_left_behind_bytes_is_none(percent: float | None) -> None:
    part = run_part(a_finished_run(100, 100, stale_bytes=100, percent=percent), (a_disk(),))
    assert (part.done, part.bytes_transferred) == (False, 0)


@pytest.mark.parametrize(("percent", "done"), [(None, True), (0.0, True), (100.0, True), (3.0, False)])
def test_an_end_without_a_total_is_believed_unless_its_percentage_denies_it(
    percent: float | None, *, done: bool
) -> None:
    assert run_part(a_finished_run(5, 0, percent=percent), (a_disk(),)).done is done


def test_a_run_of_a_job_without_disks_has_no_row() -> None:
    part = run_part(a_run(5, 10), ())
    assert (part.disks, part.total_bytes) == ((), 10)
