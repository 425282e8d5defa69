"""Sums a job's parts into one snapshot (T1)."""

from collections.abc import Sequence

from oma_poller.core.parts import FULL_BP, Part
from oma_poller.core.speed import eta_s
from oma_poller.core.states import ENDS
from oma_poller.model.context import KeyRun
from oma_poller.model.reading import BIGINT_MAX, State
from oma_poller.model.snapshot import Snapshot
from oma_poller.model.update import DiskUpdate

_SETUP = frozenset({State.QUEUED, State.PREPARING, State.SNAPSHOTTING})
_BEFORE_BYTES = _SETUP | {State.UNKNOWN, State.REPLICATING}
_ADVANCE = {state: rank for rank, state in enumerate(State)}
_AGREEING_POLLS = 2
"""A failure counts when the VMA said it in this many polls in a row (T3)."""
_BYTES_MISSING = "Transfer incomplete"
"""The operation of a disk that the VMA calls completed although not all its bytes are there."""


def aggregate(parts: Sequence[Part]) -> Snapshot:
    """Return the snapshot of a job whose disks are *parts*.

    percent = 100 x sum of bytes / sum of totals, rounded down to hundredths; a part without a total
    weighs in with its reported share. A sum beyond BIGINT is held at its limit.
    """
    runs = tuple({id(part.run): part.run for part in parts if part.run is not None}.values())
    complete = bool(parts) and all(part.done for part in parts)
    least = _least_advanced(parts)
    moved = sum(part.bytes_transferred for part in parts)
    total = sum(part.total_bytes for part in parts)
    speed_bps = min(BIGINT_MAX, int(sum(run.speed_bps for run in runs)))
    end, error = _end(runs)
    return Snapshot(
        state=_joint_state(parts, complete=complete),
        percent_bp=FULL_BP if complete else min(FULL_BP - 1, _percent_bp(parts)),
        bytes_transferred=min(BIGINT_MAX, moved),
        total_bytes=min(BIGINT_MAX, total),
        speed_bps=speed_bps,
        eta_s=eta_s(total - moved, float(speed_bps)) if _has_known_end(parts) else None,
        operation=_operation(parts, least),
        phase=least.run.phase if least and least.run else "",
        sync_type=next((run.sync_type for run in runs if run.sync_type), ""),
        setup_percent=_setup_percent(least),
        complete=complete,
        end=end,
        error=error,
        moved_at_s=max((run.moved_at_s for run in runs), default=0.0),
        disks=tuple(_row(part, disk.id) for part in parts if part.state is not None for disk in part.disks),
    )


def _percent_bp(parts: Sequence[Part]) -> int:
    """Return 10000 x sum of bytes / sum of totals, rounded down, at most 10000."""
    weights = [_weight(part) for part in parts]
    whole = sum(whole for _, whole in weights)
    return min(FULL_BP, sum(done for done, _ in weights) // whole) if whole else 0


def _weight(part: Part) -> tuple[int, int]:
    """Return (done bytes x 10000, whole bytes) of a part.

    One that names a percentage and no size is as large as the two together say; one of which nothing at
    all is known weighs a byte, so that the job is not at its end without it.
    """
    moved, total, share = part.bytes_transferred, part.total_bytes, part.share_bp
    if part.reported:
        whole = total or (moved * FULL_BP // share if share else moved)
        return share * whole, whole
    if total:
        return moved * FULL_BP, total
    return 0, 0 if part.done else max(moved, 1)


def _has_known_end(parts: Sequence[Part]) -> bool:
    """Whether it is known how many bytes are left: the size of every part that goes on is."""
    return all(part.done or part.total_bytes for part in parts)


def _end(runs: Sequence[KeyRun]) -> tuple[State | None, str | None]:
    """Return (end, error) the VMA agrees on; of several the failure, for it is why the others stopped."""
    ended = [run for run in runs if run.ended_polls]
    agreed = {run.state for run in ended if run.ended_polls >= _AGREEING_POLLS}
    end = State.FAILED if State.FAILED in agreed else next(iter(agreed), None)
    told = [run.error for run in ended if run.error and (end is None or run.state is end)]
    return end, told[0] if told else None


def _joint_state(parts: Sequence[Part], *, complete: bool) -> State:
    """Return the state of the job: it replicates as soon as one disk did, and until all did.

    An end is the job's only by `Snapshot.complete` or `Snapshot.end`: a disk's own end among others that
    go on means that the job replicates, and a failure heard once means nothing yet.
    """
    if complete:
        return State.COMPLETED
    stages = {_stage(part) for part in parts}
    setup = [state for state in stages if state in _SETUP]
    if State.REPLICATING in stages:
        return State.REPLICATING
    if State.FINALIZING in stages:
        return State.FINALIZING if stages <= {State.FINALIZING, State.COMPLETED} else State.REPLICATING
    if State.COMPLETED in stages:
        return State.REPLICATING
    return max(setup, key=_ADVANCE.__getitem__, default=State.UNKNOWN)


def _stage(part: Part) -> State | None:
    """Return what a part adds to its job's state: None for a silent disk, UNKNOWN for an end of its own."""
    if part.done:
        return State.COMPLETED
    if part.state is State.COMPLETED:
        return State.REPLICATING  # not all its bytes are there (T2)
    return State.UNKNOWN if part.state in ENDS else part.state


def _least_advanced(parts: Sequence[Part]) -> Part | None:
    """Return the answering part that is furthest behind; None where no disk answers."""
    answering = [part for part in parts if part.run is not None]
    going_on = [part for part in answering if not part.done]
    return min(going_on or answering, key=_advancement, default=None)


def _advancement(part: Part) -> tuple[int, int]:
    state = _stage(part)
    rank = State.REPLICATING if state is State.UNKNOWN or state is None else state
    return (_ADVANCE[rank], part.share_bp)


def _setup_percent(least: Part | None) -> float | None:
    """Return a percentage that comes without bytes, 0 to 100: that of a setup stage (F7); else None."""
    run = least.run if least is not None else None
    if least is None or run is None or run.percent is None or run.stale_bytes is not None:
        return None
    early = least.state in _BEFORE_BYTES and not run.bytes_transferred
    return min(max(run.percent, 0.0), 100.0) if early else None


def _operation(parts: Sequence[Part], least: Part | None) -> str:
    """Return the operation of the least advanced disk, with the percentage of a setup stage."""
    if least is None or least.run is None:
        return ""
    waiting = next((part for part in parts if part.state is None), None)
    if least.done and waiting is not None:
        return f"Waiting for disk {waiting.disks[0].disk_id or waiting.disks[0].id}"
    if least.state is State.COMPLETED and not least.done:
        return _BYTES_MISSING
    name = least.run.phase or least.run.operation or least.run.word
    setup_percent = _setup_percent(least)
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
    starting = part.state in _SETUP or part.state is State.UNKNOWN
    return "pending" if starting and not part.bytes_transferred else "syncing"
