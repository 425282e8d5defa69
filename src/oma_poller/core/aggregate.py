"""Sums a job's parts into one snapshot (T1)."""

from collections.abc import Sequence

from oma_poller.core.parts import FULL_BP, Part
from oma_poller.core.speed import eta_s
from oma_poller.core.states import ENDS
from oma_poller.model.context import KeyRun
from oma_poller.model.reading import BIGINT_MAX, State
from oma_poller.model.snapshot import Snapshot
from oma_poller.model.update import DiskUpdate

_SETUP = frozenset({State.QUEUED, State.PREPARING, State.SNAPSHOTTING, State.UNKNOWN})
_ADVANCE = {state: rank for rank, state in enumerate(State)}
_AGREEING_POLLS = 2
"""A failure counts when the VMA said it in this many polls in a row (T3)."""


def aggregate(parts: Sequence[Part]) -> Snapshot:
    """Return the snapshot of a job whose disks are *parts*.

    percent = 100 x sum of bytes / sum of totals, rounded down to hundredths; a part without a total
    weighs in with its reported share. A sum beyond BIGINT is held at its limit.
    """
    runs = tuple({id(part.run): part.run for part in parts if part.run is not None}.values())
    complete = bool(parts) and all(part.done for part in parts)
    least = _least_advanced(parts)
    moved = min(BIGINT_MAX, sum(part.bytes_transferred for part in parts))
    total = min(BIGINT_MAX, sum(part.total_bytes for part in parts))
    speed_bps = min(BIGINT_MAX, int(sum(run.speed_bps for run in runs)))
    setup_percent = _setup_percent(least)
    return Snapshot(
        state=_joint_state(parts, complete=complete),
        percent_bp=FULL_BP if complete else min(FULL_BP - 1, _percent_bp(parts)),
        bytes_transferred=moved,
        total_bytes=total,
        speed_bps=speed_bps,
        eta_s=None if complete else eta_s(total - moved, float(speed_bps)),
        operation=_operation(parts, least, setup_percent),
        phase=least.phase if least else "",
        sync_type=next((run.sync_type for run in runs if run.sync_type), ""),
        setup_percent=setup_percent,
        complete=complete,
        end=next((run.state for run in runs if run.ended_polls >= _AGREEING_POLLS), None),
        error=next((run.error for run in runs if run.ended_polls and run.error), None),
        moved_at_s=max((run.moved_at_s for run in runs), default=0.0),
        disks=tuple(_row(part, disk.id) for part in parts if part.state is not None for disk in part.disks),
    )


def _percent_bp(parts: Sequence[Part]) -> int:
    """Return 10000 x sum of bytes / sum of totals; a part with no total at all weighs one byte."""
    done = sum(_done_bytes(part) for part in parts)
    whole = sum(_whole_bytes(part) for part in parts)
    return min(FULL_BP, done // whole) if whole else 0


def _whole_bytes(part: Part) -> int:
    zero_change = part.done and part.total_bytes == 0
    return 0 if zero_change else part.total_bytes or 1


def _done_bytes(part: Part) -> int:
    """Return the part's done bytes times 10000; by its share where the run names no total."""
    if part.run is not None and part.run.total_bytes == 0:
        return part.share_bp * _whole_bytes(part)
    return part.bytes_transferred * FULL_BP


def _joint_state(parts: Sequence[Part], *, complete: bool) -> State:
    """Return the state of the job: it replicates as soon and as long as one disk of it does.

    An end is the job's only by `Snapshot.complete` or `Snapshot.end`; a disk's own end among others
    that go on means that the job replicates.
    """
    if complete:
        return State.COMPLETED
    states = {part.state for part in parts if part.state is not None}
    going_on = states - ENDS
    if State.REPLICATING in going_on:
        return State.REPLICATING
    if states == going_on:
        return max(states, key=_ADVANCE.__getitem__, default=State.UNKNOWN)
    return State.FINALIZING if going_on == {State.FINALIZING} else State.REPLICATING


def _least_advanced(parts: Sequence[Part]) -> KeyRun | None:
    """Return the run of the answering part that is furthest behind."""
    answering = [part for part in parts if part.run is not None and not part.done]
    if not answering:
        return next((part.run for part in parts if part.run is not None), None)
    return min(answering, key=_advancement).run


def _advancement(part: Part) -> tuple[int, int]:
    state = part.state or State.UNKNOWN
    rank = State.REPLICATING if state is State.UNKNOWN else state
    return (_ADVANCE[rank], part.share_bp)


def _setup_percent(run: KeyRun | None) -> float | None:
    """Return the percentage of a setup stage, 0 to 100; None once bytes move (F7)."""
    if run is None or run.percent is None or run.bytes_transferred or run.stale_bytes is not None:
        return None
    return min(max(run.percent, 0.0), 100.0) if run.state in _SETUP else None


def _operation(parts: Sequence[Part], least: KeyRun | None, setup_percent: float | None) -> str:
    """Return the operation of the least advanced disk, with the percentage of a setup stage."""
    if least is None:
        return ""
    waiting = next((part for part in parts if part.state is None and part.disks), None)
    if waiting is not None and all(part.done or part is waiting for part in parts):
        return f"Waiting for disk {waiting.disks[0].disk_id or waiting.disks[0].id}"
    name = least.phase or least.operation or least.word
    return f"{name} ({setup_percent:g} %)" if setup_percent else name


def _row(part: Part, disk_row_id: int | str) -> DiskUpdate:
    return DiskUpdate(
        id=disk_row_id,
        status=_sync_status(part),
        percent_bp=FULL_BP if part.done else min(FULL_BP - 1, part.share_bp),
        bytes_synced=min(BIGINT_MAX, part.bytes_transferred),
    )


def _sync_status(part: Part) -> str:
    if part.done:
        return "completed"
    if part.run is not None and part.run.ended_polls >= _AGREEING_POLLS:
        return "failed"
    return "pending" if part.state in _SETUP and not part.bytes_transferred else "syncing"
