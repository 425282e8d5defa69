"""Measured speed and the time left (T6)."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.speed import LONGEST_ETA_S, eta_s, smoothed_bps

SPEEDS = st.floats(0.0, 1e12)
PAUSES = st.floats(0.01, 60.0)
BYTES = st.integers(0, 2**63 - 1)


def test_the_first_sample_is_the_speed() -> None:
    assert smoothed_bps(None, 1000, 5.0, 5.0) == 200.0


def test_after_three_intervals_a_new_speed_weighs_63_percent() -> None:
    assert smoothed_bps(0.0, 15_000, 15.0, 5.0) == pytest.approx(1000.0 * (1 - exp(-1)))


@given(mean=SPEEDS, moved=st.integers(0, 10**13), pause=PAUSES)
def test_the_mean_lies_between_what_it_was_and_the_sample(mean: float, moved: int, pause: float) -> None:
    sample = moved / pause
    low, high = sorted((mean, sample))
    assert low * (1 - 1e-9) <= smoothed_bps(mean, moved, pause, 5.0) <= high * (1 + 1e-9)


@given(mean=SPEEDS, rate=st.integers(0, 10**9), pause=st.floats(0.5, 10.0))
def test_the_weight_of_the_past_depends_on_time_and_not_on_the_number_of_polls(
    mean: float, rate: int, pause: float
) -> None:
    once = smoothed_bps(mean, round(rate * 2 * pause), 2 * pause, 5.0)
    half = smoothed_bps(mean, round(rate * pause), pause, 5.0)
    twice = smoothed_bps(half, round(rate * pause), pause, 5.0)
    assert twice == pytest.approx(once, rel=1e-6, abs=4.0)


@pytest.mark.parametrize(
    ("remaining", "speed", "seconds"), [(1000, 100.0, 10), (1001, 100.0, 11), (1, 1e9, 1), (100, 1.0, 100)]
)
def test_the_time_left_is_rounded_up_and_never_0(remaining: int, speed: float, seconds: int) -> None:
    assert eta_s(remaining, speed) == seconds


@pytest.mark.parametrize(("remaining", "speed"), [(0, 100.0), (-1, 100.0), (1000, 0.0), (1000, 0.99)])
def test_the_time_left_is_unknown_without_a_rest_or_a_speed(remaining: int, speed: float) -> None:
    assert eta_s(remaining, speed) is None


def test_a_time_that_no_column_holds_is_unknown() -> None:
    assert eta_s(2147483647, 1.0) == LONGEST_ETA_S == 2147483647
    assert eta_s(2147483648, 1.0) is None


@given(remaining=BYTES, speed=SPEEDS)
def test_the_time_left_is_at_least_a_second_or_unknown(remaining: int, speed: float) -> None:
    seconds = eta_s(remaining, speed)
    assert seconds is None or 1 <= seconds <= LONGEST_ETA_S
