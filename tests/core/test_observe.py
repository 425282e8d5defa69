"""How well a job is seen: one observation, since when, and why (T7, T8)."""

import pytest
from core_values import BEFORE, NOW, POLICY, a_job, a_poll
from job_story import BROKEN, MISSING, REFUSED, Story, by_exports, completed, copying

from oma_poller.core.blind import blinded
from oma_poller.model.decision import EventKind
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, State

STALL_S = POLICY.stall_after_s


def stood(*readings: Outcome, story: Story | None = None) -> Story:
    """Return a story whose entries stand for as long as it takes to stall."""
    story = story or Story()
    story.poll(*readings)
    story.poll(*readings, after_s=STALL_S)
    return story


def test_a_job_that_was_not_polled_is_pending() -> None:
    story = Story()
    assert story.observation() is Observation.PENDING
    assert story.reason == "not polled yet"


def test_since_is_when_the_observation_began() -> None:
    story = Story()
    since = [story.poll(copying(moved)).context.sighting.since for moved in (1, 2, 3)]
    assert len(set(since)) == 1
    assert story.poll(MISSING).context.sighting.since > since[0]


def test_a_replicating_job_whose_bytes_stand_is_stalled() -> None:
    story = Story()
    story.poll(copying(50))
    story.poll(copying(50), after_s=STALL_S - 1)
    assert story.observation() is Observation.FRESH
    story.poll(copying(50), after_s=1)
    assert story.observation() is Observation.STALLED
    assert story.reason == "no bytes have moved for 300 s although the VMA answers"
    story.poll(copying(51))
    assert (story.observation(), story.reason) == (Observation.FRESH, "")


def test_a_job_whose_second_disk_is_silent_stalls() -> None:
    story = stood(completed(100), MISSING, story=Story(by_exports()))
    assert story.observation() is Observation.STALLED
    assert story.reason == "no bytes have moved for 300 s although the VMA answers"


def test_bytes_of_any_disk_keep_a_job_from_stalling() -> None:
    story = Story(by_exports())
    for moved in range(10):
        story.poll(copying(50), copying(moved), after_s=100)
    assert story.observation() is Observation.FRESH


def test_completed_without_all_bytes_stalls_and_says_so() -> None:
    story = stood(completed(60, 100))
    assert story.observation() is Observation.STALLED
    assert story.reason == "the VMA says completed, but only 60 of 100 bytes are there"
    assert story.status == "replicating"


@pytest.mark.parametrize("state", [State.QUEUED, State.PREPARING, State.SNAPSHOTTING, State.FINALIZING])
def test_only_a_replicating_job_stalls(state: State) -> None:
    assert stood(copying(0, state=state)).observation() is Observation.FRESH


def test_a_job_that_replicates_by_its_row_and_prepares_by_the_vma_does_not_stall() -> None:
    story = stood(copying(0, state=State.PREPARING), story=Story(a_job(status="replicating")))
    assert story.context.state is State.REPLICATING
    assert story.observation() is Observation.FRESH


def test_a_job_whose_words_are_unknown_stalls_by_its_own_state() -> None:
    assert stood(copying(5, state=State.UNKNOWN, word="odd")).observation() is Observation.STALLED
    queued = stood(copying(5, state=State.UNKNOWN, word="odd"), story=Story(a_job(status="queued")))
    assert queued.observation() is Observation.FRESH


def test_an_entry_of_another_run_counts_only_while_there_is_none_of_ours() -> None:
    story = Story(by_exports())
    story.poll(completed(100, started_at=BEFORE), completed(100, started_at=BEFORE))
    assert story.observation() is Observation.PREVIOUS_RUN
    progress = story.numbers(copying(10, started_at=BEFORE), completed(100, started_at=BEFORE))
    assert story.observation() is Observation.FRESH
    assert (progress.bytes_transferred, progress.total_bytes, progress.percent_bp) == (10, 200, 500)


def test_another_jobs_entry_is_said_before_one_without_a_start() -> None:
    story = Story(by_exports())
    story.poll(copying(10, started_at=None), copying(10, started_at=BEFORE))
    assert story.observation() is Observation.PREVIOUS_RUN


def test_a_key_that_fails_while_others_answer_makes_the_job_late() -> None:
    story = Story(by_exports())
    story.poll(copying(1), copying(40))
    story.poll(copying(2), BROKEN)
    story.poll(copying(3), BROKEN)
    assert story.observation() is Observation.FRESH
    decision = story.poll(copying(4), BROKEN)
    assert story.observation() is Observation.LATE
    assert story.reason == "no good reply for migration-vol-vol-2: HTTP 500"
    assert decision.result == "partial"
    assert decision.update.consecutive_errors == 0
    assert decision.update.progress is not None
    assert decision.update.progress.bytes_transferred == 44
    story.poll(copying(4), copying(41))
    assert story.observation() is Observation.FRESH


def test_a_key_that_is_gone_while_others_answer_has_vanished() -> None:
    story = Story(by_exports())
    story.poll(copying(1), copying(40))
    progress = story.numbers(copying(2), Missing("job not found"))
    assert story.observation() is Observation.VANISHED
    assert story.reason == "the VMA knew migration-vol-vol-2 and does not any more: job not found"
    assert progress.bytes_transferred == 42


def test_a_vanished_key_is_said_before_a_failing_one() -> None:
    story = Story(by_exports(3))
    story.poll(copying(1), copying(1), copying(1))
    story.poll(BROKEN, copying(2), copying(2), after_s=20)
    assert story.observation() is Observation.LATE
    story.poll(BROKEN, copying(3), MISSING)
    assert story.observation() is Observation.VANISHED


def test_a_disk_that_never_answered_or_is_completed_makes_nothing_late() -> None:
    story = Story(by_exports())
    for moved in range(1, 10):
        story.poll(copying(moved), MISSING)
    assert story.observation() is Observation.FRESH
    story.poll(copying(10), completed(100))
    for moved in range(11, 20):
        progress = story.numbers(copying(moved), MISSING)
    assert story.observation() is Observation.FRESH
    assert progress.bytes_transferred == 119


def test_the_first_of_two_failing_keys_is_named() -> None:
    story = Story(by_exports(3))
    story.poll(copying(1), copying(1), copying(1))
    story.poll(BROKEN, REFUSED, copying(2), after_s=20)
    assert story.reason == "no good reply for migration-vol-vol-1: HTTP 500"


def test_a_404_within_the_grace_is_pending_and_after_it_never_reported() -> None:
    story = Story()
    story.poll(MISSING)
    assert story.observation() is Observation.PENDING
    assert story.context.consecutive_errors == 0
    story.poll(MISSING, after_s=29.9)
    assert story.observation() is Observation.PENDING
    story.poll(MISSING, after_s=0.1)
    assert story.observation() is Observation.NEVER_REPORTED
    assert story.reason == "the VMA knows no key of the job: job not found"


def test_a_run_that_was_seen_and_is_404_now_has_vanished() -> None:
    story = Story()
    story.poll(copying(50))
    decision = story.poll(MISSING, after_s=60)
    assert story.observation() is Observation.VANISHED
    assert (decision.update.progress, decision.update.status) == (None, "replicating")


def test_a_job_of_which_one_disk_was_seen_has_vanished() -> None:
    story = Story(by_exports())
    story.poll(copying(50), MISSING)
    story.poll(MISSING, MISSING)
    assert story.observation() is Observation.VANISHED


def test_another_jobs_entry_that_is_404_now_is_no_run_that_vanished() -> None:
    story = Story()
    story.poll(completed(started_at=BEFORE))
    story.poll(MISSING, after_s=60)
    assert story.observation() is Observation.NEVER_REPORTED


@pytest.mark.parametrize("kind", [FailureKind.UNREACHABLE, FailureKind.TIMEOUT, FailureKind.TLS])
def test_a_job_whose_key_alone_gets_no_reply_is_late_after_three_intervals_and_not_blind(
    kind: FailureKind,
) -> None:
    story = Story()
    story.poll(copying(50))
    story.poll(Failure(kind, "no answer within 10 s"))
    assert story.observation() is Observation.FRESH
    story.poll(Failure(kind, "no answer within 10 s"), after_s=10.0)
    assert story.observation() is Observation.LATE
    assert story.reason == "no answer within 10 s"


def test_answers_that_cannot_be_used_make_a_job_late_after_three_intervals() -> None:
    story = Story()
    story.poll(copying(50))
    story.poll(BROKEN)
    assert (story.observation(), story.reason) == (Observation.FRESH, "")
    story.poll(BROKEN, after_s=10)
    assert (story.observation(), story.reason) == (Observation.LATE, "HTTP 500")


def test_a_job_that_never_had_an_answer_it_could_use_is_pending_then_late() -> None:
    story = Story()
    story.poll(BROKEN)
    assert (story.observation(), story.reason) == (Observation.PENDING, "HTTP 500")
    story.poll(BROKEN, after_s=15)
    assert story.observation() is Observation.LATE


def test_a_vma_that_answers_again_though_badly_is_not_unreachable() -> None:
    story = Story()
    story.poll(copying(50))
    story.context = blinded(story.context, "the VMA cannot be reached: connection refused", NOW)
    story.poll(BROKEN)
    assert (story.observation(), story.reason) == (Observation.LATE, "HTTP 500")


def test_the_fifth_error_in_a_row_parks_the_job_and_a_good_reply_ends_it() -> None:
    story = Story(policy=Policy(parked_retry_s=0.0))
    story.poll(copying(50))
    delays = [story.poll(REFUSED).delay_s for _ in range(5)]
    assert delays == [5.0, 10.0, 20.0, 40.0, None]
    assert story.observation() is Observation.PARKED
    assert story.reason == "5 errors in a row, the last: connection refused"
    assert len(story.told(EventKind.PARKED)) == 1
    story.poll(copying(51))
    assert story.observation() is Observation.FRESH
    assert story.context.consecutive_errors == 0


def test_a_round_without_any_answer_still_says_something() -> None:
    assert a_poll(now=NOW).trouble == "no answer"
