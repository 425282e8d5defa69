"""A progress entry as it stands on the wire: the fields of all three shapes that anybody reads.

Fields not named here may hold anything. Every field may be missing or null. `object` is a field whose
wrong type does not make the entry useless. The structs live for one reply and hold no cycles, so the
garbage collector need not follow them.
"""

from sys import intern

from msgspec import Struct

from oma_poller.vma.number import WireNumber


class WireThroughput(Struct, gc=False):
    """Shapes A and C; MiB a second."""

    current_mbps: WireNumber = None


class WireTiming(Struct, gc=False):
    """Shapes A and C."""

    start_time: object = None
    eta_seconds: WireNumber = None


class WireMachine(Struct, gc=False):
    """Shapes A and C. A float size in GB is a mark of shape A."""

    disk_size_gb: object = None


class WireAggregate(Struct, gc=False):
    """Shape B; throughput in bytes a second."""

    total_bytes: WireNumber = None
    bytes_transferred: WireNumber = None
    throughput_bps: WireNumber = None
    percent: WireNumber = None


class WireTracking(Struct, gc=False):
    """Shape B: changed block tracking."""

    type: str | None = None


class WireDisk(Struct, gc=False):
    """One disk: `disk_progresses[]` of shape C (MiB a second), `disks[]` of shape B (bytes a second)."""

    disk_id: str | int | None = None
    id: str | int | None = None
    label: str | None = None
    bytes_transferred: WireNumber = None
    total_bytes: WireNumber = None
    planned_bytes: WireNumber = None
    percent: WireNumber = None
    throughput_mbps: WireNumber = None
    throughput_bps: WireNumber = None
    status: str | None = None


class WireEntry(Struct, gc=False):
    """All three shapes in one, so that a reply is read once."""

    job_id: str | None = None
    status: str | None = None
    phase: str | None = None
    percentage: WireNumber = None
    current_operation: str | None = None
    bytes_transferred: WireNumber = None
    total_bytes: WireNumber = None
    sync_type: str | None = None
    throughput: WireThroughput | None = None
    timing: WireTiming | None = None
    vm_info: WireMachine | None = None
    errors: list[object] | None = None
    last_error: object = None
    disk_progresses: list[WireDisk | None] | None = None
    stage: str | None = None
    started_at: object = None
    aggregate: WireAggregate | None = None
    cbt: WireTracking | None = None
    disks: list[WireDisk | None] | None = None
    error: object = None
    message: object = None

    def slim(self) -> None:
        """Make it smaller by half without changing what it says, for an entry that is kept for a while."""
        if self.status is not None:
            self.status = intern(self.status)
        if self.phase is not None:
            self.phase = intern(self.phase)
        if self.current_operation is not None:
            self.current_operation = intern(self.current_operation)
        if self.sync_type is not None:
            self.sync_type = intern(self.sync_type)
        if self.vm_info is not None and not isinstance(self.vm_info.disk_size_gb, float):
            self.vm_info = None
        if not self.errors:
            self.errors = None

    @property
    def is_progress(self) -> bool:
        """Whether any field tells of progress; `{}` and `{"error": …}` do not."""
        if self.status is not None or self.stage is not None or self.phase is not None:
            return True
        return any(
            field is not None
            for field in (
                self.percentage,
                self.current_operation,
                self.bytes_transferred,
                self.total_bytes,
                self.throughput,
                self.timing,
                self.last_error,
                self.aggregate,
                self.disks,
                self.disk_progresses,
            )
        )

    @property
    def is_nested(self) -> bool:
        """Whether this is shape B."""
        return self.stage is not None or self.aggregate is not None
