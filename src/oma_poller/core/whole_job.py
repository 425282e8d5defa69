"""One key for a VM of several disks, which are copied one after the other (F6, T2)."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.aggregate import aggregate
from oma_poller.core.disk_turn import follow_entry
from oma_poller.core.parts import FULL_BP, run_part, whole_job_parts
from oma_poller.core.poll import Poll
from oma_poller.core.runs import Followed
from oma_poller.core.speed import GAP_INTERVALS
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.decision import Event
from oma_poller.model.job import Job
from oma_poller.model.reading import Reading, State
from oma_poller.model.snapshot import Snapshot
from oma_poller.model.update import DiskUpdate


class WholeJob(Struct, frozen=True, gc=False):
    """What a whole-job entry comes to."""

    context: PollingContext
    snapshot: Snapshot
    events: tuple[Event, ...] = ()


def may_be_several(poll: Poll) -> bool:
    """Whether the one key of the round's tier may stand for several disks, told one after the other.

    An export is one disk. How many a job id stands for is unknown where the database knows none.
    """
    if not poll.plan.is_whole_job(poll.tier):
        return False
    disks = len(poll.job.disks)
    return disks > 1 or (disks == 0 and poll.keys == (poll.job.id,))


def read_whole_job(last: PollingContext, poll: Poll, reading: Reading) -> WholeJob:
    """Return the job's numbers from the one entry that stands for all its disks.

    *last* is what was known before this poll. A completed entry may be the end of one disk only, so it is
    held for the completion hold before it is the job's. Where the reply details its disks, they decide
    what is done; the hold stays, since a detail may be left over from an earlier run too.
    """
    followed = follow_entry(last, poll, reading)
    context = followed.context
    snapshot = aggregate(whole_job_parts(poll.job, context, reading.disks))
    run = context.runs[0]
    ended = run is not None and run.trusted and run.state is State.COMPLETED
    if run is None or not ended or (reading.disks and not snapshot.complete):
        return _going_on(followed, snapshot)
    held_since_s = _held_since_s(last, context, run.moved_at_s, poll)
    context = replace(context, held_since_s=held_since_s)
    if poll.now_s - held_since_s < poll.policy.completion_hold_s:
        held = replace(_unfinished(snapshot), state=State.FINALIZING, operation="Finalizing", eta_s=None)
        return WholeJob(context, held, followed.events)
    if snapshot.complete or (run_part(run, ()).done and _stands_for_all(poll, run)):
        return WholeJob(context, _finished(poll.job, snapshot, context), followed.events)
    return WholeJob(context, snapshot, followed.events)


def _stands_for_all(poll: Poll, run: KeyRun) -> bool:
    """Whether an entry that names no disks may end the whole job: the job id's may, after the hold (T2).

    `nbd_export_name` is one export, so its end is all disks' only with the bytes of all of them.
    """
    capacity_bytes = sum(max(disk.capacity_bytes, 0) for disk in poll.job.disks)
    return poll.keys == (poll.job.id,) or 0 < capacity_bytes <= run.bytes_transferred


def _going_on(followed: Followed, snapshot: Snapshot) -> WholeJob:
    return WholeJob(replace(followed.context, held_since_s=None), _unfinished(snapshot), followed.events)


def _held_since_s(last: PollingContext, context: PollingContext, moved_at_s: float, poll: Poll) -> float:
    """Return since when the entry has been seen completed and still.

    Bytes that moved, or an outage long enough for a disk to begin and end in it, start the hold again.
    """
    if context.held_since_s is None:
        return poll.now_s
    seen_s = poll.now_s if last.last_good_s is None else last.last_good_s
    if last.consecutive_errors and poll.now_s - seen_s > GAP_INTERVALS * poll.policy.interval_s:
        return poll.now_s
    return max(context.held_since_s, moved_at_s)


def _unfinished(snapshot: Snapshot) -> Snapshot:
    if not snapshot.complete:
        return snapshot
    return replace(snapshot, complete=False, state=State.FINALIZING, percent_bp=FULL_BP - 1)


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
        total_bytes=snapshot.total_bytes if snapshot.complete else snapshot.bytes_transferred,
        speed_bps=0,
        eta_s=None,
        disks=tuple(rows),
    )
