"""What a copier tells the VMA: the body of `POST /api/v1/progress/{key}/update`."""

from enum import StrEnum

from msgspec import Struct


class Stage(StrEnum):
    """What is being done, in the words of the wire."""

    DISCOVER = "Discover"
    PREPARE = "PrepareVolumes"
    TRANSFER = "Transfer"


class Status(StrEnum):
    """How it stands, in the words of the wire."""

    QUEUED = "Queued"
    PREPARING = "Preparing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_end(self) -> bool:
        """Whether nothing follows."""
        return self in {Status.COMPLETED, Status.FAILED}


class CopyReport(Struct, frozen=True, omit_defaults=True):
    """One report. What is None is left out. Old servers ignore run_id, lease_seconds and disks_total."""

    stage: Stage
    status: Status
    bytes_transferred: int
    throughput_bps: int
    """Measured over the last seconds; bytes of data a second."""
    sync_type: str
    run_id: str
    """The same for all reports of one run of the command, and for no other's."""
    lease_seconds: int
    """After so long without another report the copier must be taken for dead."""
    total_bytes: int | None = None
    """Bytes of data to move; None until they are known."""
    percent: float | None = None
    """Rounded down to two decimals; 100 only with `completed`."""
    disk_id: str | None = None
    disks_total: int | None = None
    """How many disks report under this key."""
    error_message: str | None = None
