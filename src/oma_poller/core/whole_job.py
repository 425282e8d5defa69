"""One key for a VM of several disks, which are copied one after the other (F6, T2)."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.aggregate import aggregate
from oma_poller.core.parts import FULL_BP, whole_job_parts
from oma_poller.core.states import ENDS
from oma_poller.model.context import EndedDisk, PollingContext
from oma_poller.model.decision import Event, EventKind
from oma_poller.model.job import Job
from oma_poller.model.reading import DiskReading, State
from oma_poller.model.snapshot import Snapshot
from oma_poller.model.update import DiskUpdate


class WholeJob(Struct, frozen=True):
    """What a whole-job entry comes to."""

    context: PollingContext
    snapshot: Snapshot
    events: tuple[Event, ...] = ()


class Entry(Struct, frozen=True):
    """A reading of a whole-job key and what it is held against."""

    job: Job
    details: tuple[DiskReading, ...]
    completion_hold_s: float
    now_s: float


def read_whole_job(entry: Entry, last: PollingContext, context: PollingContext) -> WholeJob:
    """Return the job's numbers from the one entry that stands for all its disks.

    *context* already holds the newest run; *last* is what was known before this poll. A completed entry
    may be the end of one disk only, so it is held for `completion_hold_s` before it is the job's.
    """
    job, details, now_s = entry.job, entry.details, entry.now_s
    context, events = _next_disk(last, context, detailed=bool(details))
    snapshot = aggregate(whole_job_parts(job, context, details))
    run = context.runs[0]
    if run is None or not run.trusted or run.state is not State.COMPLETED:
        return WholeJob(replace(context, held_since_s=None), _unfinished(snapshot), events)
    held_since_s = now_s if context.held_since_s is None else context.held_since_s
    context = replace(context, held_since_s=held_since_s)
    proven = snapshot.complete or not details
    if proven and now_s - held_since_s >= entry.completion_hold_s:
        return WholeJob(context, _finished(job, snapshot, context), events)
    held = replace(_unfinished(snapshot), state=State.FINALIZING, operation="Finalizing", eta_s=None)
    return WholeJob(context, held, events)


def _next_disk(
    last: PollingContext, context: PollingContext, *, detailed: bool
) -> tuple[PollingContext, tuple[Event, ...]]:
    """Take a held entry that turned active again as the next disk; the old bytes add to the job's base.

    An entry that details its disks sums them itself.
    """
    run = context.runs[0]
    before = last.runs[0] if last.held_since_s is not None and last.tier == context.tier else None
    if detailed or before is None or run is None or run.state in ENDS:
        return context, ()
    end = EndedDisk(before.bytes_transferred, before.total_bytes or before.bytes_transferred)
    current = replace(run, bytes_transferred=run.raw_bytes)
    ended = (*context.ended, end)
    detail = f"disk {len(ended)} ended with {end.bytes_transferred} bytes and the next one began"
    # The next disk is a further part of the same run of the VM: its percentage does not start again.
    context = replace(context, ended=ended, runs=(current,), percent_bp=last.percent_bp)
    return context, (Event(EventKind.DISK_ENDED, detail),)


def _unfinished(snapshot: Snapshot) -> Snapshot:
    if not snapshot.complete:
        return snapshot
    state = State.FINALIZING
    return replace(snapshot, complete=False, state=state, percent_bp=min(snapshot.percent_bp, FULL_BP - 1))


def _finished(job: Job, snapshot: Snapshot, context: PollingContext) -> Snapshot:
    """Return the end of the job; disks the entry did not tell apart are completed with unknown bytes."""
    told = {row.id: row for row in snapshot.disks}
    rows = []
    for disk in job.disks:
        row = told.get(disk.id)
        known_bytes = row.bytes_synced if row is not None and (snapshot.complete or context.ended) else None
        rows.append(DiskUpdate(disk.id, "completed", FULL_BP, known_bytes))
    return replace(
        snapshot,
        complete=True,
        state=State.COMPLETED,
        percent_bp=FULL_BP,
        total_bytes=max(snapshot.bytes_transferred, 0),
        disks=tuple(rows),
    )
