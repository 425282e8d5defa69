"""Measured speed and the time left (T6)."""

from math import ceil, exp

SMOOTHING_INTERVALS = 3.0
"""Time constant of the mean, in poll intervals."""
STANDSTILL_INTERVALS = 2.5
"""Bytes that stood longer than this show 0: the third poll after the last movement sees it."""
GAP_INTERVALS = 3.0
"""A longer pause between two readings was not seen; what moved in it is no speed."""
LONGEST_ETA_S = 2**31 - 1
"""What an INT column holds, 68 years. A longer time says that the copy stands still, not when it ends."""


def smoothed_bps(mean_bps: float | None, moved_bytes: int, elapsed_s: float, interval_s: float) -> float:
    """Return the exponentially weighted mean of speed, bytes per second.

    mean' = mean + (sample - mean) * (1 - e^(-elapsed / tau)), tau = 3 intervals; the weight of the past
    depends on real time, not on the number of polls. None starts with the sample itself.
    """
    sample_bps = moved_bytes / elapsed_s
    if mean_bps is None:
        return sample_bps
    return mean_bps + (sample_bps - mean_bps) * weight_of_sample(elapsed_s, interval_s)


def weight_of_sample(elapsed_s: float, interval_s: float) -> float:
    """Return how much a sample of so many seconds counts in that mean, 0 to 1."""
    return 1.0 - exp(-elapsed_s / (SMOOTHING_INTERVALS * interval_s))


def eta_s(remaining_bytes: int, speed_bps: float) -> int | None:
    """Return the seconds left at *speed_bps*, at least 1; None when unknown."""
    if remaining_bytes <= 0 or speed_bps < 1.0:
        return None
    seconds = ceil(remaining_bytes / speed_bps)
    return seconds if seconds <= LONGEST_ETA_S else None
