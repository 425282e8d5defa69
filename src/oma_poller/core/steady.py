"""The poll that nearly every poll is: a copy that went on. The same decision as by all the rules, for less.

A job that replicates under its exports, whose every key answers, says the same words as before and moved on,
needs none of the rules about runs, ends, errors and stages. Where anything else is the case this says
nothing, and all the rules are asked. That both say the same is a property that the tests hold
(`tests/core/test_steady.py`); it takes a quarter of the time.
"""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.parts import FULL_BP
from oma_poller.core.poll import Poll
from oma_poller.core.speed import GAP_INTERVALS, STANDSTILL_INTERVALS, eta_s, smoothed_bps
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.decision import Decision
from oma_poller.model.observation import Observation
from oma_poller.model.reading import BIGINT_MAX, Reading, State
from oma_poller.model.update import DiskUpdate, Progress, Update

_REPLICATING, _FRESH = State.REPLICATING, Observation.FRESH  # to look up a member of an enum is slow
_STATUS = _REPLICATING.value


class _Sum(Struct, gc=False):
    """The numbers of the job's disks so far."""

    moved_bytes: int = 0
    total_bytes: int = 0
    speed_bps: float = 0.0
    least_bp: int = FULL_BP + 1
    least: KeyRun | None = None
    """The run of the disk that is furthest behind; of equal ones the first."""
    sync_type: str = ""
    """The first that any of them names."""


def steady(last: PollingContext, poll: Poll) -> Decision | None:
    """Return what a poll comes to in which every disk went on; None where all the rules are to be asked."""
    if not (_is_ordinary(last, poll) and _is_one_run_a_disk(last, poll)):
        return None
    runs: list[KeyRun] = []
    disks: list[DiskUpdate] = []
    summed, now_s, interval_s = _Sum(), poll.now_s, poll.policy.interval_s
    has_moved = False
    for run, reading, disk in zip(last.runs, poll.outcomes, poll.job.disks, strict=True):
        if run is None or not isinstance(reading, Reading) or not _goes_on(run, reading, now_s, interval_s):
            return None
        has_moved = has_moved or reading.bytes_transferred != run.raw_bytes
        run = _continued(run, reading, now_s, interval_s)  # noqa: PLW2901 - the same run, one reading later
        runs.append(run)
        disks.append(_summed(summed, run, disk.id))
    # One that stands altogether may be stalled, or failed by time.
    return _decision(last, poll, summed, tuple(runs), tuple(disks)) if has_moved else None


def _is_ordinary(last: PollingContext, poll: Poll) -> bool:
    """Whether the job was fine at its last poll, a moment ago, and nobody wants anything of it."""
    return (
        last.state is _REPLICATING
        and last.sighting.observation is _FRESH
        and not last.sighting.reason
        and last.proven
        and not last.consecutive_errors
        and not last.error_kind
        and last.first_poll_s is not None
        and last.clear_since_s is not None
        and last.last_good_s is not None
        and poll.now_s - last.last_good_s <= GAP_INTERVALS * poll.policy.interval_s
        and last.vanished_at_s is None
        and last.held_since_s is None
        and not last.ended
        and (poll.job.accepted_at is None or poll.job.accepted_at == last.accepted_at)
    )


def _is_one_run_a_disk(last: PollingContext, poll: Poll) -> bool:
    """Whether the exports of its disks answered, as they did before, each of one disk."""
    return poll.tier == last.tier == 0 and last.keys == poll.plan.tiers[0] == poll.plan.exports


def _goes_on(run: KeyRun, reading: Reading, now_s: float, interval_s: float) -> bool:
    """Whether a reading is of the run that was followed, in the middle of its copy."""
    return (
        reading.state is _REPLICATING is run.state
        and run.trusted
        and run.sampled
        and not (run.previous or run.unwatched or run.recalled or run.resumed or run.ended_polls)
        and run.stale_bytes is None
        and reading.bytes_transferred >= run.raw_bytes == run.bytes_transferred > 0
        and reading.total_bytes > 0
        and 0.0 < now_s - run.read_at_s <= GAP_INTERVALS * interval_s
        and reading.started_at == run.started_at
        and reading.word == run.word
        and reading.phase == run.phase
        and reading.operation == run.operation
        and reading.sync_type == run.sync_type
        and reading.error == run.error
        and not reading.unknown_words
    )


def _continued(run: KeyRun, reading: Reading, now_s: float, interval_s: float) -> KeyRun:
    moved, percent = reading.bytes_transferred, reading.percent
    if moved != run.raw_bytes:
        step_bytes, elapsed_s = moved - run.bytes_transferred, now_s - run.read_at_s
        return replace(
            run,
            read_at_s=now_s,
            moved_at_s=now_s,
            changed_at_s=now_s,
            raw_bytes=moved,
            bytes_transferred=moved,
            total_bytes=reading.total_bytes,
            percent=percent,
            speed_bps=smoothed_bps(run.speed_bps, step_bytes, elapsed_s, interval_s),
        )
    if now_s - run.moved_at_s >= STANDSTILL_INTERVALS * interval_s:
        speed_bps = 0.0
    else:
        speed_bps = smoothed_bps(run.speed_bps, 0, now_s - run.read_at_s, interval_s)
    return replace(
        run,
        read_at_s=now_s,
        changed_at_s=now_s if percent != run.percent else run.changed_at_s,
        total_bytes=reading.total_bytes,
        percent=percent,
        speed_bps=speed_bps,
    )


def _summed(summed: _Sum, run: KeyRun, disk_row_id: int | str) -> DiskUpdate:
    """Add a disk to the sum; return its row."""
    moved, total = run.bytes_transferred, run.total_bytes
    share_bp = min(FULL_BP, moved * FULL_BP // total)
    summed.moved_bytes += moved
    summed.total_bytes += total
    summed.speed_bps += run.speed_bps
    if share_bp < summed.least_bp:
        summed.least, summed.least_bp = run, share_bp
    summed.sync_type = summed.sync_type or run.sync_type
    return DiskUpdate(disk_row_id, "syncing", min(FULL_BP - 1, share_bp), min(BIGINT_MAX, moved))


def _decision(
    last: PollingContext,
    poll: Poll,
    summed: _Sum,
    runs: tuple[KeyRun, ...],
    disks: tuple[DiskUpdate, ...],
) -> Decision:
    moved, total, least = summed.moved_bytes, summed.total_bytes, summed.least
    percent_bp = min(FULL_BP - 1, max(last.percent_bp, moved * FULL_BP // total))
    speed_bps = min(BIGINT_MAX, int(summed.speed_bps))
    bytes_transferred = max(last.bytes_transferred, min(BIGINT_MAX, moved))
    context = replace(
        last,
        last_poll_s=poll.now_s,
        last_good_s=poll.now_s,
        runs=runs,
        percent_bp=percent_bp,
        bytes_transferred=bytes_transferred,
    )
    # By position, in the order of the fields: names cost a third of the time of making these.
    progress = Progress(
        percent_bp,
        (least.phase or least.operation or least.word) if least else "",
        bytes_transferred,
        min(BIGINT_MAX, total),
        speed_bps,
        least.phase if least else "",
        summed.sync_type,
        None,
        eta_s(total - moved, float(speed_bps)),
        disks,
    )
    is_written = poll.policy.write_status and _STATUS in poll.policy.active_statuses
    status = _STATUS if is_written else None
    update = Update(last.job_id, last.sighting, 0, progress, status, None, poll.job.born)
    return Decision(context, 0.0, update, "ok", went_on=True)
