"""What an update writes, as values by column, before they are made to fit."""

from datetime import UTC
from math import isfinite

from msgspec import Struct

from oma_poller.core.parts import reported_bp
from oma_poller.database.fitting import Value
from oma_poller.database.recollection import memory_text
from oma_poller.model.memory import JobMemory
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.policy import TERMINAL_STATUSES
from oma_poller.model.update import DiskUpdate, Progress, Update

Values = dict[str, Value]

SEED_VALUES = (
    "progress_percent",
    "current_operation",
    "bytes_transferred",
    "total_bytes",
    "transfer_speed_bps",
)
"""Columns of `replication_jobs` that a row of numbers is about in every database."""
LATER_VALUES = (
    "status",
    "error_message",
    "setup_progress_percent",
    "vma_sync_type",
    "vma_current_phase",
    "vma_throughput_mbps",
    "vma_eta_seconds",
    "vma_error_classification",
    "vma_error_details",
)
"""Columns that are written too, where they exist, unless the status is left to the OMA."""
NULLED_VALUES = frozenset({"vma_eta_seconds", "vma_error_classification", "vma_error_details"})
"""Columns in which NULL is a value and not the wish to leave what is there."""
DISK_VALUES = ("sync_status", "sync_progress_percent", "bytes_synced")
"""Columns of `vm_disks` that are written where they exist."""
OWN_VALUES = ("observation", "observed_since", "reason", "consecutive_errors", "memory")
"""Columns of `oma_poller_jobs` that are written. In `memory` NULL leaves what is there."""
HISTORY_VALUES = (
    "at",
    "grain_s",
    "observation",
    "percent_bp",
    "bytes_transferred",
    "total_bytes",
    "speed_bps",
)
"""Columns of `oma_poller_history` that are written."""
UNCUT_VALUES = frozenset({"memory"})
"""Columns of our own whose values have been made to fit, and are worth nothing when they are cut."""

_CLEAR = frozenset({Observation.FRESH, Observation.PENDING})
_MIB = 2**20
_HUNDRED = 100


class Written(Struct, frozen=True):
    """The values of one update. A column that is not there stays as it is."""

    job: Values
    disks: tuple[tuple[int | str, Values], ...]
    """(id, values) of rows of `vm_disks`."""
    ends: bool
    """Whether the job is over, so that `completed_at` is set."""


def written(update: Update) -> Written:
    """Return the values of *update*, for every column that this program knows."""
    progress = update.progress
    job = _sighting(update)
    if update.status is not None:
        job["status"] = update.status
    if update.error_message is not None:
        job["error_message"] = update.error_message
    if progress is not None:
        job |= _progress(progress)
    disks = () if progress is None else tuple((disk.id, _disk(disk)) for disk in progress.disks)
    return Written(job, disks, ends=update.status in TERMINAL_STATUSES)


def own_values(sighting: Sighting, consecutive_errors: int, memory: JobMemory | None) -> Values:
    """Return the values of a row of our own table."""
    return {
        "observation": sighting.observation.value,
        "observed_since": sighting.since.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds"),
        "reason": sighting.reason,
        "consecutive_errors": consecutive_errors,
        "memory": None if memory is None else memory_text(memory),
    }


def _progress(progress: Progress) -> Values:
    values: Values = {
        "progress_percent": percent(progress.percent_bp),
        "current_operation": progress.operation,
        "bytes_transferred": progress.bytes_transferred,
        "total_bytes": progress.total_bytes,
        "transfer_speed_bps": progress.speed_bps,
        "vma_throughput_mbps": _hundredths(progress.speed_bps, _MIB),
        "vma_eta_seconds": progress.eta_s,
    }
    if progress.setup_percent is not None and isfinite(progress.setup_percent):
        values["setup_progress_percent"] = percent(reported_bp(progress.setup_percent))
    if progress.sync_type:
        values["vma_sync_type"] = progress.sync_type
    if progress.phase:
        values["vma_current_phase"] = progress.phase
    return values


def _sighting(update: Update) -> Values:
    sighting = update.sighting
    if sighting.observation in _CLEAR:
        return {"vma_error_classification": None, "vma_error_details": None}
    return {
        "vma_error_classification": sighting.observation.value,
        "vma_error_details": sighting.reason,
    }


def _disk(disk: DiskUpdate) -> Values:
    values: Values = {"sync_status": disk.status, "sync_progress_percent": percent(disk.percent_bp)}
    if disk.bytes_synced is not None:
        values["bytes_synced"] = disk.bytes_synced
    return values


def percent(basis_points: int) -> float:
    """Return hundredths of a percent as percent: the float whose shortest decimal form is exactly that."""
    return basis_points / _HUNDRED


def _hundredths(number: int, divisor: int) -> float:
    """Return number / divisor, rounded down to two decimals."""
    return number * _HUNDRED // divisor / _HUNDRED
