"""What the OMA's database says of a replication job."""

from datetime import datetime

from msgspec import Struct

from oma_poller.model.memory import Past


class Disk(Struct, frozen=True, gc=False):
    """A row of `vm_disks` with the volume it is written to."""

    id: int | str
    """`vm_disks.id`, in the column's own type: it is what a write joins on."""
    disk_id: str
    """`vm_disks.disk_id`, what a copier calls the disk ("2000")."""
    volume_id: str | None
    """The cloud's UUID of the target volume; None while none is attached."""
    capacity_bytes: int
    """Size of the disk; 0 when the database does not know it."""


class Job(Struct, frozen=True, gc=False):
    """A row of `replication_jobs` with everything a poll needs to know of it."""

    id: str
    status: str
    created_at: datetime | None = None
    """Aware, UTC. None when the column is absent or empty."""
    born: str | None = None
    """`created_at` exactly as the database has it, in a form that only it reads; None without the column."""
    name: str = ""
    """`source_vm_name`, for people."""
    nbd_export_name: str | None = None
    vcenter_host: str | None = None
    datacenter: str | None = None
    disks: tuple[Disk, ...] = ()
    accepted_at: datetime | None = None
    """When a person last took the VMA's entries for this job's own (T5); aware, UTC."""
    past: Past | None = None
    """What is remembered of it; asked for, and kept, only until the job is taken up."""
