"""Counts that later become metrics."""

from oma_poller.engine.tally import MOST_WORDS, Histogram, Tally


def test_lateness_is_summed_and_its_most_is_kept() -> None:
    tally = Tally()
    for late_s in (0.5, 2.0, 0.25):
        tally.began(late_s)
    assert (tally.lateness.sum_s, tally.lateness.most_s) == (2.75, 2.0)
    assert tally.summary()["late_mean_s"] == 0.917


def test_a_duration_is_counted_under_the_first_bound_that_is_not_below_it() -> None:
    histogram = Histogram()
    for duration_s in (0.0, 0.001, 0.0011, 30.0, 31.0):
        histogram.observe(duration_s)
    assert histogram.counts == [2, 1, *[0] * 11, 1, 1]
    assert histogram.bounds_s[0] == 0.001
    assert histogram.bounds_s[-1] == 30.0


def test_unknown_words_are_bounded() -> None:
    tally = Tally()
    new = [tally.unknown_word(f"phase=word {number}") for number in range(MOST_WORDS + 50)]
    assert sum(new) == MOST_WORDS + 1
    assert len(tally.unknown_words) == MOST_WORDS + 1
    assert tally.unknown_words["phase=other"] == 50
    assert tally.unknown_word("phase=word 0") is False
    assert tally.unknown_words["phase=word 0"] == 2


def test_the_summary_says_everything_even_when_nothing_happened() -> None:
    assert Tally().summary() == {
        "polls": 0,
        "results": {},
        "late_mean_s": 0.0,
        "late_most_s": 0.0,
        "rows_written": 0,
        "rows_refused": 0,
        "flushes": 0,
        "regressions": 0,
        "unknown_words": {},
        "vmas_down": [],
        "probes": 0,
        "probe_s": {},
    }
