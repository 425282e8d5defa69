"""When polls are said to be late, and when to be on time again."""

from oma_poller.core.punctuality import Punctuality


def told(punctuality: Punctuality, *overdue_s: float, every_s: float = 1.0) -> list[bool | None]:
    """Return, for each moment, what is told then: late, not late, or nothing."""
    moments = enumerate(overdue_s)
    changes = [(punctuality.note(one_s, turn * every_s), punctuality.is_late) for turn, one_s in moments]
    return [is_late if changed else None for changed, is_late in changes]


def test_polls_are_late_once_they_were_overdue_by_an_interval_for_an_interval() -> None:
    assert told(Punctuality(2.0), 2.1, 2.1, 2.1, 2.1) == [None, None, True, None]


def test_a_pause_alone_makes_no_poll_late() -> None:
    assert told(Punctuality(2.0), 0.0, 60.0, 0.0, 0.0, 60.0) == [None] * 5


def test_an_interval_is_not_too_late() -> None:
    assert told(Punctuality(2.0), *[2.0] * 9) == [None] * 9


def test_they_are_on_time_again_once_they_are_overdue_by_half_of_that() -> None:
    assert told(Punctuality(2.0), 3.0, 3.0, 3.0, 1.5, 1.1, 1.0, 3.0) == [
        None,
        None,
        True,
        None,
        None,
        False,
        None,
    ]


def test_what_lies_between_neither_begins_nor_ends_it() -> None:
    assert told(Punctuality(2.0), 3.0, 1.5, 3.0, 1.5, 0.9, 3.0, 3.0) == [
        None,
        None,
        True,
        None,
        False,
        None,
        None,
    ]


def test_it_is_looked_once_a_second() -> None:
    punctuality = Punctuality(2.0)
    moments = (0.0, 0.5, 0.99, 1.0, 1.5, 60.0, 60.5)
    assert [punctuality.looks(now_s) for now_s in moments] == [True, False, False, True, False, True, False]
