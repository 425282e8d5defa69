"""Whose run an entry shows where the job has no date of creation (T5)."""

from datetime import timedelta

import pytest
from core_values import NOW, POLICY, a_job
from hypothesis import given
from hypothesis import strategies as st
from job_story import Story, completed, copying, failed
from msgspec.structs import replace

from oma_poller.model.observation import Observation
from oma_poller.model.reading import Reading

GRACE_S = POLICY.startup_grace_s
SECOND = timedelta(seconds=1)
UNDATED = a_job(created_at=None)
UNSEEN_START = NOW - SECOND


@pytest.mark.parametrize("entry", [copying(50), completed(100), failed(50)])
def test_a_job_without_a_creation_time_trusts_what_stands_for_the_grace_only_without_a_start(
    entry: Reading,
) -> None:
    undated, dated = Story(UNDATED), Story(UNDATED)
    undated.poll(replace(entry, started_at=None))
    assert undated.observation() is Observation.PENDING
    assert undated.numbers(replace(entry, started_at=None), after_s=GRACE_S).bytes_transferred > 0
    for _ in range(200):
        assert dated.poll(replace(entry, started_at=UNSEEN_START)).update.progress is None
        assert dated.status not in {"completed", "failed"}


def test_a_start_after_the_first_sight_of_a_job_without_a_creation_time_is_the_jobs_own() -> None:
    story = Story(UNDATED)
    assert story.numbers(copying(50, started_at=NOW + SECOND)).bytes_transferred == 50


def test_a_run_from_before_the_first_sight_of_a_job_without_a_creation_time_counts_once_it_moves() -> None:
    story = Story(UNDATED)
    story.poll(copying(50, started_at=UNSEEN_START))
    assert story.observation() is Observation.PREVIOUS_RUN
    assert story.numbers(copying(60, started_at=UNSEEN_START)).bytes_transferred == 60


def test_an_end_from_before_the_first_sight_of_a_job_without_a_creation_time_is_unverified() -> None:
    story = Story(UNDATED)
    story.poll(completed(100, started_at=UNSEEN_START))
    assert story.observation() is Observation.UNVERIFIED


@given(
    entry=st.sampled_from([completed(100), failed(50), copying(50)]),
    start_s=st.integers(-(10**6), 10**6),
    pauses_s=st.lists(st.floats(0.1, 4000.0), min_size=1, max_size=6),
)
def test_an_entry_that_stands_is_an_undated_jobs_own_exactly_where_it_began_after_its_first_sight(
    entry: Reading, start_s: int, pauses_s: list[float]
) -> None:
    story = Story(UNDATED)
    shown = replace(entry, started_at=NOW + timedelta(seconds=start_s))
    for pause_s in pauses_s:
        progress = story.poll(shown, after_s=pause_s).update.progress
        assert (progress is not None) is (start_s >= 0)
