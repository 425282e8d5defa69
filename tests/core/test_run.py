"""One run, reading after reading: monotone bytes, measured speed, ends in a row (T3, T4, T6)."""

import pytest
from core_values import GIB, NOW_S, a_reading, a_run
from hypothesis import given
from hypothesis import strategies as st
from job_story import BROKEN, Story, by_exports, completed, copying, failed

from oma_poller.core.run import continue_run
from oma_poller.model.decision import EventKind
from oma_poller.model.reading import State

MBPS = 10**6


@given(st.lists(st.integers(0, 1000), min_size=1))
def test_bytes_that_count_are_the_most_that_was_seen(seen: list[int]) -> None:
    run = a_run(seen[0], 1000)
    for turn, raw in enumerate(seen[1:], start=1):
        run = continue_run(run, a_reading(raw, 1000), NOW_S + 5 * turn, 5.0)
    assert run.bytes_transferred == max(seen)
    assert run.raw_bytes == seen[-1]


def test_a_regression_is_told_each_time_it_happens_anew() -> None:
    story = Story()
    told = []
    for moved in (60, 50, 50, 50, 60, 40, 45):
        assert story.numbers(copying(moved)).bytes_transferred == 60
        told.append(len(story.told(EventKind.REGRESSION)))
    assert told == [0, 1, 0, 0, 0, 1, 0]


def test_a_regression_names_its_key_and_both_counts() -> None:
    story = Story()
    story.poll(copying(60))
    story.poll(copying(50))
    assert story.told(EventKind.REGRESSION) == ["bytes under migration-vol-vol-1 went back from 60 to 50"]


def test_an_unknown_word_keeps_the_state() -> None:
    run = continue_run(
        a_run(1, state=State.FINALIZING), a_reading(1, state=State.UNKNOWN, word="odd"), NOW_S, 5
    )
    assert (run.state, run.word) == (State.FINALIZING, "odd")


def test_a_total_and_a_sync_type_once_named_stay() -> None:
    run = continue_run(a_run(1, 100), a_reading(2, 0, sync_type="", started_at=None), NOW_S, 5.0)
    assert (run.total_bytes, run.sync_type) == (100, "full")
    assert run.started_at is not None


def test_the_vmas_own_speed_stands_in_until_a_second_reading() -> None:
    story = Story()
    assert story.numbers(a_reading(0, speed_bps=7 * MBPS)).speed_bps == 7 * MBPS
    assert story.numbers(a_reading(50 * MBPS, speed_bps=7 * MBPS)).speed_bps == 10 * MBPS


def test_speed_is_an_exponentially_weighted_mean_over_real_time() -> None:
    story = Story()
    story.poll(a_reading(0))
    story.poll(a_reading(50 * MBPS))
    faster = story.numbers(a_reading(150 * MBPS)).speed_bps
    assert 10 * MBPS < faster < 20 * MBPS
    assert faster == pytest.approx(10 * MBPS + 10 * MBPS * (1 - 2.718281828 ** (-1 / 3)), rel=1e-6)


def test_a_gap_makes_no_spike() -> None:
    story = Story()
    story.poll(a_reading(0))
    story.poll(a_reading(50 * MBPS))
    after_gap = a_reading(5 * GIB, speed_bps=9 * MBPS)
    assert story.numbers(after_gap, after_s=60).speed_bps == 9 * MBPS
    assert story.numbers(a_reading(5 * GIB + 50 * MBPS)).speed_bps == 10 * MBPS


@given(
    pauses=st.lists(st.floats(1.0, 60.0), min_size=1, max_size=30),
    figure_bps=st.integers(0, 10**12),
)
def test_a_copy_that_stands_shows_no_speed_within_three_intervals(
    pauses: list[float], figure_bps: int
) -> None:
    story = Story()
    story.poll(a_reading(0))
    story.poll(a_reading(GIB, speed_bps=figure_bps))
    stood_s = 0.0
    for pause_s in pauses:
        stood_s += pause_s
        progress = story.numbers(a_reading(GIB, speed_bps=figure_bps), after_s=pause_s)
        if stood_s >= 15.0:
            assert progress.speed_bps == 0
            assert progress.eta_s is None


def test_an_entry_trusted_because_it_stood_has_no_speed() -> None:
    story = Story()
    story.poll(copying(50, started_at=None, speed_bps=MBPS))
    assert story.numbers(copying(50, started_at=None, speed_bps=MBPS), after_s=30).speed_bps == 0


def test_two_readings_at_one_moment_leave_the_speed() -> None:
    run = continue_run(a_run(1, speed_bps=5.0, sampled=True), a_reading(9), NOW_S, 5.0)
    assert (run.speed_bps, run.sampled) == (5.0, True)


def test_an_ended_disk_adds_no_speed() -> None:
    story = Story(by_exports())
    first = story.numbers(completed(100, speed_bps=MBPS), copying(0, speed_bps=3 * MBPS))
    assert first.speed_bps == 3 * MBPS
    assert story.numbers(completed(100, speed_bps=MBPS), copying(50)).speed_bps == 10


def test_a_disk_that_is_not_read_adds_no_speed_after_a_while() -> None:
    story = Story(by_exports())
    story.poll(copying(0), copying(0))
    speeds = [story.numbers(copying(10), copying(10)).speed_bps]
    speeds += [story.numbers(copying(moved), BROKEN).speed_bps for moved in (20, 30, 40)]
    assert speeds == [4, 4, 4, 2]


def test_a_disk_that_is_read_again_starts_its_speed_anew() -> None:
    story = Story(by_exports())
    story.poll(copying(0), copying(0))
    story.poll(copying(0), copying(10))
    story.poll(copying(0), BROKEN, after_s=13)
    assert story.numbers(copying(0), copying(38), after_s=1).speed_bps == 2


def test_a_new_run_starts_its_speed_anew() -> None:
    story = Story()
    story.poll(a_reading(0))
    story.poll(a_reading(GIB))
    story.poll(a_reading(GIB, state=State.FAILED, word="failed"))
    assert story.numbers(a_reading(MBPS, speed_bps=3 * MBPS)).speed_bps == 3 * MBPS


def test_eta_is_what_is_left_at_the_measured_speed() -> None:
    story = Story()
    assert story.numbers(copying(0)).eta_s is None
    assert story.numbers(copying(50)).eta_s == 5
    assert story.numbers(completed(100)).eta_s is None


def test_what_is_seen_in_a_row_is_counted_by_word() -> None:
    run = a_run(1)
    polls = []
    for state in (State.FAILED, State.CANCELLED, State.CANCELLED, State.UNKNOWN, State.CANCELLED):
        run = continue_run(run, a_reading(1, state=state), NOW_S, 5.0)
        polls.append(run.ended_polls)
    assert polls == [1, 1, 2, 0, 1]


def test_a_failure_heard_at_first_sight_counts() -> None:
    story = Story()
    story.poll(failed())
    story.poll(failed())
    assert story.status == "failed"
