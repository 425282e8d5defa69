"""Which run a reading belongs to, and whether that run is this job's own (T5, F3)."""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.speed import GAP_INTERVALS, STANDSTILL_INTERVALS, smoothed_bps
from oma_poller.model.context import KeyRun
from oma_poller.model.decision import Event, EventKind
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Reading, State

CLOCKS_AGREE_S = 2.0
"""A skew within the resolution of the `Date` header is none."""

_RUN_ENDS = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})


class Sight(Struct, frozen=True):
    """What surrounds a reading: the job it is for and the time it was read."""

    key: str
    job_created_at: datetime | None
    now_s: float
    policy: Policy
    appeared: bool = False
    """Whether the VMA did not know the key earlier in this job's polling."""


def starts_before(reading: Reading, created_at: datetime) -> bool:
    """Whether the entry's start lies before *created_at*, by our clock.

    Both are compared in whole seconds, the resolution of the wire: a run that starts in the very second
    of the job's creation is the job's own.
    """
    if reading.started_at is None:
        return False
    skew_s = reading.clock_skew_s if abs(reading.clock_skew_s) > CLOCKS_AGREE_S else 0.0
    start = reading.started_at + timedelta(seconds=skew_s)
    return start.replace(microsecond=0) < created_at.replace(microsecond=0)


def follow(run: KeyRun | None, reading: Reading, sight: Sight) -> tuple[KeyRun, tuple[Event, ...]]:
    """Return the run that *reading* shows, given what was seen under its key so far."""
    if run is None:
        return _first_sight(reading, sight), ()
    if _is_later_start(run, reading) or _came_back_lower(run, reading):
        fresh = _begin(reading, sight, trusted=True) if run.trusted else _first_sight(reading, sight)
        return fresh, (Event(EventKind.RUN_CHANGED, f"a new run began under {sight.key}"),)
    if not run.trusted:
        return _wait_for_movement(run, reading, sight)
    return _next_reading(run, reading, sight)


def _first_sight(reading: Reading, sight: Sight) -> KeyRun:
    previous = sight.job_created_at is not None and starts_before(reading, sight.job_created_at)
    proven = sight.job_created_at is not None and reading.started_at is not None and not previous
    return _begin(reading, sight, trusted=proven or sight.appeared, previous=previous and not sight.appeared)


def _begin(reading: Reading, sight: Sight, *, trusted: bool, previous: bool = False) -> KeyRun:
    return KeyRun(
        state=reading.state,
        word=reading.word,
        trusted=trusted,
        previous=previous,
        started_at=reading.started_at,
        since_s=sight.now_s,
        read_at_s=sight.now_s,
        moved_at_s=sight.now_s,
        raw_bytes=reading.bytes_transferred,
        bytes_transferred=reading.bytes_transferred,
        total_bytes=reading.total_bytes,
        percent=reading.percent,
        speed_bps=float(reading.speed_bps),
        ended_polls=int(reading.state in {State.FAILED, State.CANCELLED}),
        operation=reading.operation,
        phase=reading.phase,
        sync_type=reading.sync_type,
        error=reading.error,
    )


def _is_later_start(run: KeyRun, reading: Reading) -> bool:
    return (
        run.started_at is not None and reading.started_at is not None and reading.started_at > run.started_at
    )


def _came_back_lower(run: KeyRun, reading: Reading) -> bool:
    """Whether a run that had ended is active again with fewer bytes: a copier started anew."""
    return (
        run.trusted
        and run.state in _RUN_ENDS
        and reading.state not in _RUN_ENDS
        and reading.bytes_transferred < run.raw_bytes
    )


def _wait_for_movement(run: KeyRun, reading: Reading, sight: Sight) -> tuple[KeyRun, tuple[Event, ...]]:
    """A run that is not proven ours yet is believed from its first movement on."""
    bytes_moved = reading.bytes_transferred != run.raw_bytes
    word_moved = reading.word != run.word
    stood_s = sight.now_s - run.since_s
    stood = reading.started_at is None and stood_s >= sight.policy.startup_grace_s
    if not (bytes_moved or word_moved or stood):
        return replace(run, read_at_s=sight.now_s), ()
    ours = _begin(reading, sight, trusted=True)
    if word_moved and not bytes_moved and run.previous:
        ours = replace(ours, bytes_transferred=0, stale_bytes=reading.bytes_transferred, speed_bps=0.0)
    event = Event(EventKind.RUN_TRUSTED, f"the entry under {sight.key} moved: it is this job's run")
    return ours, (event,) if run.previous else ()


def _next_reading(run: KeyRun, reading: Reading, sight: Sight) -> tuple[KeyRun, tuple[Event, ...]]:
    """A further reading of a run that is ours: bytes never count back, the raw ones are kept."""
    raw = reading.bytes_transferred
    moved = raw != run.raw_bytes
    stale = None if moved else run.stale_bytes
    counted = 0 if stale is not None else max(run.bytes_transferred, raw)
    speed_bps, sampled = _speed(run, reading, counted, sight)
    both_ended = reading.state is run.state and reading.state in {State.FAILED, State.CANCELLED}
    following = KeyRun(
        state=run.state if reading.state is State.UNKNOWN else reading.state,
        word=reading.word,
        trusted=True,
        previous=False,
        started_at=reading.started_at or run.started_at,
        since_s=run.since_s,
        read_at_s=sight.now_s,
        moved_at_s=sight.now_s if moved else run.moved_at_s,
        raw_bytes=raw,
        bytes_transferred=counted,
        total_bytes=reading.total_bytes or run.total_bytes,
        percent=reading.percent,
        stale_bytes=stale,
        speed_bps=speed_bps,
        sampled=sampled,
        ended_polls=run.ended_polls + 1
        if both_ended
        else int(reading.state in {State.FAILED, State.CANCELLED}),
        operation=reading.operation,
        phase=reading.phase,
        sync_type=reading.sync_type or run.sync_type,
        error=reading.error,
    )
    if raw >= run.raw_bytes:
        return following, ()
    went_back = f"bytes under {sight.key} went back from {run.raw_bytes} to {raw}"
    return following, (Event(EventKind.REGRESSION, went_back),)


def _speed(run: KeyRun, reading: Reading, counted: int, sight: Sight) -> tuple[float, bool]:
    """Return (bytes per second, whether it is measured)."""
    interval_s = sight.policy.interval_s
    elapsed_s = sight.now_s - run.read_at_s
    if reading.state in _RUN_ENDS:
        return 0.0, run.sampled
    if counted == run.bytes_transferred and sight.now_s - run.moved_at_s >= STANDSTILL_INTERVALS * interval_s:
        return 0.0, run.sampled
    if elapsed_s <= 0.0 or elapsed_s > GAP_INTERVALS * interval_s:
        return float(reading.speed_bps), False
    mean_bps = run.speed_bps if run.sampled else None
    return smoothed_bps(mean_bps, counted - run.bytes_transferred, elapsed_s, interval_s), True
