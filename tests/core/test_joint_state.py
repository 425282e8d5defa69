"""The state of a job whose disks are in different ones (T1, T2, T3)."""

from itertools import combinations_with_replacement

import pytest
from core_values import GIB, a_disk, a_finished_run, a_run
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.aggregate import aggregate
from oma_poller.core.parts import Part, run_part
from oma_poller.model.reading import State

SETUP = [State.QUEUED, State.PREPARING, State.SNAPSHOTTING]
SILENT = Part((a_disk(9),), None, 0, 10 * GIB, 0, done=False)
DONE = run_part(a_finished_run(), (a_disk(8),))
SHORT = run_part(a_finished_run(5, 10), (a_disk(7),))
"""Completed, says the VMA, with half of the bytes."""


def in_state(state: State) -> Part:
    """Return the part of a disk in *state* with half of its bytes."""
    return run_part(a_run(5, 10, state=state), (a_disk(),))


def state_of(*parts: Part) -> State:
    """Return the state of the job, which does not depend on the order of its disks."""
    state = aggregate(parts).state
    assert aggregate(parts[::-1]).state is state
    return state


@pytest.mark.parametrize("state", [*SETUP, State.REPLICATING, State.FINALIZING, State.UNKNOWN])
def test_a_job_of_disks_in_one_state_is_in_that_state(state: State) -> None:
    assert state_of(in_state(state)) is state
    assert state_of(in_state(state), in_state(state)) is state


@pytest.mark.parametrize("state", list(State))
def test_a_job_replicates_as_soon_as_one_disk_does(state: State) -> None:
    assert state_of(in_state(State.REPLICATING), in_state(state)) is State.REPLICATING


@pytest.mark.parametrize(("first", "second"), list(combinations_with_replacement(SETUP, 2)))
def test_before_any_disk_replicates_the_job_is_as_far_as_the_furthest(first: State, second: State) -> None:
    expected = max(first, second, key=SETUP.index)
    assert state_of(in_state(first), in_state(second)) is expected
    assert state_of(in_state(first), in_state(second), SILENT, in_state(State.UNKNOWN)) is expected


@pytest.mark.parametrize("other", [*map(in_state, [*SETUP, State.UNKNOWN]), SILENT, SHORT])
def test_a_job_replicates_until_every_disk_has_been_copied(other: Part) -> None:
    assert state_of(DONE, other) is State.REPLICATING
    assert state_of(in_state(State.FINALIZING), other) is State.REPLICATING
    assert state_of(DONE, in_state(State.FINALIZING), other) is State.REPLICATING


def test_a_job_finalizes_once_every_disk_has_been_copied() -> None:
    assert state_of(DONE, in_state(State.FINALIZING)) is State.FINALIZING


def test_completed_with_fewer_bytes_than_the_total_reads_as_replicating() -> None:
    snapshot = aggregate([SHORT])
    assert (snapshot.state, snapshot.complete, snapshot.percent_bp) == (State.REPLICATING, False, 5000)
    assert snapshot.operation == "Transfer incomplete"
    assert snapshot.disks[0].status == "syncing"


@pytest.mark.parametrize("end", [State.FAILED, State.CANCELLED])
def test_an_end_heard_once_leaves_the_state_of_the_job(end: State) -> None:
    assert state_of(in_state(end)) is State.UNKNOWN
    assert state_of(in_state(end), in_state(State.PREPARING)) is State.PREPARING
    assert state_of(in_state(end), DONE) is State.REPLICATING


PARTS = st.sampled_from([*map(in_state, State), SILENT, DONE, SHORT])


@given(parts=st.lists(PARTS, max_size=5))
def test_a_job_is_completed_exactly_when_every_disk_is(parts: list[Part]) -> None:
    snapshot = aggregate(parts)
    complete = bool(parts) and all(part.done for part in parts)
    assert (snapshot.state is State.COMPLETED) is snapshot.complete is complete
    assert snapshot.state not in {State.FAILED, State.CANCELLED}
