"""The states of a job and the steps between them, as a table."""

from oma_poller.model.reading import State

_SETUP = {State.PREPARING, State.SNAPSHOTTING}
_ENDS = {State.COMPLETED, State.FAILED, State.CANCELLED}

TRANSITIONS: dict[State, frozenset[State]] = {
    State.UNKNOWN: frozenset(),
    State.QUEUED: frozenset({*_SETUP, State.REPLICATING, State.FINALIZING, *_ENDS}),
    State.PREPARING: frozenset({State.SNAPSHOTTING, State.REPLICATING, State.FINALIZING, *_ENDS}),
    State.SNAPSHOTTING: frozenset({State.REPLICATING, State.FINALIZING, *_ENDS}),
    State.REPLICATING: frozenset({State.FINALIZING, *_ENDS}),
    # A disk that ends under a whole-job key looks like the job's end until the next disk starts (F6).
    State.FINALIZING: frozenset({State.REPLICATING, *_ENDS}),
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}
"""What a state may become. Every pair that is not here changes nothing."""

ENDS = frozenset(_ENDS)

_FROM_STATUS = {
    "preparing": State.PREPARING,
    "snapshotting": State.SNAPSHOTTING,
    "streaming": State.REPLICATING,
    "replicating": State.REPLICATING,
    "finalizing": State.FINALIZING,
}


def advance(current: State, seen: State) -> State:
    """Return the state after *seen* was observed in *current*; an illegal step changes nothing."""
    return seen if seen in TRANSITIONS[current] else current


def state_of_status(status: str) -> State:
    """Return the state that a row's status proves was reached; queued where it proves nothing."""
    return _FROM_STATUS.get(status.lower(), State.QUEUED)


def status_of_state(state: State, active_statuses: frozenset[str]) -> str | None:
    """Return the status to write for *state*; None leaves the row's own.

    A status that is neither active nor an end is never written: the job would drop out of discovery in
    the middle of its copy. Queued is never written: it tells nothing the OMA did not know.
    """
    if state in ENDS:
        return state.value
    if state in {State.QUEUED, State.UNKNOWN} or state.value not in active_statuses:
        return None
    return state.value
