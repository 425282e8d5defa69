"""All watched jobs as the API shows them, and what changed after a moment."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

import msgspec
from msgspec import Struct

from oma_poller.clock import Clock
from oma_poller.core.mailbox import Mailbox
from oma_poller.engine.changes import MOST_LEFT, Gone
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.web.change_order import ChangeOrder
from oma_poller.web.job_view import detail_of, row_of
from oma_poller.web.row import JobDetail, JobRow

REMEMBER_LEFT_S = 300.0
"""So long it is known which jobs left; who was away for longer starts afresh."""
MOST_IN_DELTA = 500
"""Jobs in one delta: what is made for a reader that is far behind is small, however many jobs there are."""
_LEAST_PAUSE_S = 0.05
"""What changes within this time is shown together."""
_OLDEST = datetime.min.replace(tzinfo=UTC)
_ENCODER = msgspec.json.Encoder()


class Entry(Struct, eq=False):
    """A job as it is shown, and the version at which each kind of thing about it changed last."""

    row: JobRow
    encoded: bytes
    progress: int
    state: int
    observation: int

    @property
    def newest(self) -> int:
        """The version at which anything changed."""
        return max(self.progress, self.state, self.observation)


class Departure(Struct, frozen=True):
    """A job that is watched no more, as it was at the last."""

    job_id: str
    encoded: bytes
    """Its last row as JSON."""
    version: int
    at_s: float


class Delta(Struct, frozen=True):
    """What changed first after a version: each job once, whatever came in between."""

    version: int
    """Where the next delta begins."""
    entries: tuple[Entry, ...]
    left: tuple[Departure, ...]


class Fleet:
    """The rows of all jobs. Belongs to the API's thread, and is brought up to date when somebody reads.

    A reader holds a version. The order in which rows changed is known, so what changed after a version costs
    the number of jobs that did, and never more than one row a job, however slow the reader is.
    """

    def __init__(self, poller: VMAProgressPoller, mailbox: Mailbox, clock: Clock) -> None:
        self.epoch = uuid4().hex[:12]
        """Another for every start of the program: a version means nothing without it."""
        self.version = 0
        self._poller = poller
        self._mailbox = mailbox
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._order = ChangeOrder()
        self._departures: deque[Departure] = deque()
        self._forgotten = 0
        """Departures up to this version are not known any more."""
        self._sorted: list[str] | None = None
        self._told: tuple[int, int, Delta] | None = None
        """The last delta, the version it begins at and the newest one then: most readers ask for the same."""
        self._looked_s = float("-inf")
        self._listens = False

    def refresh(self) -> bool:
        """Take in what changed in the engine since the last time; return whether anything did."""
        now_s = self._clock.monotonic()
        if now_s - self._looked_s < _LEAST_PAUSE_S:
            return False
        self._looked_s = now_s
        if not self._listens:
            self._listens = True
            self._poller.changes.listen()
            changed, left = {watch.job.id for watch in self._poller.watches()}, dict[str, Gone]()
        else:
            changed, left = self._poller.changes.take()
        if not (changed or left):
            return False
        before = self.version
        self._drop(left, now_s)
        if len(left) >= MOST_LEFT:
            self._drop_unseen()
        self._take(changed)
        return self.version > before

    def rows(self) -> Sequence[JobRow]:
        """Return all jobs, newest first."""
        self.refresh()
        if self._sorted is None:
            newest_first = sorted(self._entries.values(), key=_age, reverse=True)
            self._sorted = [entry.row.job_id for entry in newest_first]
        return [self._entries[job_id].row for job_id in self._sorted]

    def row(self, job_id: str) -> JobRow | None:
        """Return one job; None where it is not watched."""
        self.refresh()
        entry = self._entries.get(job_id)
        return None if entry is None else entry.row

    def encoded(self, job_id: str) -> bytes:
        """Return the row of a job that is watched, as JSON."""
        return self._entries[job_id].encoded

    def detail(self, job_id: str) -> JobDetail | None:
        """Return one job, whole; None where it is not watched."""
        row, watch = self.row(job_id), self._poller.watch_of(job_id)
        if row is None or watch is None:
            return None
        due_s = self._poller.due_s_of(watch)
        return detail_of(row, watch, self._mailbox.written_of(job_id), due_s, self._clock)

    def since(self, version: int) -> Delta | None:
        """Return what changed after a version; None where that is not known any more: then start afresh.

        Every change has a version of its own. A delta is cut off after `MOST_IN_DELTA` jobs.
        """
        if not self._forgotten <= version <= self.version:
            return None
        if self._told is None or self._told[:2] != (version, self.version):
            self._told = version, self.version, self._delta(version)
        return self._told[2]

    def _delta(self, version: int) -> Delta:
        changed = [self._entries[job_id] for job_id in islice(self._order.since(version), MOST_IN_DELTA)]
        gone = self._gone_since(version)[:MOST_IN_DELTA]
        ends = [self.version]
        if len(changed) == MOST_IN_DELTA:
            ends.append(changed[-1].newest)
        if len(gone) == MOST_IN_DELTA:
            ends.append(gone[-1].version)
        end = min(ends)
        entries = tuple(one for one in changed if one.newest <= end)
        return Delta(end, entries, tuple(one for one in gone if one.version <= end))

    def _gone_since(self, version: int) -> list[Departure]:
        """Return the last departure of each job that left after a version and did not come back, in order."""
        gone: dict[str, Departure] = {}
        for one in reversed(self._departures):
            if one.version <= version:
                break
            if one.job_id not in self._entries:
                gone.setdefault(one.job_id, one)
        return list(reversed(gone.values()))

    def _drop(self, left: Mapping[str, Gone], now_s: float) -> None:
        for job_id, gone in left.items():
            self._entries.pop(job_id, None)
            self._order.drop(job_id)
            last = _ENCODER.encode(row_of(gone.watch, gone.last, self._clock))
            self.version += 1
            self._departures.append(Departure(job_id, last, self.version, now_s))
            self._sorted = None
        while self._departures and now_s - self._departures[0].at_s > REMEMBER_LEFT_S:
            self._forgotten = self._departures.popleft().version

    def _drop_unseen(self) -> None:
        """Drop jobs that left so long ago that nobody told it; readers of older versions start afresh."""
        for job_id in [job_id for job_id in self._entries if self._poller.watch_of(job_id) is None]:
            del self._entries[job_id]
            self._order.drop(job_id)
        self.version += 1
        self._forgotten = self.version

    def _take(self, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            watch = self._poller.watch_of(job_id)
            if watch is None:
                continue
            row = row_of(watch, self._mailbox.written_of(job_id), self._clock)
            known = self._entries.get(job_id)
            if known is not None and known.row == row:
                continue
            if known is None or known.row.created_at != row.created_at:
                self._sorted = None
            self.version += 1
            self._entries[job_id] = _entry(row, known, self.version)
            self._order.changed(job_id, self.version)


def _entry(row: JobRow, known: Entry | None, version: int) -> Entry:
    """Return a row with the versions of what changed; what is neither state nor observation is progress."""
    encoded = _ENCODER.encode(row)
    if known is None:
        return Entry(row, encoded, version, version, version)
    before = known.row
    same_state = (before.status, before.state) == (row.status, row.state)
    same_seen = _seen(before) == _seen(row)
    other = same_state and same_seen
    return Entry(
        row,
        encoded,
        progress=version if other or _numbers(before) != _numbers(row) else known.progress,
        state=known.state if same_state else version,
        observation=known.observation if same_seen else version,
    )


def _seen(row: JobRow) -> tuple[object, ...]:
    return (row.observation, row.reason, row.stopped)


def _numbers(row: JobRow) -> tuple[object, ...]:
    sizes = (row.percent, row.bytes_transferred, row.total_bytes)
    return (*sizes, row.speed_bps, row.eta_seconds, row.operation)


def _age(entry: Entry) -> tuple[datetime, str]:
    created_at = entry.row.created_at
    return (created_at or _OLDEST, entry.row.job_id)
