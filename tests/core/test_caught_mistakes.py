"""What a mutation run (`make mutants`) found no other test to notice."""

from datetime import timedelta

import pytest
from core_values import NOW, a_context, a_job, a_run, an_update
from mailbox_samples import GOOD
from msgspec.structs import replace
from restarts import at, memory_of

from oma_poller.core.mailbox import Mailbox
from oma_poller.core.memory import recall
from oma_poller.core.merge import merged
from oma_poller.core.recording import Worth
from oma_poller.model.context import PollingContext
from oma_poller.model.memory import Past
from oma_poller.model.reading import State


@pytest.mark.parametrize(
    ("older", "newer", "both"), [("1", "2", "2"), ("1", None, "1"), (None, "2", "2"), (None, None, None)]
)
def test_two_updates_in_one_are_of_the_job_that_the_newer_names(
    older: str | None, newer: str | None, both: str | None
) -> None:
    assert merged(an_update(born=older), an_update(born=newer)).born == both


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_job_that_has_ended_keeps_the_numbers_it_ended_with(state: State) -> None:
    """Its row may have been given others since, by whom its status is left to."""
    ended = a_context(state=state, proven=True, percent_bp=3000, bytes_transferred=30)
    past = Past(memory_of(ended).memory, percent_bp=5000, bytes_transferred=50)
    found = recall(a_job(past=past), at(write_status=False))
    assert found is not None
    assert (found.percent_bp, found.bytes_transferred) == (3000, 30)


def test_a_memory_that_was_written_alone_does_not_wait_again_when_the_next_flush_fails() -> None:
    def context(job_id: str, **fields: object) -> PollingContext:
        seen = a_context(keys=("k",), runs=(a_run(50),), last_good_s=0.0)
        return replace(seen, job_id=job_id, **fields)

    mailbox = Mailbox()
    for job_id, proven in (("a", False), ("a", True)):
        mailbox.put(replace(GOOD, job_id=job_id), 0.0, context(job_id, proven=proven))
        mailbox.confirm(mailbox.take(500, 0.0, NOW), 0.0)
    mailbox.put(replace(GOOD, job_id="b"), 1.0, context("b"))
    mailbox.give_back(mailbox.take(500, 1.0, NOW + timedelta(seconds=1)))
    assert len(mailbox) == 1


def test_a_poll_may_be_worth_three_things() -> None:
    assert len(set(Worth)) == 3
