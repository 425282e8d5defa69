"""The opt-in end by time, and that nothing ends by time without it (T3)."""

import pytest
from core_values import BEFORE
from job_story import BROKEN, MISSING, REFUSED, Story, by_exports, by_job_id, completed, copying

from oma_poller.model.policy import Policy
from oma_poller.model.reading import Outcome, State

AFTER_S = 600.0
OPTED_IN = Policy(fail_after_s=AFTER_S)


def test_a_frozen_run_is_failed_with_its_last_percent() -> None:
    story = Story(policy=OPTED_IN)
    story.poll(copying(50))
    story.poll(copying(50), after_s=AFTER_S - 1)
    assert story.status == "replicating"
    decision = story.poll(copying(50), after_s=1)
    assert (decision.update.status, decision.delay_s) == ("failed", None)
    assert (
        decision.update.error_message == "nothing has changed on the VMA for VMA_PROGRESS_FAIL_AFTER (600 s)"
    )
    assert decision.update.progress is not None
    assert decision.update.progress.percent_bp == 5000


def test_a_vanished_run_is_failed() -> None:
    story = Story(policy=OPTED_IN)
    story.poll(copying(50))
    story.poll(MISSING, after_s=40)
    story.poll(MISSING, after_s=AFTER_S - 1)
    assert story.status == "replicating"
    decision = story.poll(MISSING, after_s=1)
    assert (decision.update.status, decision.delay_s) == ("failed", None)
    assert decision.update.error_message == (
        "the VMA has not known the run for VMA_PROGRESS_FAIL_AFTER (600 s): job not found"
    )


@pytest.mark.parametrize("outcomes", [(copying(50),), (MISSING,)])
def test_without_the_setting_nothing_is_failed_by_time(outcomes: tuple[Outcome, ...]) -> None:
    story = Story()
    story.poll(copying(50))
    for _ in range(10):
        story.poll(*outcomes, after_s=100_000)
        assert story.status == "replicating"


@pytest.mark.parametrize("outcome", [REFUSED, BROKEN])
def test_time_that_was_not_seen_does_not_count(outcome: Outcome) -> None:
    story = Story(policy=OPTED_IN)
    story.poll(copying(50))
    for _ in range(3):
        story.poll(outcome, after_s=AFTER_S)
    assert story.status == "replicating"
    story.poll(copying(50))
    assert story.status == "replicating"
    story.poll(copying(50), after_s=AFTER_S)
    assert story.status == "failed"


def test_a_failure_between_starts_the_time_of_a_vanished_run_again() -> None:
    story = Story(policy=OPTED_IN)
    story.poll(copying(50))
    story.poll(MISSING, after_s=40)
    story.poll(REFUSED, after_s=AFTER_S)
    story.poll(MISSING)
    assert story.status == "replicating"
    story.poll(MISSING, after_s=AFTER_S)
    assert story.status == "failed"


def test_a_disk_that_cannot_be_seen_keeps_the_job_from_failing() -> None:
    story = Story(by_exports(), OPTED_IN)
    story.poll(copying(50), copying(50))
    for _ in range(5):
        story.poll(copying(50), REFUSED, after_s=AFTER_S)
        assert story.status == "replicating"


def test_a_run_that_shows_any_change_is_not_frozen() -> None:
    story = Story(policy=OPTED_IN)
    for phase in ("Discover", "QueryCBT", "Snapshot", "Transfer"):
        story.poll(copying(0, state=State.PREPARING, phase=phase), after_s=AFTER_S - 1)
        assert story.status == "replicating"


def test_movement_of_one_disk_keeps_the_job() -> None:
    story = Story(by_exports(), OPTED_IN)
    for moved in range(10):
        story.poll(copying(50), copying(moved), after_s=AFTER_S)
    assert story.status == "replicating"


def test_a_job_that_never_reported_is_not_failed() -> None:
    never, other = Story(policy=OPTED_IN), Story(policy=OPTED_IN)
    other.poll(completed(started_at=BEFORE))
    for _ in range(10):
        never.poll(MISSING, after_s=AFTER_S)
        other.poll(MISSING, after_s=AFTER_S)
    assert (never.status, other.status) == ("replicating", "replicating")


def test_another_jobs_entry_is_not_frozen() -> None:
    story = Story(policy=OPTED_IN)
    for _ in range(10):
        story.poll(copying(50, started_at=BEFORE), after_s=AFTER_S)
    assert story.status == "replicating"


def test_a_run_that_answers_again_has_not_vanished() -> None:
    story = Story(policy=OPTED_IN)
    story.poll(copying(50))
    story.poll(MISSING, after_s=40)
    story.poll(copying(60))
    story.poll(MISSING, after_s=AFTER_S)
    assert story.status == "replicating"


def test_a_completed_entry_that_is_held_is_not_frozen() -> None:
    story = Story(by_job_id(), Policy(fail_after_s=10.0))
    story.poll(completed())
    story.poll(completed(), after_s=29)
    assert story.status is None
    story.poll(completed(), after_s=1)
    assert story.status == "completed"


def test_a_completed_entry_that_lacks_bytes_is_frozen_after_its_hold() -> None:
    story = Story(by_job_id(), Policy(fail_after_s=10.0))
    story.poll(completed(60, 100))
    story.poll(completed(60, 100), after_s=39)
    assert story.status == "replicating"
    story.poll(completed(60, 100), after_s=1)
    assert story.status == "failed"
