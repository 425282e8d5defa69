"""What an update writes, as values by column, before they are made to fit."""

from collections.abc import Sequence
from datetime import UTC
from math import isfinite

from msgspec import Struct

from oma_poller.core.parts import reported_bp
from oma_poller.database.fitting import Value
from oma_poller.database.recollection import memory_text
from oma_poller.model.memory import JobMemory
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.update import DiskUpdate, Update

Values = dict[str, Value]
Columns = dict[str, Sequence[Value]]
"""By name: a value for each of some rows, so that what a column takes is paid once a flush."""

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

_CLEAR = (Observation.FRESH, Observation.PENDING)  # no set: an enum's hash is slow
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
    job = {
        name: value
        for name, (value,) in job_columns([update]).items()
        if value is not None
        or (name in NULLED_VALUES and (name != "vma_eta_seconds" or progress is not None))
    }
    disks = () if progress is None else tuple((disk.id, _disk(disk)) for disk in progress.disks)
    return Written(job, disks, ends=update.is_terminal)


def job_columns(updates: Sequence[Update]) -> Columns:
    """Return a value a column of `replication_jobs` and update; None for what is not told, and for NULL."""
    numbers = [update.progress for update in updates]
    trouble = [None if update.sighting.observation in _CLEAR else update.sighting for update in updates]
    return {
        "progress_percent": [None if one is None else percent(one.percent_bp) for one in numbers],
        "current_operation": [None if one is None else one.operation for one in numbers],
        "bytes_transferred": [None if one is None else one.bytes_transferred for one in numbers],
        "total_bytes": [None if one is None else one.total_bytes for one in numbers],
        "transfer_speed_bps": [None if one is None else one.speed_bps for one in numbers],
        "status": [update.status for update in updates],
        "error_message": [update.error_message for update in updates],
        "setup_progress_percent": [None if one is None else _setup(one.setup_percent) for one in numbers],
        "vma_sync_type": [None if one is None else one.sync_type or None for one in numbers],
        "vma_current_phase": [None if one is None else one.phase or None for one in numbers],
        # Rounded down to two decimals.
        "vma_throughput_mbps": [
            None if one is None else one.speed_bps * _HUNDRED // _MIB / _HUNDRED for one in numbers
        ],
        "vma_eta_seconds": [None if one is None else one.eta_s for one in numbers],
        "vma_error_classification": [None if one is None else one.observation.value for one in trouble],
        "vma_error_details": [None if one is None else one.reason for one in trouble],
    }


def disk_columns(disks: Sequence[DiskUpdate]) -> Columns:
    """Return a value for each of `DISK_VALUES` of each disk; None for what is not told."""
    return {
        "sync_status": [disk.status for disk in disks],
        "sync_progress_percent": [percent(disk.percent_bp) for disk in disks],
        "bytes_synced": [disk.bytes_synced for disk in disks],
    }


def own_values(sighting: Sighting, consecutive_errors: int, memory: JobMemory | None) -> Values:
    """Return the values of a row of our own table."""
    return {
        "observation": sighting.observation.value,
        "observed_since": sighting.since.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds"),
        "reason": sighting.reason,
        "consecutive_errors": consecutive_errors,
        "memory": None if memory is None else memory_text(memory),
    }


def _setup(reported: float | None) -> float | None:
    return percent(reported_bp(reported)) if reported is not None and isfinite(reported) else None


def _disk(disk: DiskUpdate) -> Values:
    return {name: value for name, (value,) in disk_columns([disk]).items() if value is not None}


def percent(basis_points: int) -> float:
    """Return hundredths of a percent as percent: the float whose shortest decimal form is exactly that."""
    return basis_points / _HUNDRED
