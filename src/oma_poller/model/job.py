"""What the OMA's database says of a replication job."""

from datetime import datetime

from msgspec import Struct


class ActiveJob(Struct, frozen=True):
    """A row of `replication_jobs` as the cheap half of discovery sees it."""

    id: str
    status: str


class Disk(Struct, frozen=True):
    """A row of `vm_disks` with the volume it is written to."""

    id: int | str
    """`vm_disks.id`, in the column's own type: it is what a write joins on."""
    disk_id: str
    """`vm_disks.disk_id`, what a copier calls the disk ("2000")."""
    volume_id: str | None
    """The cloud's UUID of the target volume; None while none is attached."""
    capacity_bytes: int
    """Size of the disk; 0 when the database does not know it."""


class Job(Struct, frozen=True):
    """A row of `replication_jobs` with everything a poll needs to know of it."""

    id: str
    status: str
    created_at: datetime | None = None
    """Aware, UTC. None when the column is absent or empty."""
    name: str = ""
    """`source_vm_name`, for people."""
    nbd_export_name: str | None = None
    vcenter_host: str | None = None
    datacenter: str | None = None
    disks: tuple[Disk, ...] = ()
