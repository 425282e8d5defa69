"""Which run an entry shows, and from when on it is the job's own (T5, F3)."""

from datetime import UTC, datetime, timedelta

import pytest
from core_values import BEFORE, CREATED, NOW, POLICY, STARTED, a_job, a_reading
from job_story import BROKEN, MISSING, Story, by_exports, completed, copying, failed
from msgspec.structs import replace

from oma_poller.core.identity import starts_before
from oma_poller.model.decision import EventKind
from oma_poller.model.observation import Observation
from oma_poller.model.reading import Reading, State

ACTIVE = copying(50)
FINISHING = copying(50, state=State.FINALIZING, word="Finalizing")
ENDED = failed(50)
GRACE_S = POLICY.startup_grace_s
SECOND = timedelta(seconds=1)

# (start, first entry, second entry, seconds between, bytes that are written after the second or None)
TABLE = [
    # A start before the job's creation: another job's, until something moves.
    (BEFORE, ACTIVE, ACTIVE, 5, None),
    (BEFORE, ACTIVE, ACTIVE, 3600, None),
    (BEFORE, ACTIVE, FINISHING, 5, 0),
    (BEFORE, ACTIVE, completed(50), 5, None),
    (BEFORE, ACTIVE, failed(50), 5, 0),
    (BEFORE, ACTIVE, copying(60), 5, 60),
    (BEFORE, ACTIVE, copying(40), 5, 40),
    (BEFORE, ACTIVE, replace(FINISHING, bytes_transferred=60), 5, 60),
    (BEFORE, ENDED, ENDED, 5, None),
    (BEFORE, ENDED, ENDED, 3600, None),
    (BEFORE, ENDED, ACTIVE, 5, 0),
    (BEFORE, ENDED, failed(60), 5, 60),
    (BEFORE, ENDED, failed(40), 5, 40),
    (BEFORE, ENDED, copying(40), 5, 40),
    (BEFORE, completed(100), completed(100), 5, None),
    (BEFORE, completed(100), completed(70), 5, 70),
    # No start: the same, but standing the same for the grace proves it too, and only an end leaves bytes.
    (None, ACTIVE, ACTIVE, 5, None),
    (None, ACTIVE, ACTIVE, GRACE_S, 50),
    (None, ACTIVE, FINISHING, 5, 50),
    (None, ACTIVE, copying(60), 5, 60),
    (None, ACTIVE, copying(40), 5, 40),
    (None, ENDED, ENDED, 5, None),
    (None, ENDED, ENDED, GRACE_S, 50),
    (None, ENDED, ACTIVE, 5, 0),
    (None, ENDED, failed(60), 5, 60),
    (None, ENDED, copying(60), 5, 60),
    (None, ENDED, copying(40), 5, 40),
    (None, completed(100), copying(100), 5, 0),
    # A start after it: the job's own at once.
    (STARTED, ACTIVE, ACTIVE, 5, 50),
    (STARTED, ACTIVE, FINISHING, 5, 50),
    (STARTED, ACTIVE, copying(60), 5, 60),
    (STARTED, ACTIVE, copying(40), 5, 50),
    (STARTED, ENDED, ACTIVE, 5, 50),
    (STARTED, ENDED, copying(60), 5, 60),
    (STARTED, ENDED, copying(40), 5, 40),
]


@pytest.mark.parametrize(("start", "first", "second", "after_s", "written"), TABLE)
def test_what_two_readings_prove(
    start: datetime | None, first: Reading, second: Reading, after_s: float, written: int | None
) -> None:
    story = Story()
    trusted_at_once = story.poll(replace(first, started_at=start)).update.progress is not None
    assert trusted_at_once is (start is STARTED)
    progress = story.poll(replace(second, started_at=start), after_s=after_s).update.progress
    assert (progress and progress.bytes_transferred) == written


@pytest.mark.parametrize(
    ("start", "first", "observation"),
    [
        (BEFORE, ACTIVE, Observation.PREVIOUS_RUN),
        (BEFORE, completed(), Observation.PREVIOUS_RUN),
        (None, ACTIVE, Observation.PENDING),
        (None, ENDED, Observation.PENDING),
        (STARTED, ACTIVE, Observation.FRESH),
    ],
)
def test_a_first_sight_is_named_by_its_start(
    start: datetime | None, first: Reading, observation: Observation
) -> None:
    story = Story()
    story.poll(replace(first, started_at=start))
    assert story.observation() is observation


def test_a_completed_entry_of_the_last_run_ends_no_job() -> None:
    story = Story(a_job(created_at=NOW - SECOND))
    for _ in range(200):
        story.poll(completed(started_at=BEFORE))
        assert story.status == "replicating"
        assert story.observation() is Observation.PREVIOUS_RUN


def test_an_active_entry_of_another_run_is_never_unverified() -> None:
    story = Story(a_job(created_at=NOW - timedelta(hours=1)))
    for _ in range(2):
        story.poll(copying(50, started_at=NOW - timedelta(hours=2)), after_s=POLICY.stall_after_s)
    assert story.observation() is Observation.PREVIOUS_RUN


def test_bytes_that_the_last_run_left_are_not_the_new_runs_until_they_move() -> None:
    story = Story()
    story.poll(completed(100, started_at=BEFORE))
    first = story.numbers(copying(100, started_at=BEFORE, speed_bps=10**9))
    assert (first.bytes_transferred, first.percent_bp, first.speed_bps) == (0, 0, 0)
    assert story.told(EventKind.RUN_TRUSTED) == [
        "the entry under migration-vol-vol-1 moved: it is this job's run"
    ]
    assert story.numbers(copying(100, started_at=BEFORE)).bytes_transferred == 0
    moved = story.numbers(copying(7, started_at=BEFORE))
    assert moved.bytes_transferred == 7
    assert story.told(EventKind.REGRESSION) == []
    assert story.told(EventKind.RUN_CHANGED) == []


def test_bytes_left_by_an_undated_end_are_not_the_new_runs_until_they_move() -> None:
    story = Story()
    story.poll(completed(100, started_at=None))
    assert story.numbers(copying(100, started_at=None)).bytes_transferred == 0
    assert story.numbers(copying(3, started_at=None)).bytes_transferred == 3
    assert story.told(EventKind.REGRESSION) == []


def test_left_behind_bytes_complete_no_job_however_often_the_word_changes() -> None:
    story = Story()
    story.poll(completed(100, started_at=BEFORE))
    for _ in range(2):
        story.poll(copying(100, started_at=BEFORE, percent=100.0))
        left = story.numbers(completed(100, started_at=BEFORE))
        assert (story.status, left.bytes_transferred) == ("replicating", 0)


def test_an_incremental_run_without_a_change_ends_at_once_where_zeros_overwrite() -> None:
    story = Story()
    story.poll(completed(100, started_at=BEFORE))
    done = story.numbers(completed(0, started_at=BEFORE, percent=100.0))
    assert (story.status, done.percent_bp, done.bytes_transferred) == ("completed", 10_000, 0)


def test_an_entry_made_anew_before_our_eyes_is_ours_even_where_its_clock_is_wrong() -> None:
    story = Story()
    story.poll(completed(100, started_at=BEFORE))
    assert story.numbers(copying(100, started_at=BEFORE + SECOND)).bytes_transferred == 100
    assert story.told(EventKind.RUN_CHANGED) == ["a new run began under migration-vol-vol-1"]


def test_an_entry_that_gets_a_start_is_judged_by_it() -> None:
    ours, previous = Story(), Story()
    for story in (ours, previous):
        story.poll(copying(50, started_at=None))
    assert ours.numbers(copying(50)).bytes_transferred == 50
    assert previous.poll(copying(50, started_at=BEFORE)).update.progress is None
    assert previous.observation() is Observation.PREVIOUS_RUN


def test_an_entry_known_to_be_of_another_run_stays_so_when_its_start_is_left_out() -> None:
    story = Story()
    story.poll(copying(50, started_at=BEFORE))
    assert story.poll(copying(50, started_at=None), after_s=GRACE_S).update.progress is None


@pytest.mark.parametrize("entry", [copying(5), completed(100)])
def test_an_entry_that_comes_back_after_a_404_is_judged_by_its_start_where_it_has_one(entry: Reading) -> None:
    old, undated = Story(), Story()
    for story in (old, undated):
        story.poll(MISSING)
    assert old.poll(replace(entry, started_at=BEFORE)).update.progress is None
    assert old.observation() is Observation.PREVIOUS_RUN
    assert undated.numbers(replace(entry, started_at=None)).bytes_transferred == entry.bytes_transferred


def test_each_key_has_its_own_404() -> None:
    story = Story(by_exports())
    story.poll(copying(5), MISSING)
    assert story.numbers(copying(6), copying(7, started_at=None)).bytes_transferred == 13
    other = Story(by_exports())
    other.poll(copying(5), BROKEN)
    assert other.numbers(copying(6), copying(7, started_at=None)).bytes_transferred == 6


def test_keys_asked_before_another_tier_answered_were_unknown_then() -> None:
    story = Story(tier=1)
    story.poll(copying(5))
    story.tier = 0
    assert story.numbers(copying(6, started_at=None)).bytes_transferred == 6


def test_a_tier_that_was_not_reached_was_not_unknown() -> None:
    story = Story(by_exports())
    story.poll(MISSING, BROKEN)
    story.tier = 1
    assert story.poll(copying(6, started_at=None)).update.progress is None


def test_a_known_entry_of_another_run_that_comes_back_unchanged_is_still_another_runs() -> None:
    story = Story()
    story.poll(completed(started_at=BEFORE))
    story.poll(MISSING)
    assert story.poll(completed(started_at=BEFORE)).update.progress is None


@pytest.mark.parametrize(
    ("start", "skew_s", "before"),
    [
        (CREATED, 0.0, False),
        (CREATED + timedelta(microseconds=999_999), 0.0, False),
        (CREATED - SECOND, 0.0, True),
        (CREATED - SECOND, 2.0, True),
        (CREATED - timedelta(seconds=600), 601.0, False),
        (CREATED + timedelta(seconds=600), -601.0, True),
        (None, 0.0, False),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 1e6, False),
        (datetime(1, 1, 1, tzinfo=UTC), -1e6, True),
    ],
)
def test_starts_are_compared_by_our_clock_in_whole_seconds(
    start: datetime | None,
    skew_s: float,
    before: bool,  # noqa: FBT001 - a column of the table
) -> None:
    reading = a_reading(started_at=start, clock_skew_s=skew_s)
    assert starts_before(reading, CREATED + timedelta(microseconds=500_000)) is before


def test_a_vma_that_restarts_while_the_copier_goes_on_changes_no_run() -> None:
    story = Story()
    story.poll(copying(50))
    story.poll(MISSING, after_s=30)
    assert story.numbers(copying(60, started_at=NOW), after_s=20).bytes_transferred == 60
    assert story.told(EventKind.RUN_CHANGED) == []


@pytest.mark.parametrize("first", [copying(50), failed(50)])
def test_a_later_start_with_fewer_bytes_or_after_an_end_is_a_new_run(first: Reading) -> None:
    story = Story()
    story.poll(first)
    assert story.numbers(copying(10, started_at=NOW)).bytes_transferred == 10
    assert story.told(EventKind.RUN_CHANGED) == ["a new run began under migration-vol-vol-1"]


def test_a_run_that_is_taken_up_after_its_end_and_falls_later_is_a_new_one() -> None:
    story = Story(by_exports())
    story.poll(failed(50), copying(1))
    story.poll(copying(50), copying(1))
    story.poll(copying(50), copying(1))
    assert story.numbers(copying(2), copying(1)).bytes_transferred == 3
    assert len(story.told(EventKind.RUN_CHANGED)) == 1


def test_a_run_that_is_taken_up_after_its_end_and_goes_on_is_the_same() -> None:
    story = Story()
    story.poll(failed(50))
    story.poll(copying(50))
    story.poll(copying(60))
    assert story.numbers(copying(55)).bytes_transferred == 60
    assert story.told(EventKind.RUN_CHANGED) == []
    assert len(story.told(EventKind.REGRESSION)) == 1


def test_a_failure_of_a_new_run_is_not_the_second_of_the_old_one() -> None:
    story = Story()
    story.poll(failed(50))
    story.poll(failed(10, started_at=NOW))
    assert story.status == "replicating"
    story.poll(failed(10, started_at=NOW))
    assert story.status == "failed"
