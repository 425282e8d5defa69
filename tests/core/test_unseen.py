"""What moved while nobody could see it is told once, in words (T6)."""

import pytest
from core_values import BEFORE
from job_story import BROKEN, REFUSED, Story, completed, copying

from oma_poller.core.unseen import bytes_in_words, seconds_in_words
from oma_poller.model.decision import EventKind


def test_bytes_that_moved_in_an_outage_are_told_with_the_first_good_reading() -> None:
    story = Story()
    story.poll(copying(10**9, 10**11))
    story.poll(REFUSED, after_s=60.0)
    story.poll(copying(22 * 10**9, 10**11), after_s=780.0)
    assert story.told(EventKind.UNSEEN) == ["moved 21 GB in the 14 min unseen"]
    story.poll(copying(23 * 10**9, 10**11))
    assert story.told(EventKind.UNSEEN) == []


def test_a_short_pause_is_not_told() -> None:
    story = Story()
    story.poll(copying(10))
    story.poll(BROKEN)
    story.poll(copying(20), after_s=10.0)
    assert story.told(EventKind.UNSEEN) == []


def test_an_outage_in_which_nothing_moved_is_not_told() -> None:
    story = Story()
    story.poll(copying(10))
    story.poll(copying(10), after_s=600.0)
    assert story.told(EventKind.UNSEEN) == []


def test_what_an_earlier_run_moved_is_not_told() -> None:
    story = Story()
    story.poll(completed(100, started_at=BEFORE))
    story.poll(copying(7, started_at=BEFORE), after_s=600.0)
    assert story.told(EventKind.UNSEEN) == []


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_960, "10 kB"),
        (933_232_640, "933 MB"),
        (999_600_000, "1.0 GB"),
        (21_000_000_000, "21 GB"),
        (1_340_000_000_000, "1.3 TB"),
        (2**63 - 1, "9.2 EB"),
        (10**23, "100000 EB"),
    ],
)
def test_sizes_are_words(count: int, words: str) -> None:
    assert bytes_in_words(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(16, "16 s"), (119.4, "119 s"), (120, "2 min"), (840, "14 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_times_are_words(seconds: float, words: str) -> None:
    assert seconds_in_words(seconds) == words
