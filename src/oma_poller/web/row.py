"""What the API says of a job. Unknown is null; times are RFC 3339 UTC; sizes in bytes, speeds in bytes/s."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

Moment = Annotated[datetime, Meta(tz=True)]
"""In UTC; its schema says that it is a date-time."""


class JobRow(Struct, frozen=True):
    """One watched job in a list: the numbers are those that the database has confirmed."""

    job_id: str
    name: str
    """Of the VM."""
    vma: str
    """Name of the VMA that serves its progress."""
    status: str
    """`replication_jobs.status`, as last read or written."""
    state: str
    """The canonical state of what the VMA says."""
    percent: float | None
    """0 to 100, rounded down to two decimals."""
    bytes_transferred: int | None
    total_bytes: int | None
    speed_bps: int | None
    eta_seconds: int | None
    operation: str | None
    phase: str | None
    sync_type: str | None
    setup_percent: float | None
    """Percent of a set-up stage, before any byte moved."""
    observation: str
    """How well the job is seen, one of T8's words."""
    observation_since: Moment
    reason: str | None
    """Why it is seen so."""
    consecutive_errors: int
    disks: int
    """Number of disks."""
    stopped: bool
    """Whether a person has stopped its polling."""
    created_at: Moment | None
    polling_since: Moment
    as_of: Moment | None
    """When the VMA last gave a good reply of it."""
    error_message: str | None


class DiskRow(Struct, frozen=True):
    """One disk of a job."""

    disk_id: str
    volume_id: str | None
    nbd_export_name: str | None
    capacity_bytes: int | None
    sync_status: str | None
    percent: float | None
    bytes_synced: int | None


class KeyRow(Struct, frozen=True):
    """One key that answered last, with its raw values as the VMA gave them (T4)."""

    key: str
    state: str
    word: str
    trusted: bool
    previous: bool
    started_at: Moment | None
    raw_bytes: int
    bytes_transferred: int
    total_bytes: int
    raw_percent: float | None


class PollingRow(Struct, frozen=True):
    """The polling context of a job, as the seed names it."""

    started_at: Moment
    last_poll_at: Moment | None
    next_poll_at: Moment | None
    consecutive_errors: int
    max_errors: int
    parked: bool
    stopped: bool
    error_kind: str | None
    keys_tried_first: tuple[str, ...]


class JobDetail(Struct, frozen=True):
    """One job, whole."""

    job: JobRow
    disks: tuple[DiskRow, ...]
    keys: tuple[KeyRow, ...]
    polling: PollingRow
