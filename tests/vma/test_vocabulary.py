"""Every word of the wire, and how the phase refines the status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.model.reading import State
from oma_poller.vma.vocabulary import VOCABULARY, canonical, judge

CONTRACT = {
    "Queued": "queued",
    "Preparing": "preparing",
    "starting": "preparing",
    "Initializing": "preparing",
    "Discover": "preparing",
    "Discovery": "preparing",
    "EnableCBT": "preparing",
    "QueryCBT": "preparing",
    "PrepareVolumes": "preparing",
    "StartExports": "preparing",
    "Setting up NBD": "preparing",
    "Preparing Migration": "preparing",
    "Cleaning Old Snapshots": "preparing",
    "Snapshot": "snapshotting",
    "Snapshotting": "snapshotting",
    "snapshot_creation": "snapshotting",
    "Snapshot Creation": "snapshotting",
    "Creating Snapshot": "snapshotting",
    "Transfer": "replicating",
    "Streaming": "replicating",
    "in_progress": "replicating",
    "running": "replicating",
    "copying_data": "replicating",
    "Copying Data": "replicating",
    "syncing": "replicating",
    "Finalize": "finalizing",
    "Finalizing": "finalizing",
    "cleanup": "finalizing",
    "Cleanup": "finalizing",
    "PersistChangeIDs": "finalizing",
    "completed": "completed",
    "Succeeded": "completed",
    "complete": "completed",
    "failed": "failed",
    "error": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
TERMINAL = {State.COMPLETED, State.FAILED, State.CANCELLED}
WORDS = st.sampled_from([*CONTRACT, "", "unheard of"]) | st.text(max_size=20)


@pytest.mark.parametrize(("word", "state"), CONTRACT.items())
def test_every_word_of_the_contract_is_known_in_any_letter_case(word: str, state: str) -> None:
    for spelled in (word, word.upper(), word.lower(), f"  {word}\t"):
        assert canonical(spelled) is State(state)


def test_the_vocabulary_holds_no_word_beyond_the_contract() -> None:
    held = {word.lower() for words in VOCABULARY.values() for word in words}
    assert held == {word.lower() for word in CONTRACT}


@pytest.mark.parametrize("word", ["", " ", "success", "in progress", "completed!", "queued?", "\u212aueued"])
def test_any_other_word_is_unknown(word: str) -> None:
    assert canonical(word) is State.UNKNOWN


@pytest.mark.parametrize(
    ("status", "phase", "has_bytes", "state"),
    [
        ("Queued", "Discover", False, State.QUEUED),
        ("Queued", "Discover", True, State.REPLICATING),
        ("queued", "TRANSFER", False, State.REPLICATING),
        ("in_progress", "Transfer", False, State.REPLICATING),
        ("in_progress", "Creating Snapshot", False, State.SNAPSHOTTING),
        ("in_progress", "Creating Snapshot", True, State.REPLICATING),
        ("Running", "Discover", False, State.PREPARING),
        ("running", "Cleanup", True, State.FINALIZING),
        ("running", "Queued", False, State.REPLICATING),
        ("Streaming", "Cleanup", True, State.REPLICATING),
        ("", "Finalizing", False, State.FINALIZING),
        ("", "Discover", False, State.PREPARING),
        ("", "Discover", True, State.UNKNOWN),
        ("", "Transfer", True, State.UNKNOWN),
        ("frobbing", "Snapshot", False, State.SNAPSHOTTING),
        ("frobbing", "Transfer", True, State.UNKNOWN),
        ("", "completed", True, State.UNKNOWN),
        ("in_progress", "completed", True, State.REPLICATING),
        ("", "error", False, State.UNKNOWN),
        ("Succeeded", "PersistChangeIDs", True, State.COMPLETED),
        ("Failed", "Discover", False, State.FAILED),
    ],
)
def test_the_phase_refines_only_what_the_status_leaves_open(
    status: str, phase: str, *, has_bytes: bool, state: State
) -> None:
    assert judge(status, phase, has_bytes=has_bytes).state is state


@given(status=WORDS, phase=WORDS, has_bytes=st.booleans())
def test_only_the_status_word_makes_a_state_terminal(status: str, phase: str, *, has_bytes: bool) -> None:
    state = judge(status, phase, has_bytes=has_bytes).state
    assert (state in TERMINAL) == (canonical(status) in TERMINAL)


def test_words_the_table_lacks_are_reported_by_field_and_bounded() -> None:
    assert judge("frobbing", "A", has_bytes=False).unknown_words == ("status=frobbing", "phase=A")
    assert judge("Streaming", " ", has_bytes=False).unknown_words == ()
    assert judge("x" * 999, "", has_bytes=False).unknown_words == ("status=" + "x" * 64,)
    assert judge("a\nb\x1b[2J", "", has_bytes=False).unknown_words == ("status=a b [2J",)
