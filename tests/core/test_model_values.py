"""What the values of the model say of themselves."""

import msgspec
import pytest
from core_values import a_context, a_disk, a_job, a_part, a_poll, a_progress, a_reading, a_run, an_update

from oma_poller.model.policy import TERMINAL_STATUSES, Policy
from oma_poller.model.reading import BIGINT_MAX, FailureKind, State


@pytest.mark.parametrize(("errors", "parked"), [(0, False), (4, False), (5, True), (6, True)])
def test_a_job_is_parked_from_the_last_allowed_error_on(errors: int, *, parked: bool) -> None:
    assert a_context(consecutive_errors=errors).is_parked is parked


@pytest.mark.parametrize(
    ("status", "terminal"),
    [*((status, True) for status in sorted(TERMINAL_STATUSES)), ("replicating", False), (None, False)],
)
def test_an_update_ends_its_job_when_its_status_is_never_left(status: str | None, *, terminal: bool) -> None:
    assert an_update(status=status).is_terminal is terminal


def test_the_rules_begin_with_the_defaults_of_the_contract() -> None:
    assert Policy() == Policy(
        interval_s=5.0,
        max_errors=5,
        startup_grace_s=30.0,
        completion_hold_s=30.0,
        stall_after_s=300.0,
        parked_retry_s=300.0,
        fail_after_s=None,
        active_statuses=frozenset({"queued", "running", "replicating"}),
        write_status=True,
    )


def test_no_status_is_active_and_terminal() -> None:
    assert not Policy().active_statuses & TERMINAL_STATUSES


def test_the_words_that_become_metric_labels_are_plain() -> None:
    words = [*State, *FailureKind]
    assert len(set(words)) == len(words)
    assert all(word.replace("_", "a").isalpha() and word.islower() for word in words)


def test_the_limit_is_that_of_a_bigint_column() -> None:
    assert BIGINT_MAX == 9223372036854775807


@pytest.mark.parametrize(
    "value",
    [a_job(), a_disk(), a_reading(), a_run(), a_part(), a_context(), a_progress(), an_update(), a_poll()],
)
def test_values_that_cross_a_stage_cannot_be_changed(value: msgspec.Struct) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        setattr(value, value.__struct_fields__[0], None)
