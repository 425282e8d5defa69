"""A job's numbers summed over its disks, before the rules compare them with what was written."""

from msgspec import Struct

from oma_poller.model.reading import State
from oma_poller.model.update import DiskUpdate


class Snapshot(Struct, frozen=True, gc=False):
    """What all keys of a job say together."""

    state: State
    """UNKNOWN where no key says a word that is known."""
    percent_bp: int
    """Basis points, rounded down; 10000 only when `complete`."""
    bytes_transferred: int
    total_bytes: int
    speed_bps: int
    eta_s: int | None
    operation: str
    phase: str
    sync_type: str
    setup_percent: float | None
    complete: bool
    """Every disk of the job is completed in this run, with all its bytes (T2)."""
    end: State | None
    """FAILED or CANCELLED once a disk said so in two polls in a row (T3)."""
    error: str | None
    moved_at_s: float
    """Monotonic time of the newest movement of bytes of any disk."""
    disks: tuple[DiskUpdate, ...]
