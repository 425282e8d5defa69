"""What was proven survives a restart, and the time away proves nothing (P9)."""

import pytest
from core_values import BEFORE, POLICY, a_context, a_job
from job_story import BROKEN, MISSING, REFUSED, Story, by_exports, by_job_id, completed, copying, failed
from restarts import at, back, memory_of, told

from oma_poller.core.memory import recall
from oma_poller.model.context import EndedDisk
from oma_poller.model.decision import EventKind
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Outcome, State


def test_errors_in_a_row_go_on_and_park_the_job_as_if_nothing_had_happened() -> None:
    story = Story()
    for _ in range(4):
        story.poll(REFUSED)
    later = back(story, 2.0)
    assert later.context.consecutive_errors == 4
    assert later.poll(REFUSED).context.is_parked
    assert len(later.told(EventKind.PARKED)) == 1


def test_a_parked_job_is_polled_once_and_one_more_error_parks_it_again_without_a_word() -> None:
    story = Story()
    for _ in range(5):
        story.poll(REFUSED)
    later = back(story, 3600.0)
    assert later.observation() is Observation.PARKED
    decision = later.poll(REFUSED)
    assert (decision.context.consecutive_errors, decision.delay_s) == (6, POLICY.parked_retry_s)
    assert decision.events == ()
    assert decision.context.sighting.since == story.context.sighting.since
    later.poll(copying(50))
    assert (later.context.consecutive_errors, later.observation()) == (0, Observation.FRESH)


def test_a_changed_limit_of_errors_counts_from_the_start() -> None:
    context = a_context(consecutive_errors=3)
    found = recall(a_job(past=memory_of(context)), at(max_errors=3))
    assert found is not None
    assert found.is_parked


def test_a_run_that_was_proven_ours_stays_ours_on_a_reused_key() -> None:
    story = told(Story(), completed(started_at=BEFORE))
    story.poll(copying(10, started_at=BEFORE))
    later = back(story, 600.0)
    assert later.numbers(copying(60, started_at=BEFORE)).bytes_transferred == 60
    assert later.told(EventKind.RUN_TRUSTED) == []


def test_a_run_that_was_an_earlier_jobs_is_ours_once_it_differs() -> None:
    later = back(told(Story(), completed(started_at=BEFORE)), 600.0)
    assert later.numbers(copying(7, started_at=BEFORE)).bytes_transferred == 7
    assert later.told(EventKind.RUN_TRUSTED) != []


def test_keys_that_the_vma_did_not_know_are_still_known_as_such() -> None:
    later = back(told(Story(), MISSING), 60.0)
    assert later.numbers(copying(7, started_at=None)).bytes_transferred == 7


def test_disks_that_ended_under_a_whole_job_key_count_on() -> None:
    story = Story(by_job_id(3))
    for reading in (copying(90), completed(100), copying(20)):
        story.poll(reading)
    assert story.context.ended == (EndedDisk(100, 100),)
    later = back(story, 600.0)
    assert later.numbers(copying(30)).bytes_transferred == 130


def test_a_completed_entry_is_held_on_in_wall_time() -> None:
    story = told(told(Story(by_job_id(2)), copying(90)), completed(200))
    later = back(told(story, completed(200), after_s=10.0), 10.0)
    assert later.poll(completed(200), after_s=5.0).update.status != "completed"
    assert later.poll(completed(200), after_s=5.0).update.status == "completed"


def test_after_a_long_pause_the_hold_starts_again() -> None:
    story = told(told(Story(by_job_id(2)), copying(90)), completed(200))
    later = back(told(story, completed(200), after_s=10.0), 16.0)
    assert later.context.held_since_s is None
    assert later.poll(completed(200), after_s=20.0).update.status != "completed"
    assert later.poll(completed(200), after_s=30.0).update.status == "completed"


def test_numbers_never_go_back_over_a_restart() -> None:
    story = told(Story(), copying(50))
    later = back(story, 60.0, percent_bp=8000, bytes_transferred=80)  # written after the memory was
    progress = later.numbers(copying(60))
    assert (progress.percent_bp, progress.bytes_transferred) == (8000, 80)
    assert later.numbers(copying(90)).bytes_transferred == 90


def test_a_row_that_says_everything_does_not_complete_a_job() -> None:
    later = back(told(Story(), copying(50)), 60.0, percent_bp=10_000)
    assert later.numbers(copying(60)).percent_bp == 9999


def test_numbers_of_a_row_count_only_where_they_are_of_a_run_that_was_ours() -> None:
    later = back(told(Story(), completed(started_at=BEFORE)), 60.0, percent_bp=8000, bytes_transferred=80)
    assert later.numbers(copying(7, started_at=BEFORE)).bytes_transferred == 7


def test_the_state_goes_on_from_where_it_was() -> None:
    past = memory_of(a_context(state=State.FINALIZING))  # held, and no status for it in the row
    found = recall(a_job(past=past, status="replicating"), at())
    assert found is not None
    assert found.state is State.FINALIZING


def test_time_away_is_no_time_in_which_a_run_was_seen_to_stand() -> None:
    story = told(told(Story(), copying(50)), copying(50), after_s=200.0)
    later = back(story, 3600.0)
    later.poll(copying(50), after_s=5.0)
    assert later.observation() is Observation.FRESH
    later.poll(copying(50), after_s=POLICY.stall_after_s - 200.0)
    assert later.observation() is Observation.STALLED


def test_a_short_pause_is_like_the_one_between_two_polls() -> None:
    story = told(told(Story(), copying(50)), copying(50), after_s=POLICY.stall_after_s - 10.0)
    later = back(story, 5.0)
    later.poll(copying(50), after_s=5.0)
    assert later.observation() is Observation.STALLED


@pytest.mark.parametrize("outcome", [copying(50), MISSING])
def test_no_job_fails_by_time_that_nobody_watched(outcome: Outcome) -> None:
    policy = Policy(fail_after_s=60.0)
    story = told(told(Story(policy=policy), copying(50)), outcome)
    later = back(told(story, outcome, after_s=50.0), 3600.0)
    for _ in range(12):
        assert told(later, outcome).status != "failed"
    assert told(later, outcome).status == "failed"


def test_a_failure_said_before_a_long_pause_must_be_said_twice_again() -> None:
    short, long = (back(told(told(Story(), copying(50)), failed()), away_s) for away_s in (10.0, 16.0))
    assert told(short, failed()).status == "failed"
    assert told(long, failed()).status != "failed"
    assert told(long, failed()).status == "failed"


def test_the_observation_keeps_since_when_it_holds() -> None:
    story = told(told(Story(), copying(50)), MISSING)
    later = told(back(story, 60.0), MISSING)
    assert later.context.sighting.since == story.context.sighting.since


def test_a_pause_is_no_speed_and_is_told_once() -> None:
    story = Story(by_exports(1))
    for moved in range(10):
        story.poll(copying(moved * 10**9, 10**12))
    later = back(story, 840.0)
    progress = later.numbers(copying(30 * 10**9, 10**12, speed_bps=7), after_s=0.0)
    assert progress.speed_bps == 7
    assert later.told(EventKind.UNSEEN) == ["moved 21 GB in the 14 min unseen"]
    later.poll(copying(31 * 10**9, 10**12))
    assert later.told(EventKind.UNSEEN) == []


def test_a_clock_that_was_set_back_during_the_restart_makes_no_speed() -> None:
    story = told(told(Story(), copying(1, 10**12)), copying(2, 10**12))
    later = back(story, 0.0)
    assert later.numbers(copying(10**11, 10**12, speed_bps=7), after_s=0.25).speed_bps == 7


def test_keys_that_are_not_read_keep_their_numbers_over_a_restart() -> None:
    story = told(Story(by_exports()), copying(10), copying(20))
    later = back(story, 3600.0)
    assert later.numbers(copying(15), BROKEN).bytes_transferred == 35
