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

_STATUS = State.REPLICATING.value


class _Sum(Struct, gc=False):
    """The numbers of the job's disks so far."""

    runs: list[KeyRun]
    disks: list[DiskUpdate]
    moved_bytes: int = 0
    total_bytes: int = 0
    speed_bps: float = 0.0
    least_bp: int = FULL_BP
    least: KeyRun | None = None
    """The run of the disk that is furthest behind; of equal ones the first."""
    sync_type: str = ""
    """The first that any of them names."""
    has_moved: bool = False


def steady(last: PollingContext, poll: Poll) -> Decision | None:
    """Return what a poll comes to in which every disk went on; None where all the rules are to be asked."""
    if not (_is_ordinary(last, poll) and _is_one_run_a_disk(last, poll)):
        return None
    summed = _Sum([], [])
    for run, outcome, disk in zip(last.runs, poll.outcomes, poll.job.disks, strict=True):
        if run is None or not isinstance(outcome, Reading) or not _goes_on(run, outcome, poll):
            return None
        _add(summed, run, outcome, disk.id, poll)
    # One that stands altogether may be stalled, or failed by time.
    return _decision(last, poll, summed) if summed.has_moved else None


def _is_ordinary(last: PollingContext, poll: Poll) -> bool:
    """Whether the job was fine at its last poll, a moment ago, and nobody wants anything of it."""
    return (
        last.state is State.REPLICATING
        and last.sighting.observation is Observation.FRESH
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


def _goes_on(run: KeyRun, reading: Reading, poll: Poll) -> bool:
    """Whether a reading is of the run that was followed, in the middle of its copy."""
    return (
        reading.state is State.REPLICATING is run.state
        and run.trusted
        and run.sampled
        and not (run.previous or run.unwatched or run.recalled or run.resumed or run.ended_polls)
        and run.stale_bytes is None
        and reading.bytes_transferred >= run.raw_bytes == run.bytes_transferred > 0
        and reading.total_bytes > 0
        and 0.0 < poll.now_s - run.read_at_s <= GAP_INTERVALS * poll.policy.interval_s
        and reading.started_at == run.started_at
        and reading.word == run.word
        and reading.phase == run.phase
        and reading.operation == run.operation
        and reading.sync_type == run.sync_type
        and reading.error == run.error
        and not reading.unknown_words
    )


def _add(summed: _Sum, run: KeyRun, reading: Reading, disk_row_id: int | str, poll: Poll) -> None:
    moved, total = reading.bytes_transferred, reading.total_bytes
    run = _continued(run, reading, poll)
    share_bp = min(FULL_BP, moved * FULL_BP // total)
    summed.runs.append(run)
    summed.disks.append(
        DiskUpdate(disk_row_id, "syncing", min(FULL_BP - 1, share_bp), min(BIGINT_MAX, moved))
    )
    summed.moved_bytes += moved
    summed.total_bytes += total
    summed.speed_bps += run.speed_bps
    if summed.least is None or share_bp < summed.least_bp:
        summed.least, summed.least_bp = run, share_bp
    summed.sync_type = summed.sync_type or run.sync_type
    summed.has_moved = summed.has_moved or run.moved_at_s == poll.now_s


def _continued(run: KeyRun, reading: Reading, poll: Poll) -> KeyRun:
    now_s, interval_s, moved = poll.now_s, poll.policy.interval_s, reading.bytes_transferred
    has_moved = moved != run.raw_bytes
    if not has_moved and now_s - run.moved_at_s >= STANDSTILL_INTERVALS * interval_s:
        speed_bps = 0.0
    else:
        step_bytes, elapsed_s = moved - run.bytes_transferred, now_s - run.read_at_s
        speed_bps = smoothed_bps(run.speed_bps, step_bytes, elapsed_s, interval_s)
    return replace(
        run,
        read_at_s=now_s,
        moved_at_s=now_s if has_moved else run.moved_at_s,
        changed_at_s=now_s if has_moved or reading.percent != run.percent else run.changed_at_s,
        raw_bytes=moved,
        bytes_transferred=moved,
        total_bytes=reading.total_bytes,
        percent=reading.percent,
        speed_bps=speed_bps,
    )


def _decision(last: PollingContext, poll: Poll, summed: _Sum) -> Decision:
    moved, total, least = summed.moved_bytes, summed.total_bytes, summed.least
    percent_bp = min(FULL_BP - 1, max(last.percent_bp, moved * FULL_BP // total))
    speed_bps = min(BIGINT_MAX, int(summed.speed_bps))
    context = replace(
        last,
        last_poll_s=poll.now_s,
        last_good_s=poll.now_s,
        runs=tuple(summed.runs),
        percent_bp=percent_bp,
        bytes_transferred=max(last.bytes_transferred, min(BIGINT_MAX, moved)),
    )
    progress = Progress(
        percent_bp=percent_bp,
        operation=(least.phase or least.operation or least.word) if least else "",
        bytes_transferred=context.bytes_transferred,
        total_bytes=min(BIGINT_MAX, total),
        speed_bps=speed_bps,
        phase=least.phase if least else "",
        sync_type=summed.sync_type,
        eta_s=eta_s(total - moved, float(speed_bps)),
        disks=tuple(summed.disks),
    )
    is_written = poll.policy.write_status and _STATUS in poll.policy.active_statuses
    return Decision(
        context=context,
        delay_s=0.0,
        update=Update(
            job_id=last.job_id,
            sighting=last.sighting,
            progress=progress,
            status=_STATUS if is_written else None,
            born=poll.job.born,
        ),
        result="ok",
        went_on=True,
    )
