"""What an update writes, as values by column, before they are made to fit."""

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
JOB_VALUES = SEED_VALUES + LATER_VALUES
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
_NO_NUMBERS = (None,) * 5


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
        for name, value in zip(JOB_VALUES, job_values(update), strict=True)
        if value is not None
        or (name in NULLED_VALUES and (name != "vma_eta_seconds" or progress is not None))
    }
    disks = () if progress is None else tuple((disk.id, _disk(disk)) for disk in progress.disks)
    return Written(job, disks, ends=update.is_terminal)


def job_values(update: Update) -> tuple[Value, ...]:
    """Return one value for each of `JOB_VALUES`; None for what is not told, and for NULL."""
    sighting, numbers = update.sighting, update.progress
    clear = sighting.observation in _CLEAR
    told = (None, None) if clear else (sighting.observation.value, sighting.reason)
    if numbers is None:
        return *_NO_NUMBERS, update.status, update.error_message, *_NO_NUMBERS, *told
    return (
        percent(numbers.percent_bp),
        numbers.operation,
        numbers.bytes_transferred,
        numbers.total_bytes,
        numbers.speed_bps,
        update.status,
        update.error_message,
        None if numbers.setup_percent is None else _setup(numbers.setup_percent),
        numbers.sync_type or None,
        numbers.phase or None,
        numbers.speed_bps * _HUNDRED // _MIB / _HUNDRED,  # rounded down to two decimals
        numbers.eta_s,
        *told,
    )


def disk_values(disk: DiskUpdate) -> tuple[Value, ...]:
    """Return one value for each of `DISK_VALUES`; None for what is not told."""
    return disk.status, percent(disk.percent_bp), disk.bytes_synced


def own_values(sighting: Sighting, consecutive_errors: int, memory: JobMemory | None) -> Values:
    """Return the values of a row of our own table."""
    return {
        "observation": sighting.observation.value,
        "observed_since": sighting.since.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds"),
        "reason": sighting.reason,
        "consecutive_errors": consecutive_errors,
        "memory": None if memory is None else memory_text(memory),
    }


def _setup(reported: float) -> float | None:
    return percent(reported_bp(reported)) if isfinite(reported) else None


def _disk(disk: DiskUpdate) -> Values:
    values = zip(DISK_VALUES, disk_values(disk), strict=True)
    return {name: value for name, value in values if value is not None}


def percent(basis_points: int) -> float:
    """Return hundredths of a percent as percent: the float whose shortest decimal form is exactly that."""
    return basis_points / _HUNDRED
