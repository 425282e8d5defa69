"""What a row shows as its current operation (T1, F7)."""

import pytest
from core_values import GIB, a_disk, a_finished_run, a_run

from oma_poller.core.aggregate import aggregate
from oma_poller.core.parts import Part, run_part
from oma_poller.model.context import KeyRun
from oma_poller.model.reading import State

SNAPSHOT = {"state": State.SNAPSHOTTING, "phase": "Creating Snapshot", "operation": "Creating Snapshot"}


def silent(number: int, **fields: object) -> Part:
    """Return the part of a disk that does not answer yet."""
    return Part((a_disk(number, **fields),), None, 0, 10 * GIB, 0, done=False)


def operation_of(*runs: KeyRun | Part) -> str:
    """Return the operation of a job of these disks."""
    parts = [run if isinstance(run, Part) else run_part(run, (a_disk(),)) for run in runs]
    return aggregate(parts).operation


def test_the_phase_names_the_operation_before_the_text_and_the_status() -> None:
    assert operation_of(a_run(5, phase="Transfer", operation="Transferring Data")) == "Transfer"
    assert operation_of(a_run(5, phase="", operation="Transferring Data")) == "Transferring Data"
    assert operation_of(a_run(5, phase="", operation="", word="in_progress")) == "in_progress"


def test_it_is_that_of_the_least_advanced_disk() -> None:
    ahead = a_run(9 * GIB, operation="ahead", phase="")
    behind = a_run(2 * GIB, operation="behind", phase="")
    preparing = a_run(0, 0, **SNAPSHOT)
    finalizing = a_run(10 * GIB, state=State.FINALIZING, phase="Finalize")
    assert operation_of(ahead, behind, finalizing) == "behind"
    assert operation_of(ahead, preparing, behind) == "Creating Snapshot"
    assert operation_of(finalizing, a_finished_run(phase="Completed")) == "Finalize"


def test_the_share_and_not_the_bytes_says_who_is_behind() -> None:
    small = a_run(1, 2, operation="small", phase="")
    large = a_run(1 * GIB, 10 * GIB, operation="large", phase="")
    assert operation_of(small, large) == "large"


def test_a_word_nobody_knows_counts_as_a_disk_that_replicates() -> None:
    strange = a_run(9 * GIB, state=State.UNKNOWN, phase="Quiescing")
    assert operation_of(strange, a_run(0, 0, **SNAPSHOT)) == "Creating Snapshot"
    assert operation_of(strange, a_run(1 * GIB)) == "Transfer"


def test_a_percentage_without_bytes_is_shown_as_that_of_a_setup_stage() -> None:
    snapshot = aggregate([run_part(a_run(0, 0, percent=15.0, **SNAPSHOT), (a_disk(),))])
    assert (snapshot.operation, snapshot.setup_percent, snapshot.percent_bp) == (
        "Creating Snapshot (15 %)",
        15.0,
        0,
    )


@pytest.mark.parametrize("state", [State.QUEUED, State.PREPARING, State.UNKNOWN, State.REPLICATING])
def test_that_holds_for_every_stage_before_the_first_byte(state: State) -> None:
    assert operation_of(a_run(0, 0, state=state, phase="Stage", percent=12.5)) == "Stage (12.5 %)"


@pytest.mark.parametrize(("percent", "shown"), [(500.0, "Stage (100 %)"), (-1.0, "Stage"), (0.0, "Stage")])
def test_the_percentage_of_a_setup_stage_stays_within_0_and_100(percent: float, shown: str) -> None:
    assert operation_of(a_run(0, 0, phase="Stage", percent=percent)) == shown


@pytest.mark.parametrize(
    "run",
    [
        a_run(5, percent=30.0),
        a_run(0, 0, percent=None),
        a_run(100, 100, percent=100.0, stale_bytes=100),
        a_run(0, 0, percent=95.0, state=State.FINALIZING),
        a_run(0, 0, percent=40.0, state=State.FAILED),
        a_finished_run(0, 0, percent=100.0),
    ],
)
def test_no_other_percentage_is_one_of_a_setup_stage(run: KeyRun) -> None:
    snapshot = aggregate([run_part(run, (a_disk(),))])
    assert snapshot.setup_percent is None
    assert "%" not in snapshot.operation


def test_once_the_others_are_done_the_disk_that_is_awaited_is_named() -> None:
    done = a_finished_run(phase="Completed")
    assert operation_of(done, silent(2), silent(3)) == "Waiting for disk 2001"
    assert operation_of(silent(2, disk_id=""), done) == "Waiting for disk 2"
    assert operation_of(done, silent(2), a_run(5)) == "Transfer"


def test_a_job_of_which_no_disk_answers_has_no_operation() -> None:
    assert operation_of(silent(1), silent(2)) == ""


def test_a_job_that_is_all_done_shows_its_last_stage() -> None:
    assert operation_of(a_finished_run(phase="Cleanup")) == "Cleanup"
