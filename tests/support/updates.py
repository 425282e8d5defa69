"""Updates as the rules make them, for tests of what writes them."""

from datetime import UTC, datetime

from msgspec.structs import replace

from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.update import DiskUpdate, Progress, Update

SINCE = datetime(2025, 9, 5, 16, 30, tzinfo=UTC)
FRESH = Sighting(Observation.FRESH, SINCE)
BLIND = Sighting(Observation.BLIND, SINCE, "the VMA cannot be reached: connection refused")

PROGRESS = Progress(
    percent_bp=217,
    operation="Transfer",
    bytes_transferred=933232640,
    total_bytes=42949672960,
    speed_bps=3 * 2**20,
    phase="Transfer",
    sync_type="full",
    eta_s=77,
)


def copying(job_id: str = "job-1", *disks: DiskUpdate, **changes: object) -> Update:
    """Return the update of a job that copies; *changes* are of its numbers."""
    return Update(
        job_id, FRESH, progress=replace(PROGRESS, **{"disks": disks, **changes}), status="replicating"
    )


def ended(status: str = "completed", job_id: str = "job-1", **changes: object) -> Update:
    """Return the update that ends a job."""
    error = "disk full" if status == "failed" else None
    return replace(copying(job_id, **changes), status=status, error_message=error)


def unseen(job_id: str = "job-1", sighting: Sighting = BLIND, errors: int = 2) -> Update:
    """Return the update of a job of which nothing may be believed."""
    return Update(job_id, sighting, consecutive_errors=errors)


def copying_disk(disk_id: int | str, percent_bp: int = 1234, bytes_synced: int | None = 99) -> DiskUpdate:
    """Return the values of a disk that copies."""
    return DiskUpdate(disk_id, "syncing", percent_bp, bytes_synced)
