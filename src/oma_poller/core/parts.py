"""What each disk contributes to its job, whatever kind of key told it (T1)."""

from collections import deque
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.keys import KeyPlan
from oma_poller.core.run import BAD_ENDS
from oma_poller.model.context import EndedDisk, KeyRun, PollingContext
from oma_poller.model.job import Disk, Job
from oma_poller.model.reading import DiskReading, State

FULL_BP = 10_000
"""100 percent, in basis points."""


class Part(Struct, frozen=True, gc=False):
    """One disk's share of the job: its numbers and what they were read from."""

    disks: tuple[Disk, ...]
    """The rows it stands for: one, or more where rows share a volume, or none that is known."""
    state: State | None
    """None while the disk does not answer."""
    bytes_transferred: int
    total_bytes: int
    """As reported, else the capacity, else 0."""
    share_bp: int
    """How much of `total_bytes` is done, 0 to 10000; from the reported percentage where there is no total."""
    done: bool
    run: KeyRun | None = None
    reported: bool = False
    """Whether `share_bp` is the VMA's own percentage, because its reply names bytes and no total."""


def export_parts(job: Job, plan: KeyPlan, tier: int, context: PollingContext) -> tuple[Part, ...]:
    """One part for each export of the job and each disk that has no volume yet, in the job's order."""
    runs = dict(zip(plan.tiers[tier], context.runs, strict=True))
    rows: dict[tuple[str | None, int], list[Disk]] = {}
    for place, (disk, export) in enumerate(zip(job.disks, plan.exports, strict=True)):
        rows.setdefault((export, 0) if export else (None, place), []).append(disk)
    return tuple(
        _part_of(runs[export] if export else None, tuple(disks)) for (export, _), disks in rows.items()
    )


def whole_job_parts(job: Job, context: PollingContext, details: tuple[DiskReading, ...]) -> tuple[Part, ...]:
    """The parts of a job that one key tells of: its detailed disks, or its disks one after the other (F6)."""
    run = context.runs[0]
    if run is None or not run.trusted:
        return tuple(_silent((disk,)) for disk in job.disks)
    if len(job.disks) == 1:
        return (run_part(run, job.disks),)
    if details:
        return _detailed_parts(job, run, details)
    # A job whose disks the database does not know has ended disks too, which stand for no row.
    ended = tuple(_ended(job.disks[place : place + 1], end) for place, end in enumerate(context.ended))
    rest = job.disks[len(ended) :]
    return (*ended, run_part(run, rest[:1]), *(_silent((disk,)) for disk in rest[1:]))


def run_part(run: KeyRun, disks: tuple[Disk, ...]) -> Part:
    """Return the part of a run that is this job's own.

    Done is completed with bytes >= total, or with 0 of 0 at 100 percent: the incremental copy that found
    no change (T2). Bytes that an earlier run left behind are none of this one's, and the percentage beside
    them is not either (F3): such a disk is not done before its bytes move.
    """
    if run.stale_bytes is not None:
        return Part(disks, run.state, 0, _capacity_bytes(disks), 0, done=False, run=run)
    moved, total = run.bytes_transferred, run.total_bytes
    return _answering_part(disks, run, DiskReading("", "", run.state, moved, total, run.percent, 0))


def _answering_part(disks: tuple[Disk, ...], run: KeyRun, told: DiskReading) -> Part:
    """A disk of an entry: done with all its bytes once it or the entry says completed.

    Without a total the capacity stands for it, and without a percentage too the share is of that.
    """
    state = run.state if told.state is State.UNKNOWN else told.state
    moved, total = told.bytes_transferred, told.total_bytes
    completed = state is State.COMPLETED or (run.state is State.COMPLETED and state not in BAD_ENDS)
    if completed and _is_full(moved, total, told.percent):
        return Part(disks, state, moved, total or moved, FULL_BP, done=True, run=run)
    reported = total == 0 and moved > 0 and told.percent is not None
    total = total or _capacity_bytes(disks)
    share = reported_bp(told.percent) if reported else share_bp(moved, total)
    return Part(disks, state, moved, total, share, done=False, run=run, reported=reported)


def _is_full(moved_bytes: int, total_bytes: int, percent: float | None) -> bool:
    """Whether a completed disk has all its bytes; without a total its percentage must not deny it."""
    if total_bytes > 0:
        return moved_bytes >= total_bytes
    return reported_bp(percent) == FULL_BP or (moved_bytes > 0 and not reported_bp(percent))


def share_bp(moved_bytes: int, total_bytes: int) -> int:
    """Return 10000 x bytes / total, rounded down, within 0 to 10000; 0 where there is no total."""
    return min(FULL_BP, moved_bytes * FULL_BP // total_bytes) if total_bytes > 0 else 0


def reported_bp(percent: float | None) -> int:
    """Return a reported percentage in basis points, rounded down, within 0 to 10000.

    By its shortest decimal form, which is what the reply said: 2.17 as a float times 100 is below 217.
    """
    if percent is None:
        return 0
    return int(Decimal(repr(min(max(percent, 0.0), 100.0))) * 100)


def _capacity_bytes(disks: tuple[Disk, ...]) -> int:
    """Return the size of the volume that these rows share; 0 when none of them knows it."""
    return max((disk.capacity_bytes for disk in disks if disk.capacity_bytes > 0), default=0)


def _part_of(run: KeyRun | None, disks: tuple[Disk, ...]) -> Part:
    return run_part(run, disks) if run is not None and run.trusted else _silent(disks)


def _silent(disks: tuple[Disk, ...]) -> Part:
    """A disk that does not answer yet counts with its capacity and nothing transferred."""
    return Part(disks, None, 0, _capacity_bytes(disks), 0, done=False)


def _ended(disks: tuple[Disk, ...], end: EndedDisk) -> Part:
    return Part(disks, State.COMPLETED, end.bytes_transferred, end.total_bytes, FULL_BP, done=True)


def _detailed_parts(job: Job, run: KeyRun, details: tuple[DiskReading, ...]) -> tuple[Part, ...]:
    """Match the reply's disks with the job's by disk id.

    A disk that nobody knows stands for one that is not told of: it counts once, and no row is written.
    """
    if run.stale_bytes is not None:
        return tuple(run_part(run, (disk,)) for disk in job.disks)
    by_id: dict[str, deque[DiskReading]] = {}
    for detail in details:
        by_id.setdefault(detail.disk_id, deque()).append(detail)
    parts: list[Part] = []
    untold: list[Disk] = []
    for disk in job.disks:
        if by_id.get(disk.disk_id):
            parts.append(_answering_part((disk,), run, by_id[disk.disk_id].popleft()))
        else:
            untold.append(disk)
    strangers = [detail for left in by_id.values() for detail in left]
    for place, detail in enumerate(strangers):
        stands_for = tuple(untold[place : place + 1])
        parts.append(replace(_answering_part(stands_for, run, detail), disks=()))
    return (*parts, *(_silent((disk,)) for disk in untold[len(strangers) :]))
