"""The words of the wire and what they mean: contract section 3, as a table.

The status word decides. The phase word may refine it, by these rules:

- Queued is replicating once bytes are there or the phase is Transfer.
- A generic activity word (in_progress, running), an empty one or an unknown one says little. With it a
  finalizing phase means finalizing, and a setup phase (preparing, snapshotting) without bytes that phase.
- Only the status word makes a state terminal, never the phase: it may be left over from a disk that ended.
"""

from functools import lru_cache
from typing import NamedTuple

from oma_poller.model.reading import State
from oma_poller.vma.text import one_line

VOCABULARY: dict[State, tuple[str, ...]] = {
    State.QUEUED: ("Queued",),
    State.PREPARING: (
        "Preparing",
        "starting",
        "Initializing",
        "Discover",
        "Discovery",
        "EnableCBT",
        "QueryCBT",
        "PrepareVolumes",
        "StartExports",
        "Setting up NBD",
        "Preparing Migration",
        "Cleaning Old Snapshots",
    ),
    State.SNAPSHOTTING: (
        "Snapshot",
        "Snapshotting",
        "snapshot_creation",
        "Snapshot Creation",
        "Creating Snapshot",
    ),
    State.REPLICATING: (
        "Transfer",
        "Streaming",
        "in_progress",
        "running",
        "copying_data",
        "Copying Data",
        "syncing",
    ),
    State.FINALIZING: ("Finalize", "Finalizing", "cleanup", "PersistChangeIDs"),
    State.COMPLETED: ("completed", "Succeeded", "complete"),
    State.FAILED: ("failed", "error"),
    State.CANCELLED: ("cancelled", "canceled"),
}
"""Every known word, as VMAs write it. Letter case does not count."""

WORD_LIMIT = 64
"""Characters of an unknown word that are kept. Every known word is shorter."""

TEXT_LIMIT = 100
"""Characters of a status or phase word that are shown; as wide as the phase's column."""

_STATES = {word.lower(): state for state, words in VOCABULARY.items() for word in words}
_GENERIC_WORDS = frozenset({"in_progress", "running"})
_SETUP_STATES = frozenset({State.PREPARING, State.SNAPSHOTTING})
_TRANSFER_PHASE = "transfer"


def canonical(word: str) -> State:
    """Return the state a word stands for, in any letter case; unknown for a word the table lacks."""
    return _STATES.get(word.strip().lower(), State.UNKNOWN)


class Verdict(NamedTuple):
    """What the words of an entry come to."""

    state: State
    word: str
    """The status word, fit for one line; at most 100 characters."""
    phase: str
    """The phase word, likewise."""
    unknown_words: tuple[str, ...]
    """Words the table lacks, as "status=word" and "phase=word". An empty word is missing, not unknown."""


def judge(status: str, phase: str, *, has_bytes: bool) -> Verdict:
    """Return what an entry's words mean. Entries use few words again and again, so verdicts are cached."""
    # Words past the limit are unknown whatever follows, and must not be kept whole by the cache.
    return _judge(status[: 2 * WORD_LIMIT], phase[: 2 * WORD_LIMIT], has_bytes)


@lru_cache(maxsize=4096)
def _judge(status: str, phase: str, has_bytes: bool) -> Verdict:  # noqa: FBT001 - lru_cache is faster without keywords
    stated, phased = canonical(status), canonical(phase)
    unknown = tuple(
        f"{field}={one_line(word.strip(), WORD_LIMIT)}"
        for field, word, state in (("status", status, stated), ("phase", phase, phased))
        if state is State.UNKNOWN and word.strip()
    )
    state = _refined(stated, phased, status, phase, has_bytes=has_bytes)
    return Verdict(state, one_line(status, TEXT_LIMIT), one_line(phase, TEXT_LIMIT), unknown)


def _refined(stated: State, phased: State, status: str, phase: str, *, has_bytes: bool) -> State:
    if stated is State.QUEUED:
        moving = has_bytes or phase.strip().lower() == _TRANSFER_PHASE
        return State.REPLICATING if moving else State.QUEUED
    if stated is not State.UNKNOWN and status.strip().lower() not in _GENERIC_WORDS:
        return stated
    if phased is State.FINALIZING or (phased in _SETUP_STATES and not has_bytes):
        return phased
    return stated
