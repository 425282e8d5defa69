"""The words that copiers use for a stage or a status, and what they mean: contract section 3, as a table.

Letter case does not count. A word the table lacks is OTHER: it is accepted and shown, and ends nothing.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What a word says of a run."""

    SETUP = "setup"
    COPYING = "copying"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OTHER = "other"


ENDS = frozenset({Kind.COMPLETED, Kind.FAILED, Kind.CANCELLED})
"""After these nothing more is expected of a run."""

WORDS: dict[Kind, tuple[str, ...]] = {
    Kind.SETUP: (
        "Queued",
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
        "Snapshot",
        "Snapshotting",
        "snapshot_creation",
        "Snapshot Creation",
        "Creating Snapshot",
    ),
    Kind.COPYING: (
        "Transfer",
        "Streaming",
        "in_progress",
        "running",
        "copying_data",
        "Copying Data",
        "syncing",
    ),
    Kind.FINALIZING: ("Finalize", "Finalizing", "cleanup", "PersistChangeIDs"),
    Kind.COMPLETED: ("completed", "Succeeded", "complete"),
    Kind.FAILED: ("failed", "error"),
    Kind.CANCELLED: ("cancelled", "canceled"),
}

_KINDS = {word.lower(): kind for kind, words in WORDS.items() for word in words}
_OPERATIONS = {"discover": "Discovering VM", "transfer": "Transferring Data"}
_END_OPERATIONS = {Kind.COMPLETED: "Completed", Kind.FAILED: "Failed", Kind.CANCELLED: "Cancelled"}


def kind(word: str) -> Kind:
    """Return what a stage or status word means; OTHER for an empty or unknown one."""
    return _KINDS.get(word.strip().lower(), Kind.OTHER)


def operation(stage: str, status: str) -> str:
    """Return the `current_operation` of a run: its end where it has one, else what its stage does."""
    return _END_OPERATIONS.get(kind(status)) or _OPERATIONS.get(stage.lower(), stage)


def one_line(text: str, limit: int) -> str:
    """Return `text` as at most `limit` printable characters; control characters become blanks."""
    if len(text) <= limit and text.isprintable():
        return text.strip()
    # A long text is cut before it is cleaned; four times the limit leaves room for runs of blanks.
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * limit])
    return " ".join(printable.split())[:limit].rstrip()
