"""When a VMA counts as unreachable, as a table (P8)."""

from itertools import product

import pytest
from core_values import a_reading
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.breaker import (
    STEPS,
    STREAK,
    Breaker,
    Reach,
    Sign,
    counts,
    failure_sign,
    is_answer,
    is_transport,
    step,
)
from oma_poller.model.reading import Failure, FailureKind, Missing

PAIRS = tuple(product(Reach, Sign))
CHANGES = {
    (Reach.CLOSED, Sign.STREAK): Reach.OPEN,
    (Reach.OPEN, Sign.PROBE_ANSWER): Reach.TRIAL,
    (Reach.OPEN, Sign.ANSWER): Reach.CLOSED,
    (Reach.TRIAL, Sign.ANSWER): Reach.CLOSED,
    (Reach.TRIAL, Sign.STREAK): Reach.OPEN,
}
TRANSPORT = {FailureKind.UNREACHABLE, FailureKind.TIMEOUT, FailureKind.TLS}


@pytest.mark.parametrize(("reach", "sign"), PAIRS)
def test_each_pair_leads_where_the_table_says_and_every_other_nowhere(reach: Reach, sign: Sign) -> None:
    after = step(Breaker(reach, 10.0, 1), sign, 20.0)
    expected = CHANGES.get((reach, sign), reach)
    assert after.reach is expected
    assert after.since_s == (10.0 if expected is reach else 20.0)


def test_the_table_has_no_other_rows() -> None:
    assert STEPS == CHANGES


def test_failures_are_counted_until_an_answer() -> None:
    breaker = Breaker()
    for sign, failures in [(Sign.FAILURE, 1), (Sign.FAILURE, 2), (Sign.ANSWER, 0), (Sign.FAILURE, 1)]:
        breaker = step(breaker, sign, 1.0)
        assert (breaker.reach, breaker.failures) == (Reach.CLOSED, failures)


@pytest.mark.parametrize("sign", [Sign.PROBE_ANSWER, Sign.PROBE_FAILURE])
def test_a_probe_that_comes_late_leaves_the_count(sign: Sign) -> None:
    breaker = Breaker(Reach.CLOSED, 1.0, 2)
    assert step(breaker, sign, 2.0) == breaker


def test_the_count_starts_again_where_the_state_changes() -> None:
    opened = step(Breaker(failures=2), Sign.STREAK, 1.0)
    assert step(opened, Sign.PROBE_ANSWER, 2.0) == Breaker(Reach.TRIAL, 2.0, 0)


@pytest.mark.parametrize(
    ("failures", "jobs", "sign"),
    [
        (0, 1, Sign.STREAK),
        (0, 2, Sign.FAILURE),
        (1, 2, Sign.STREAK),
        (1, 3, Sign.FAILURE),
        (2, 3, Sign.STREAK),
        (1, 1000, Sign.FAILURE),
        (2, 1000, Sign.STREAK),
        (0, 0, Sign.STREAK),
    ],
)
def test_three_failures_in_a_row_are_borne_no_longer_and_fewer_where_jobs_are_fewer(
    failures: int, jobs: int, sign: Sign
) -> None:
    assert failure_sign(Breaker(failures=failures), jobs) is sign


@given(st.lists(st.booleans()))
def test_it_opens_exactly_when_three_in_a_row_failed(answers: list[bool]) -> None:
    breaker, in_a_row, opened = Breaker(), 0, False
    for now_s, answered in enumerate(answers):
        sign = Sign.ANSWER if answered else failure_sign(breaker, 50)
        in_a_row = 0 if answered else in_a_row + 1
        breaker = step(breaker, sign, float(now_s))
        opened = opened or in_a_row == STREAK
        if opened:
            break
        assert breaker.reach is Reach.CLOSED
    assert (breaker.reach is Reach.OPEN) is opened


def test_a_poll_that_began_before_the_last_change_counts_no_more() -> None:
    breaker = Breaker(Reach.TRIAL, 10.0)
    assert not counts(breaker, 9.9)
    assert counts(breaker, 10.0)
    assert counts(Breaker(), 0.0)


@pytest.mark.parametrize("breaker", [Breaker(Reach.OPEN), Breaker(Reach.TRIAL), Breaker(failures=1)])
def test_an_answer_matters_unless_all_is_calm(breaker: Breaker) -> None:
    assert Breaker().is_calm
    assert step(Breaker(), Sign.ANSWER, 1.0) == Breaker()
    assert not breaker.is_calm
    assert step(breaker, Sign.ANSWER, 1.0) != breaker


@pytest.mark.parametrize("kind", FailureKind)
def test_any_http_reply_is_an_answer(kind: FailureKind) -> None:
    failure = Failure(kind, "x")
    assert is_transport(failure) is (kind in TRANSPORT)
    assert is_answer(failure) is (kind not in TRANSPORT and kind is not FailureKind.BAD_KEY)


@pytest.mark.parametrize("outcome", [a_reading(1, 2), Missing()])
def test_a_reading_and_a_404_are_answers(outcome: Missing) -> None:
    assert is_answer(outcome)
    assert not is_transport(outcome)
