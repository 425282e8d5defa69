"""A run under one key, reading after reading: bytes that never go back, and measured speed (T4, T6)."""

from msgspec.structs import replace

from oma_poller.core.speed import GAP_INTERVALS, STANDSTILL_INTERVALS, smoothed_bps
from oma_poller.core.states import ENDS
from oma_poller.model.context import KeyRun
from oma_poller.model.reading import Reading, State

BAD_ENDS = frozenset({State.FAILED, State.CANCELLED})
"""Ends that count only when the VMA says them in two polls in a row (T3)."""


def begin_run(reading: Reading, now_s: float, *, trusted: bool, previous: bool = False) -> KeyRun:
    """Return a run whose first reading is *reading*. Until a second one the VMA's own speed stands in."""
    return KeyRun(
        state=reading.state,
        word=reading.word,
        trusted=trusted,
        previous=previous,
        started_at=reading.started_at,
        since_s=now_s,
        read_at_s=now_s,
        moved_at_s=now_s,
        changed_at_s=now_s,
        raw_bytes=reading.bytes_transferred,
        bytes_transferred=reading.bytes_transferred,
        total_bytes=reading.total_bytes,
        percent=reading.percent,
        speed_bps=0.0 if reading.state in ENDS else float(reading.speed_bps),
        ended_polls=int(reading.state in BAD_ENDS),
        operation=reading.operation,
        phase=reading.phase,
        sync_type=reading.sync_type,
        error=reading.error,
    )


def not_yet_moved(run: KeyRun) -> KeyRun:
    """Return *run* with the bytes of its first reading taken for those that an earlier run left (F3)."""
    return replace(run, bytes_transferred=0, stale_bytes=run.raw_bytes, speed_bps=0.0)


def continue_run(run: KeyRun, reading: Reading, now_s: float, interval_s: float) -> KeyRun:
    """Return *run* after a further reading: the bytes that count never go back, the raw ones are kept."""
    raw = reading.bytes_transferred
    moved = raw != run.raw_bytes
    stale = None if moved else run.stale_bytes
    counted = 0 if stale is not None else max(run.bytes_transferred, raw)
    state = run.state if reading.state is State.UNKNOWN else reading.state
    speed_bps, sampled = _speed(run, reading, counted, now_s, interval_s)
    return KeyRun(
        state=state,
        word=reading.word,
        trusted=True,
        previous=False,
        started_at=reading.started_at or run.started_at,
        since_s=run.since_s,
        read_at_s=now_s,
        moved_at_s=now_s if moved else run.moved_at_s,
        changed_at_s=now_s if moved or _says_other(run, reading) else run.changed_at_s,
        raw_bytes=raw,
        bytes_transferred=counted,
        total_bytes=reading.total_bytes or run.total_bytes,
        percent=reading.percent,
        stale_bytes=stale,
        resumed=not moved and state not in ENDS and (run.resumed or run.state in ENDS),
        speed_bps=speed_bps,
        sampled=sampled,
        ended_polls=_ended_polls(run, reading.state),
        operation=reading.operation,
        phase=reading.phase,
        sync_type=reading.sync_type or run.sync_type,
        error=reading.error,
    )


def leave_unread(run: KeyRun, now_s: float, interval_s: float) -> KeyRun:
    """Return *run* after a poll that did not bring its entry: it keeps its numbers.

    What must be seen "in a row" starts again (T3), and a speed that was not measured for as long as a
    standstill takes to show is none.
    """
    unseen = now_s - run.read_at_s >= STANDSTILL_INTERVALS * interval_s
    speed_bps = 0.0 if unseen else run.speed_bps
    return replace(run, ended_polls=0, speed_bps=speed_bps, sampled=run.sampled and not unseen)


def _says_other(run: KeyRun, reading: Reading) -> bool:
    before = (run.word, run.phase, run.operation, run.percent)
    return before != (reading.word, reading.phase, reading.operation, reading.percent)


def _ended_polls(run: KeyRun, seen: State) -> int:
    if seen not in BAD_ENDS:
        return 0
    return run.ended_polls + 1 if seen is run.state else 1


def _speed(
    run: KeyRun, reading: Reading, counted: int, now_s: float, interval_s: float
) -> tuple[float, bool]:
    """Return (bytes per second, whether it is measured)."""
    elapsed_s = now_s - run.read_at_s
    stands = counted == run.bytes_transferred
    if reading.state in ENDS or (stands and now_s - run.moved_at_s >= STANDSTILL_INTERVALS * interval_s):
        return 0.0, run.sampled
    if elapsed_s <= 0.0:
        return run.speed_bps, run.sampled
    if run.recalled or elapsed_s > GAP_INTERVALS * interval_s:
        return float(reading.speed_bps), False
    mean_bps = run.speed_bps if run.sampled else None
    return smoothed_bps(mean_bps, counted - run.bytes_transferred, elapsed_s, interval_s), True
