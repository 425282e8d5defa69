"""Real copies, recorded from a VMA with real tools, played through the decoder and the rules (T4, T6)."""

from pathlib import Path
from statistics import median

import pytest
from recorded_copy import RECORDINGS, eta_error, play

from oma_poller.model.reading import State

MOST_ERROR = 0.10
LARGEST_FILE_BYTES = 60_000


def test_there_are_recordings_of_seven_kinds_of_copies_and_they_are_small() -> None:
    assert len(RECORDINGS) >= 7
    assert all(recording.stat().st_size < LARGEST_FILE_BYTES for recording in RECORDINGS)


def test_the_time_left_is_within_10_percent_at_half_way() -> None:
    """The median over all recordings, those whose pace changed after half-way among them."""
    errors = [eta_error(play(recording), 0.5) for recording in RECORDINGS]
    assert median(errors) <= MOST_ERROR, errors


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_copy_rises_to_its_end_and_ends_completed(recording: Path) -> None:
    sights = play(recording)
    percents = [sight.progress.percent_bp for sight in sights]
    moved = [sight.progress.bytes_transferred for sight in sights]
    last = sights[-1].decision
    assert percents == sorted(percents)
    assert moved == sorted(moved)
    assert percents[-1] == 10_000
    assert all(percent < 10_000 for percent in percents[:-1])
    assert (last.update.status, last.context.state) == ("completed", State.COMPLETED)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_the_time_left_of_a_recorded_copy_is_never_0_and_none_at_the_end(recording: Path) -> None:
    sights = play(recording)
    told = [sight.progress.eta_s for sight in sights]
    assert all(eta_s is None or eta_s >= 1 for eta_s in told)
    assert told[-1] is None
    assert sum(eta_s is not None for eta_s in told) > len(told) // 2
