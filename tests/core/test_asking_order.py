"""Which tier of keys is asked first (P2)."""

import pytest
from core_values import a_context, a_finished_run, a_job, a_run

from oma_poller.core.runs import asking_order
from oma_poller.model.context import KeyRun


@pytest.mark.parametrize(
    ("run", "order"),
    [
        (a_run(5), (1, 0, 2)),
        (a_finished_run(0, 0), (1, 0, 2)),
        (a_run(0), (0, 1, 2)),
        (a_run(5, trusted=False), (0, 1, 2)),
        (None, (0, 1, 2)),
    ],
)
def test_what_answered_goes_first_once_it_holds_data_of_the_jobs_own(
    run: KeyRun | None, order: tuple[int, ...]
) -> None:
    assert asking_order(a_context(a_job(), tier=1, runs=(run,)), 3) == order
