"""What the poller remembers of a job between two polls.

These are stored too, so that they survive a restart (P9): what is read back must be within its limits.
Every field whose name ends in `_s` is a moment in monotonic seconds; `core/memory.py` counts on that.
"""

from typing import Annotated

from msgspec import Meta, Struct

from oma_poller.model.observation import Moment, Sighting
from oma_poller.model.reading import State

Count = Annotated[int, Meta(ge=0)]


class KeyRun(Struct, frozen=True, gc=False, omit_defaults=True):
    """One run under one key, as far as it was seen. Times ending in `_s` are monotonic seconds."""

    state: State
    word: str
    """The status word of the last reply: a change of it is a movement (T5)."""
    trusted: bool
    """Whether the run is proven to be this job's own (T5)."""
    previous: bool
    """Whether it was taken for an earlier job's run at first sight."""
    started_at: Moment | None
    """Start of the run by the VMA's clock, as reported."""
    since_s: float
    """When this run was first seen."""
    read_at_s: float
    """When it was last read."""
    moved_at_s: float
    """When its bytes were last seen to move, or `since_s`."""
    raw_bytes: Count
    """Bytes of the last reply, as reported."""
    bytes_transferred: Count
    """Bytes that count: the most that was seen in this run (T4)."""
    total_bytes: Count
    """0 when the reply names none."""
    percent: float | None
    """As reported."""
    changed_at_s: float = 0.0
    """When anything of it was last seen to change, or `since_s`: a set-up stage moves no bytes."""
    stale_bytes: Count | None = None
    """Bytes an earlier run left behind, which this run has not moved yet (F3)."""
    resumed: bool = False
    """Whether it had ended and turned active again, its bytes unmoved since (F3)."""
    unwatched: bool = False
    """Whether, before it was seen, a run of this job could have begun and ended unseen (T5)."""
    recalled: bool = False
    """Whether it was not read yet since this program started."""
    speed_bps: float = 0.0
    sampled: bool = False
    """Whether `speed_bps` is measured; else it is the VMA's own figure."""
    ended_polls: Count = 0
    """Polls in a row that said failed, or that said cancelled."""
    operation: str = ""
    phase: str = ""
    sync_type: str = ""
    error: str | None = None


class EndedDisk(Struct, frozen=True, gc=False):
    """What one disk came to that ended under a whole-job key."""

    bytes_transferred: Count
    total_bytes: Count


class PollingContext(Struct, frozen=True, gc=False, omit_defaults=True):
    """The state of one job's polling. The rules take one and return the next."""

    job_id: str
    started_at: Moment
    """When polling of the job began, be it before this program started; aware, UTC."""
    max_errors: int
    sighting: Sighting
    created_at: Moment | None = None
    """Of the job: it tells two jobs apart that had the same id one after the other."""
    state: State = State.QUEUED
    first_poll_s: float | None = None
    """Monotonic time of the first poll; the start-up grace counts from here."""
    last_poll_s: float | None = None
    last_good_s: float | None = None
    """Monotonic time of the last poll that brought a reading."""
    consecutive_errors: Count = 0
    error_kind: str = ""
    """What the last poll, or one key of it, failed of: a kind of error; empty where nothing failed."""
    clear_since_s: float | None = None
    """Since when no key failed to be answered: only while it is seen is a run judged by time (T3)."""
    tier: int | None = None
    """Which tier of keys answered last (P2)."""
    keys: tuple[str, ...] = ()
    """The keys of that tier."""
    runs: tuple[KeyRun | None, ...] = ()
    """One a key of `keys`, in the same order."""
    absent: frozenset[str] = frozenset()
    """The keys that the VMA said it does not know: an entry that appears under one later is new."""
    proven: bool = False
    """Whether a run of this job's own was ever seen."""
    vanished_at_s: float | None = None
    """Since when a run that was seen is unknown to the VMA."""
    percent_bp: Annotated[int, Meta(ge=0, le=10_000)] = 0
    """The highest percentage of this run, in basis points (T4)."""
    bytes_transferred: Count = 0
    """The most bytes of this run, summed over disks (T4)."""
    held_since_s: float | None = None
    """Since when a completed entry under a whole-job key is held (T2)."""
    ended: tuple[EndedDisk, ...] = ()
    """The disks that ended earlier under a whole-job key, the base of the job's bytes (F6)."""
    accepted_at: Moment | None = None
    """The newest acceptance of the job's entries by a person that has had its effect (T5)."""
    stopped_at: Moment | None = None
    """When a person stopped the polling of the job; None while nobody has."""

    @property
    def is_parked(self) -> bool:
        """Whether errors in a row have stopped the polling of this job (P5)."""
        return self.consecutive_errors >= self.max_errors
