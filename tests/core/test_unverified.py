"""An entry that may be this job's end, which nobody watched: until it moves or is accepted (T5)."""

from datetime import timedelta

import pytest
from core_values import BEFORE, NOW, POLICY, a_job
from job_story import BROKEN, MISSING, REFUSED, Story, by_exports, by_job_id, completed, copying, failed
from msgspec.structs import replace

from oma_poller.model.decision import EventKind
from oma_poller.model.job import Job
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Outcome, State

OLD = NOW - timedelta(hours=2)
ENDED = completed(started_at=OLD)
GRACE_S = POLICY.startup_grace_s
MINUTE = timedelta(minutes=1)


def late(*disks: int, policy: Policy = POLICY) -> Story:
    """Return the story of a job that was made an hour before it is polled first."""
    return Story(by_exports(disks[0] if disks else 1, created_at=NOW - timedelta(hours=1)), policy)


def accept(story: Story, accepted_at: object = NOW + MINUTE) -> None:
    """Let a person take the entries for this job's own."""
    story.job = replace(story.job, accepted_at=accepted_at)


@pytest.mark.parametrize("entry", [ENDED, failed(started_at=OLD)])
def test_an_old_end_seen_first_long_after_the_jobs_creation_is_unverified_at_once(entry: Outcome) -> None:
    story = late()
    decision = story.poll(entry)
    assert story.observation() is Observation.UNVERIFIED
    assert story.reason == (
        "the VMA's entry is older than this job and has ended: it is an earlier job's, or this one's that "
        f"ended while nobody watched; then run: oma-poller accept {story.job.id}"
    )
    assert decision.update.progress is None
    assert decision.update.status == "replicating"
    assert decision.delay_s == 0.0


def test_polling_goes_on_and_a_movement_settles_it() -> None:
    story = late()
    for _ in range(100):
        assert story.poll(ENDED).delay_s == 0.0
        assert story.observation() is Observation.UNVERIFIED
    assert story.numbers(copying(3, started_at=OLD)).bytes_transferred == 3
    assert story.observation() is Observation.FRESH


def test_an_end_that_was_seen_from_the_jobs_creation_on_is_the_previous_runs() -> None:
    story = Story(a_job(created_at=NOW))
    for _ in range(100):
        story.poll(ENDED)
        assert story.observation() is Observation.PREVIOUS_RUN


def test_the_grace_is_the_time_in_which_no_run_comes_and_goes() -> None:
    for age_s, expected in ((GRACE_S, Observation.PREVIOUS_RUN), (GRACE_S + 1, Observation.UNVERIFIED)):
        story = Story(a_job(created_at=NOW - timedelta(seconds=age_s)))
        story.poll(ENDED, after_s=0.0)
        assert story.observation() is expected


def test_with_long_intervals_three_of_them_are() -> None:
    story = Story(a_job(created_at=NOW - MINUTE), Policy(interval_s=60.0))
    story.poll(ENDED, after_s=0.0)
    story.poll(ENDED, after_s=180.0)
    assert story.observation() is Observation.PREVIOUS_RUN
    story.poll(ENDED, after_s=181.0)
    assert story.observation() is Observation.UNVERIFIED


@pytest.mark.parametrize("unseen", [REFUSED, BROKEN])
def test_an_outage_in_which_a_run_could_have_come_and_gone_makes_it_unverified(unseen: Outcome) -> None:
    story = Story(a_job(created_at=NOW))
    story.poll(ENDED)
    story.poll(unseen, after_s=10.0)
    story.poll(ENDED, after_s=10.0)
    assert story.observation() is Observation.PREVIOUS_RUN
    story.poll(unseen, after_s=20.0)
    story.poll(ENDED, after_s=20.0)
    assert story.observation() is Observation.UNVERIFIED
    story.poll(ENDED)
    assert story.observation() is Observation.UNVERIFIED


def test_a_word_that_moved_to_completed_during_an_outage_is_unverified() -> None:
    """Without a moved byte it is the earlier run's end, or this job's of as many bytes."""
    story = Story(a_job(created_at=NOW))
    story.poll(copying(100, started_at=OLD))
    story.poll(ENDED, after_s=GRACE_S + 10)
    assert story.observation() is Observation.UNVERIFIED


def test_an_end_beside_an_active_entry_is_not_this_jobs_end() -> None:
    story = late(2)
    story.poll(ENDED, copying(5, started_at=OLD))
    assert story.observation() is Observation.PREVIOUS_RUN


def test_an_end_beside_one_that_was_watched_is_not_this_jobs_end() -> None:
    story = Story(by_exports(2, created_at=NOW))
    story.poll(ENDED, MISSING)
    for _ in range(10):
        story.poll(ENDED, MISSING)
    story.poll(ENDED, ENDED)  # the second one's first sight is late, the first one was watched
    assert story.observation() is Observation.PREVIOUS_RUN


def test_an_undated_end_is_not_unverified() -> None:
    story = late()
    story.poll(completed(started_at=None))
    assert story.observation() is Observation.PENDING


def test_an_accepted_end_completes_the_job_as_it_stands() -> None:
    story = late()
    story.poll(ENDED)
    accept(story)
    decision = story.poll(ENDED)
    assert decision.update.status == "completed"
    assert decision.update.progress is not None
    assert (decision.update.progress.percent_bp, decision.update.progress.bytes_transferred) == (10_000, 100)
    assert story.told(EventKind.RUN_TRUSTED) == [
        "the entry under migration-vol-vol-1 was accepted by hand: it is this job's run"
    ]


def test_an_accepted_entry_without_all_its_bytes_completes_nothing() -> None:
    story = late()
    short = completed(60, 100, started_at=OLD)
    story.poll(short)
    accept(story)
    assert story.numbers(short).bytes_transferred == 60
    assert story.status == "replicating"


def test_an_accepted_failure_is_told_twice_like_any_other() -> None:
    story = late()
    story.poll(failed(started_at=OLD))
    accept(story)
    story.poll(failed(started_at=OLD))
    assert story.status == "replicating"
    story.poll(failed(started_at=OLD))
    assert story.status == "failed"


def test_all_disks_of_a_job_are_accepted_together_once_all_are_read() -> None:
    story = late(2)
    story.poll(ENDED, ENDED)
    accept(story)
    story.poll(ENDED, BROKEN)
    assert story.context.accepted_at is None
    assert story.numbers(BROKEN, ENDED).bytes_transferred == 200
    story.poll(ENDED, ENDED)
    assert story.status == "completed"
    assert story.context.accepted_at == NOW + MINUTE


def test_a_whole_job_entry_that_is_accepted_is_held_as_any_other() -> None:
    story = Story(replace(by_job_id(2), created_at=NOW - timedelta(hours=1)))
    entry = completed(200, started_at=OLD)
    story.poll(entry)
    accept(story)
    story.poll(entry)
    assert (story.context.state, story.status) == (State.FINALIZING, None)
    story.poll(entry, after_s=POLICY.completion_hold_s)
    assert story.status == "completed"


def test_what_is_accepted_before_the_first_poll_is_taken_at_first_sight() -> None:
    story = late()
    accept(story)
    story.poll(ENDED)
    assert story.status == "completed"


def test_an_acceptance_has_its_effect_once() -> None:
    story = late(2)
    story.poll(ENDED, MISSING)
    accept(story)
    story.poll(ENDED, copying(1, started_at=OLD))
    assert story.context.accepted_at == NOW + MINUTE
    story.job = replace(by_exports(3, created_at=story.job.created_at), accepted_at=NOW + MINUTE)
    story.context = replace(
        story.context, keys=(*story.context.keys, "migration-vol-vol-3"), runs=(*story.context.runs, None)
    )
    progress = story.numbers(ENDED, copying(2, started_at=OLD), ENDED)
    assert progress.bytes_transferred == 102  # the third disk's entry is not this job's


def test_what_was_accepted_of_an_earlier_job_under_the_same_id_counts_no_more() -> None:
    story = late()
    accept(story, story.job.created_at - MINUTE if story.job.created_at else None)
    story.poll(ENDED)
    assert story.observation() is Observation.UNVERIFIED


def test_a_job_without_a_date_is_accepted_too() -> None:
    job: Job = a_job(created_at=None, accepted_at=NOW)
    story = Story(job)
    story.poll(completed(started_at=BEFORE))
    assert story.status == "completed"


def test_an_entry_that_was_trusted_already_stays_as_it_is() -> None:
    story = Story()
    story.poll(copying(50))
    accept(story)
    assert story.numbers(copying(60)).bytes_transferred == 60
    assert story.told(EventKind.RUN_TRUSTED) == []
    assert story.context.accepted_at == NOW + MINUTE
