"""How long a job waits after an error (P5)."""

from oma_poller.model.policy import Policy

LONGEST_RETRY_AFTER_S = 300.0
"""A VMA cannot ask for a longer pause than this."""
MOST_DOUBLINGS = 40
"""Longer than any program runs; more of them would leave the range of a float."""


def backoff_s(policy: Policy, consecutive_errors: int, asked_pause_s: float | None = None) -> float | None:
    """Return the seconds to wait after the n-th error in a row, n from 1; None is for ever.

    interval x 2^(n-1), so 5, 10, 20, 40 s at the default interval; from `max_errors` on the job is parked
    and comes back after `parked_retry_s`. A `Retry-After` is honoured between the interval and 300 s.
    """
    if consecutive_errors >= policy.max_errors:
        return policy.parked_retry_s or None
    if asked_pause_s is not None:
        return retry_after_s(policy, asked_pause_s)
    return policy.interval_s * 2.0 ** min(consecutive_errors - 1, MOST_DOUBLINGS)


def retry_after_s(policy: Policy, asked_pause_s: float | None) -> float:
    """Return the pause that a VMA asked for, within the interval and 300 s; 0 where it asked for none."""
    if asked_pause_s is None:
        return 0.0
    return min(max(asked_pause_s, policy.interval_s), max(LONGEST_RETRY_AFTER_S, policy.interval_s))
