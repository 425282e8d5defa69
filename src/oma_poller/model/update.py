"""What is written to the database for one job: the newest values, never a difference."""

from msgspec import Struct

from oma_poller.model.observation import Sighting
from oma_poller.model.policy import TERMINAL_STATUSES


class DiskUpdate(Struct, frozen=True, gc=False):
    """The values of one row of `vm_disks`."""

    id: int | str
    status: str
    """pending, syncing, completed or failed."""
    percent_bp: int
    """Basis points, hundredths of a percent, 0 to 10000: exactly what DECIMAL(5,2) holds."""
    bytes_synced: int | None
    """None leaves what the row has: an entry for a whole VM does not tell its disks apart."""


class Progress(Struct, frozen=True, gc=False):
    """The numbers of one row of `replication_jobs`. They are written together or not at all."""

    percent_bp: int
    """Basis points, hundredths of a percent, 0 to 10000."""
    operation: str
    bytes_transferred: int
    total_bytes: int
    speed_bps: int
    """Bytes per second."""
    phase: str = ""
    sync_type: str = ""
    setup_percent: float | None = None
    """Percent a setup stage reports, before any byte moved."""
    eta_s: int | None = None
    disks: tuple[DiskUpdate, ...] = ()


class Update(Struct, frozen=True, gc=False):
    """One job's row as it should be. `None` leaves what the database has."""

    job_id: str
    sighting: Sighting
    consecutive_errors: int = 0
    progress: Progress | None = None
    """None while there is nothing that may be believed: the numbers stay as they are."""
    status: str | None = None
    error_message: str | None = None
    born: str | None = None
    """`Job.born` of the job it is of: not written to a row made anew under its id. None is any."""
    whole: bool = False
    """Whether it names all numbers of the row and all its disks: of older numbers nothing is left."""

    @property
    def is_terminal(self) -> bool:
        """Whether this update ends the job."""
        return self.status in TERMINAL_STATUSES
