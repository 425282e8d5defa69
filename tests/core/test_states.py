"""The states of a job, the steps between them, and the statuses they are written as (D5, T2, T3)."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.states import ENDS, TRANSITIONS, advance, state_of_status, status_of_state
from oma_poller.model.policy import TERMINAL_STATUSES, Policy
from oma_poller.model.reading import State
from oma_poller.vma.vocabulary import VOCABULARY, judge

WAY = (State.QUEUED, State.PREPARING, State.SNAPSHOTTING, State.REPLICATING, State.FINALIZING)
PAIRS = tuple(product(State, State))
STATUSES = [
    "pending",
    "queued",
    "initializing",
    "preparing",
    "provisioning",
    "configuring",
    "attaching",
    "analyzing",
    "ready_for_sync",
    "snapshotting",
    "running",
    "streaming",
    "replicating",
    "finalizing",
    "completed",
    "failed",
    "replication_failed",
    "cancelled",
]
"""Every status met in the field."""
ACTIVE_SETS = st.frozensets(
    st.sampled_from([status for status in STATUSES if status not in TERMINAL_STATUSES])
)
WORDS = sorted({word for words in VOCABULARY.values() for word in words} | {"", "Quiescing"})


def is_legal(current: State, seen: State) -> bool:
    """Say the rule in words of its own: forward along the way, to an end from there, and from F6 back."""
    if current not in WAY:
        return False
    if seen in {State.COMPLETED, State.FAILED, State.CANCELLED}:
        return True
    forward = seen in WAY and WAY.index(seen) > WAY.index(current)
    return forward or (current, seen) == (State.FINALIZING, State.REPLICATING)


@pytest.mark.parametrize(("current", "seen"), [pair for pair in PAIRS if is_legal(*pair)])
def test_a_legal_step_is_taken(current: State, seen: State) -> None:
    assert advance(current, seen) is seen


@pytest.mark.parametrize(("current", "seen"), [pair for pair in PAIRS if not is_legal(*pair)])
def test_an_illegal_step_changes_nothing(current: State, seen: State) -> None:
    assert advance(current, seen) is current
    active = Policy().active_statuses
    assert status_of_state(advance(current, seen), active) == status_of_state(current, active)


def test_every_state_has_its_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("end", sorted(ENDS))
def test_an_end_is_never_left(end: State) -> None:
    assert {advance(end, seen) for seen in State} == {end}


@given(seen=st.lists(st.sampled_from(State)))
def test_a_job_that_began_to_copy_never_goes_back_to_its_setup(seen: list[State]) -> None:
    state, began = State.QUEUED, False
    for step in seen:
        state = advance(state, step)
        began = began or state is State.REPLICATING
        assert not (began and state in {State.QUEUED, State.PREPARING, State.SNAPSHOTTING})


@given(
    words=st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS), st.booleans())),
    active=ACTIVE_SETS,
)
def test_no_word_of_the_wire_leads_to_a_status_that_is_neither_active_nor_terminal(
    words: list[tuple[str, str, bool]], active: frozenset[str]
) -> None:
    state = State.QUEUED
    for status, phase, has_bytes in words:
        state = advance(state, judge(status, phase, has_bytes=has_bytes).state)
        written = status_of_state(state, active)
        assert written is None or written in active or written in TERMINAL_STATUSES


@pytest.mark.parametrize("end", sorted(ENDS))
def test_an_end_is_written_whatever_is_active(end: State) -> None:
    assert status_of_state(end, frozenset()) == end.value
    assert end.value in TERMINAL_STATUSES


@pytest.mark.parametrize("state", [State.QUEUED, State.UNKNOWN])
def test_queued_and_unknown_leave_the_status_of_the_row(state: State) -> None:
    assert status_of_state(state, frozenset({"queued", "unknown"})) is None


def test_a_stage_is_written_only_where_it_is_active() -> None:
    assert status_of_state(State.FINALIZING, Policy().active_statuses) is None
    assert status_of_state(State.FINALIZING, frozenset({"finalizing"})) == "finalizing"
    assert status_of_state(State.REPLICATING, Policy().active_statuses) == "replicating"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("preparing", State.PREPARING),
        ("snapshotting", State.SNAPSHOTTING),
        ("Streaming", State.REPLICATING),
        ("REPLICATING", State.REPLICATING),
        ("finalizing", State.FINALIZING),
        ("running", State.QUEUED),
        ("queued", State.QUEUED),
        ("whatever", State.QUEUED),
        ("", State.QUEUED),
    ],
)
def test_a_row_proves_the_state_that_its_status_names(status: str, state: State) -> None:
    assert state_of_status(status) is state
