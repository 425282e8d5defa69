"""Two updates of one job in one."""

from core_values import JOB_ID, a_progress, a_sighting, an_update
from database_row import DatabaseRow
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.merge import merged
from oma_poller.model.observation import Observation
from oma_poller.model.update import DiskUpdate, Progress, Update

BLIND = a_sighting(Observation.BLIND, "connection refused")

ROWS = st.builds(
    DiskUpdate,
    id=st.integers(1, 3),
    status=st.sampled_from(["pending", "syncing"]),
    percent_bp=st.integers(0, 3),
    bytes_synced=st.none() | st.integers(0, 3),
)
PROGRESS = st.builds(
    Progress,
    percent_bp=st.integers(0, 3),
    operation=st.sampled_from(["Transfer", "Snapshot"]),
    bytes_transferred=st.integers(0, 3),
    total_bytes=st.integers(0, 3),
    speed_bps=st.integers(0, 3),
    eta_s=st.none() | st.integers(1, 3),
    disks=st.lists(ROWS, max_size=3, unique_by=lambda row: row.id).map(tuple),
)
UPDATES = st.builds(
    Update,
    job_id=st.just(JOB_ID),
    sighting=st.sampled_from([a_sighting(), BLIND]),
    consecutive_errors=st.integers(0, 3),
    progress=st.none() | PROGRESS,
    status=st.none() | st.sampled_from(["replicating", "finalizing"]),
    error_message=st.none() | st.sampled_from(["lost", "no space"]),
)


def test_numbers_survive_a_newer_update_without_any() -> None:
    good = an_update(progress=a_progress(2500), status="replicating", error_message="lost")
    bad = an_update(sighting=BLIND, consecutive_errors=1)
    assert merged(good, bad) == Update(JOB_ID, BLIND, 1, a_progress(2500), "replicating", "lost")


def test_the_newest_values_win() -> None:
    older = an_update(sighting=BLIND, progress=a_progress(2500), status="preparing", error_message="lost")
    newer = an_update(progress=a_progress(2600), status="replicating", error_message="no space")
    assert merged(older, newer) == newer


def test_rows_of_disks_that_only_the_older_numbers_name_are_kept() -> None:
    older = an_update(
        progress=a_progress(disks=(DiskUpdate(1, "syncing", 10, 100), DiskUpdate(2, "syncing", 20, 200)))
    )
    newer = an_update(
        progress=a_progress(disks=(DiskUpdate(3, "pending", 0, 0), DiskUpdate(2, "completed", 10_000, None)))
    )
    progress = merged(older, newer).progress
    assert progress is not None
    assert progress.disks == (
        DiskUpdate(1, "syncing", 10, 100),
        DiskUpdate(2, "completed", 10_000, 200),
        DiskUpdate(3, "pending", 0, 0),
    )


@given(row=st.lists(UPDATES, max_size=2), older=UPDATES, newer=UPDATES)
def test_a_merged_update_writes_what_both_in_turn_would_write(
    row: list[Update], older: Update, newer: Update
) -> None:
    in_turn, at_once = DatabaseRow(), DatabaseRow()
    for update in (*row, older, newer):
        in_turn.write(update)
    for update in (*row, merged(older, newer)):
        at_once.write(update)
    assert at_once == in_turn


@given(first=UPDATES, second=UPDATES, third=UPDATES)
def test_it_does_not_matter_which_two_of_three_are_merged_first(
    first: Update, second: Update, third: Update
) -> None:
    assert merged(merged(first, second), third) == merged(first, merged(second, third))


@given(update=UPDATES)
def test_the_same_update_again_changes_nothing(update: Update) -> None:
    assert merged(update, update) == update
