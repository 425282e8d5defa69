"""Which run a reading belongs to, and whether that run is this job's own (T5, F3)."""

from datetime import datetime
from math import floor

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.run import begin_run, continue_run, not_yet_moved
from oma_poller.core.speed import GAP_INTERVALS
from oma_poller.core.states import ENDS
from oma_poller.model.context import KeyRun
from oma_poller.model.decision import Event, EventKind
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Reading, State

CLOCKS_AGREE_S = 2.0
"""A skew within the resolution of the `Date` header is none."""


class Sight(Struct, frozen=True, gc=False):
    """What surrounds a reading: the job it is for and the time it was read."""

    key: str
    job_created_at: datetime | None
    watched_since: datetime
    """When polling of the job began, be it before this program started; aware, UTC."""
    now_s: float
    """Monotonic seconds."""
    now: datetime
    """The same moment, aware, UTC."""
    policy: Policy
    appeared: bool = False
    """Whether the VMA did not know the key earlier in this job's polling."""
    accepted: bool = False
    """Whether a person takes what the entry shows now for the job's own."""

    @property
    def blink_s(self) -> float:
        """A longer time that nobody watched is enough for a whole run."""
        return max(GAP_INTERVALS * self.policy.interval_s, self.policy.startup_grace_s)


class Following(Struct, frozen=True, gc=False):
    """The run that a reading shows."""

    run: KeyRun
    events: tuple[Event, ...] = ()
    restarted: bool = False
    """Whether a run of this job's own gave way to a new one."""


def starts_before(reading: Reading, created_at: datetime) -> bool:
    """Whether the entry's start lies before *created_at*, by our clock.

    Both are compared in whole seconds, the resolution of the wire: a run that starts in the very second
    of the job's creation is the job's own.
    """
    if reading.started_at is None:
        return False
    skew_s = reading.clock_skew_s if abs(reading.clock_skew_s) > CLOCKS_AGREE_S else 0.0
    return floor(reading.started_at.timestamp() + skew_s) < floor(created_at.timestamp())


def follow(run: KeyRun | None, reading: Reading, sight: Sight) -> Following:
    """Return the run that *reading* shows, given what was seen under its key so far."""
    if sight.accepted and (run is None or not run.trusted):
        return _accept(reading, sight)
    if run is None:
        return Following(_first_sight(reading, sight))
    if not run.trusted:
        return _wait_for_proof(run, reading, sight)
    if _began_anew(run, reading):
        return Following(begin_run(reading, sight.now_s, trusted=True), (_changed(sight),), restarted=True)
    following = continue_run(run, reading, sight.now_s, sight.policy.interval_s)
    return Following(following, _regression(run, following, sight))


def is_later_start(run: KeyRun, reading: Reading) -> bool:
    """Whether *reading* is of an entry that began after the one *run* was read from."""
    return (
        run.started_at is not None and reading.started_at is not None and reading.started_at > run.started_at
    )


def _first_sight(reading: Reading, sight: Sight) -> KeyRun:
    """Return the run of an entry that is seen for the first time.

    It is the job's own where it started after the job was made, or, of a job without a date, after the job
    was first seen. One that started before that may be either's, so it is taken for an earlier one's until
    it moves; and where the job has no date nobody knows how long it was there unwatched.
    """
    created_at = sight.job_created_at
    dated = reading.started_at is not None
    before = starts_before(reading, created_at or sight.watched_since)
    # A 404 may have been the VMA's own fault: an entry that comes back with an old date is still old.
    trusted = not before if dated else sight.appeared
    run = begin_run(reading, sight.now_s, trusted=trusted, previous=before and not trusted)
    if not run.previous:
        return run
    unwatched = created_at is None or (sight.now - created_at).total_seconds() > sight.blink_s
    return replace(run, unwatched=unwatched)


def _accept(reading: Reading, sight: Sight) -> Following:
    """Take the entry as it stands for this job's run: a person says that it is."""
    detail = f"the entry under {sight.key} was accepted by hand: it is this job's run"
    return Following(begin_run(reading, sight.now_s, trusted=True), (_trusted(detail),))


def _wait_for_proof(run: KeyRun, reading: Reading, sight: Sight) -> Following:
    """A run that is not proven ours yet is believed from its first movement on.

    After the status alone has moved, bytes that an earlier run may have left there are none of ours; and
    where it moved to completed, it is that run which did.
    """
    if is_later_start(run, reading):  # the entry was made anew before our eyes, whatever the clocks say
        return Following(begin_run(reading, sight.now_s, trusted=True), (_changed(sight),))
    bytes_moved = reading.bytes_transferred != run.raw_bytes
    status_moved = (reading.word, reading.state) != (run.word, run.state)
    if status_moved and not bytes_moved and run.previous and _completes(run, reading):
        begun = begin_run(reading, sight.now_s, trusted=False, previous=True)
        return Following(replace(begun, unwatched=_was_unwatched(run, sight)))
    if bytes_moved or status_moved:
        ours = begin_run(reading, sight.now_s, trusted=True)
        if not bytes_moved:
            ours = replace(ours, speed_bps=0.0)
            ours = not_yet_moved(ours) if run.previous or run.state in ENDS else ours
        detail = f"the entry under {sight.key} moved: it is this job's run"
        return Following(ours, (_trusted(detail),) if run.previous else ())
    if _stood_long_enough(run, reading, sight):
        return Following(continue_run(run, reading, sight.now_s, sight.policy.interval_s))
    if run.started_at is None and reading.started_at is not None:
        return Following(_first_sight(reading, sight))
    return Following(replace(run, read_at_s=sight.now_s, unwatched=_was_unwatched(run, sight)))


def _was_unwatched(run: KeyRun, sight: Sight) -> bool:
    return run.unwatched or (run.previous and sight.now_s - run.read_at_s > sight.blink_s)


def _completes(run: KeyRun, reading: Reading) -> bool:
    """Whether a run that went on is completed: without a moved byte that is the earlier run's own end."""
    return reading.state is State.COMPLETED and run.state not in ENDS


def _stood_long_enough(run: KeyRun, reading: Reading, sight: Sight) -> bool:
    """Whether an entry without a start has stood the same for the start-up grace."""
    return (
        reading.started_at is None
        and not run.previous
        and sight.now_s - run.since_s >= sight.policy.startup_grace_s
    )


def _began_anew(run: KeyRun, reading: Reading) -> bool:
    """Whether a copier started anew under the key of a run that is ours.

    A later start alone is no proof: a VMA that restarted dates the entry anew while the copier goes on
    (F4). An end that is taken back alone is none either: the oldest builds oscillate.
    """
    lower = run.stale_bytes is None and reading.bytes_transferred < run.raw_bytes
    ended = run.state in ENDS
    if is_later_start(run, reading):
        return lower or ended
    return lower and (ended or run.resumed) and reading.state not in ENDS


def _regression(run: KeyRun, following: KeyRun, sight: Sight) -> tuple[Event, ...]:
    if run.stale_bytes is not None or following.raw_bytes >= run.raw_bytes:
        return ()
    detail = f"bytes under {sight.key} went back from {run.raw_bytes} to {following.raw_bytes}"
    return (Event(EventKind.REGRESSION, detail),)


def _trusted(detail: str) -> Event:
    return Event(EventKind.RUN_TRUSTED, detail)


def _changed(sight: Sight) -> Event:
    return Event(EventKind.RUN_CHANGED, f"a new run began under {sight.key}")
