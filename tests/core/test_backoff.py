"""How long a job waits after an error (P5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.backoff import backoff_s
from oma_poller.model.policy import Policy

POLICY = Policy()


@pytest.mark.parametrize(("errors", "wait_s"), [(1, 5.0), (2, 10.0), (3, 20.0), (4, 40.0)])
def test_the_wait_doubles_with_each_error_in_a_row(errors: int, wait_s: float) -> None:
    assert backoff_s(POLICY, errors) == wait_s


@pytest.mark.parametrize("errors", [5, 6, 1000])
def test_a_parked_job_comes_back_after_the_parked_retry(errors: int) -> None:
    assert backoff_s(POLICY, errors) == 300.0
    assert backoff_s(Policy(parked_retry_s=7.0), errors) == 7.0


def test_a_parked_job_never_comes_back_by_itself_when_the_retry_is_0() -> None:
    assert backoff_s(Policy(parked_retry_s=0.0), 5) is None


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [(0.0, 5.0), (4.9, 5.0), (60.0, 60.0), (300.0, 300.0), (301.0, 300.0), (1e12, 300.0)],
)
def test_retry_after_is_honoured_between_the_interval_and_300_s(asked_s: float, wait_s: float) -> None:
    assert backoff_s(POLICY, 1, asked_s) == wait_s


def test_retry_after_is_never_shorter_than_a_long_interval() -> None:
    assert backoff_s(Policy(interval_s=600.0), 1, 1.0) == 600.0
    assert backoff_s(Policy(interval_s=600.0), 1, 900.0) == 600.0


def test_retry_after_does_not_take_a_parked_job_up_again() -> None:
    assert backoff_s(POLICY, 5, 10.0) == 300.0


@given(
    interval_s=st.floats(0.1, 3600.0),
    max_errors=st.integers(1, 10**6),
    errors=st.integers(1, 10**6),
    asked_s=st.none() | st.floats(0.0, 1e9),
)
def test_a_wait_is_at_least_an_interval_until_the_job_is_parked(
    interval_s: float, max_errors: int, errors: int, asked_s: float | None
) -> None:
    policy = Policy(interval_s=interval_s, max_errors=max_errors, parked_retry_s=0.0)
    wait_s = backoff_s(policy, errors, asked_s)
    if errors >= max_errors:
        assert wait_s is None
    else:
        assert wait_s is not None
        assert wait_s >= interval_s
