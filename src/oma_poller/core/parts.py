"""What each disk contributes to its job, whatever kind of key told it (T1)."""

from math import floor

from msgspec import Struct

from oma_poller.core.keys import KeyPlan
from oma_poller.model.context import EndedDisk, KeyRun, PollingContext
from oma_poller.model.job import Disk, Job
from oma_poller.model.reading import DiskReading, State

FULL_BP = 10_000
"""100 percent, in basis points."""


class Part(Struct, frozen=True):
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


def export_parts(job: Job, plan: KeyPlan, tier: int, context: PollingContext) -> tuple[Part, ...]:
    """One part for each export of the job, and one for each disk that has no volume yet."""
    runs = dict(zip(plan.tiers[tier], context.runs, strict=True))
    rows: dict[str, list[Disk]] = {}
    parts: list[Part] = []
    for disk, export in zip(job.disks, plan.exports, strict=True):
        if export is None:
            parts.append(_silent((disk,)))
        else:
            rows.setdefault(export, []).append(disk)
    for export, disks in rows.items():
        run = runs[export]
        silent = run is None or not run.trusted
        parts.append(_silent(tuple(disks)) if silent or run is None else run_part(run, tuple(disks)))
    return tuple(parts)


def whole_job_parts(job: Job, context: PollingContext, details: tuple[DiskReading, ...]) -> tuple[Part, ...]:
    """The parts of a job that one key tells of: its detailed disks, or its disks one after the other (F6)."""
    run = context.runs[0]
    if run is None or not run.trusted:
        return tuple(_silent((disk,)) for disk in job.disks)
    if len(job.disks) <= 1:
        return (run_part(run, job.disks),)
    if details:
        return _detailed_parts(job, run, details)
    ended = tuple(_ended((disk,), end) for disk, end in zip(job.disks, context.ended, strict=False))
    rest = job.disks[len(ended) :]
    return (*ended, run_part(run, rest[:1]), *(_silent((disk,)) for disk in rest[1:]))


def run_part(run: KeyRun, disks: tuple[Disk, ...]) -> Part:
    """Return the part of a run that is this job's own.

    Done is completed with bytes >= total, or with 0 of 0 at 100 percent: the incremental copy that found
    no change (T2).
    """
    capacity = disks[0].capacity_bytes if disks else 0
    if run.stale_bytes is not None:
        done = run.state is State.COMPLETED
        return Part(disks, run.state, 0, 0 if done else capacity, FULL_BP if done else 0, done, run)
    moved, total = run.bytes_transferred, run.total_bytes
    unchanged = moved == 0 and total == 0 and _says_all(run.percent)
    done = run.state is State.COMPLETED and (unchanged or (moved > 0 and moved >= total))
    if done:
        return Part(disks, run.state, moved, total or moved, FULL_BP, done, run)
    return Part(disks, run.state, moved, total or capacity, share_bp(moved, total, run.percent), done, run)


def share_bp(moved_bytes: int, total_bytes: int, percent: float | None) -> int:
    """Return how much is done in basis points, rounded down, within 0 to 10000.

    100 x bytes / total where there is a total; as reported where bytes come without one; a percentage
    that comes without bytes is a setup stage and counts nothing (F7).
    """
    if total_bytes > 0:
        return min(FULL_BP, moved_bytes * FULL_BP // total_bytes)
    if moved_bytes == 0 or percent is None:
        return 0
    return floor(round(min(max(percent, 0.0), 100.0) * 100, 6))


def _silent(disks: tuple[Disk, ...]) -> Part:
    """A disk that does not answer yet counts with its capacity and nothing transferred."""
    return Part(disks, None, 0, disks[0].capacity_bytes, 0, done=False)


def _ended(disks: tuple[Disk, ...], end: EndedDisk) -> Part:
    return Part(disks, State.COMPLETED, end.bytes_transferred, end.total_bytes, FULL_BP, done=True)


def _detailed_parts(job: Job, run: KeyRun, details: tuple[DiskReading, ...]) -> tuple[Part, ...]:
    """Match the reply's disks with the job's by disk id; the rest is silent, or stands for no row."""
    by_id = {detail.disk_id: detail for detail in details}
    parts = []
    for disk in job.disks:
        detail = by_id.pop(disk.disk_id, None)
        parts.append(_silent((disk,)) if detail is None else _detail_part((disk,), run, detail))
    parts.extend(_detail_part((), run, detail) for detail in by_id.values())
    return tuple(parts)


def _detail_part(disks: tuple[Disk, ...], run: KeyRun, detail: DiskReading) -> Part:
    """A disk inside a whole-job entry: done with all its bytes once it or the entry says completed."""
    capacity = disks[0].capacity_bytes if disks else 0
    moved, total = detail.bytes_transferred, detail.total_bytes
    full = moved >= total if moved else total == 0 and _says_all(detail.percent)
    done = full and State.COMPLETED in {run.state, detail.state}
    part_share_bp = FULL_BP if done else share_bp(moved, total, detail.percent)
    return Part(disks, detail.state, moved, total or capacity, part_share_bp, done, run)


def _says_all(percent: float | None) -> bool:
    """Whether a reported percentage is 100 or more."""
    return percent is not None and percent * 100 >= FULL_BP
