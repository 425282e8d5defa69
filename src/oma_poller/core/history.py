"""Which of a job's numbers become its history, how long each sample is kept, and which are to go.

What a sample is kept for is decided when it is taken: the first in its hour is kept the longest, the first in
its five minutes for a day. So thinning needs no look at neighbours: it deletes what is old of one grain.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from oma_poller.core.recent import Recent
from oma_poller.model.observation import Observation
from oma_poller.model.sample import Sample
from oma_poller.model.update import Progress, Update

SPACING_S = 30.0
"""A job whose numbers move is sampled at most this often."""
FINE_S, MIDDLE_S, COARSE_S = 30, 300, 3600
KEPT = {FINE_S: timedelta(hours=1), MIDDLE_S: timedelta(days=1), COARSE_S: timedelta(days=30)}
"""How long the samples of each grain are kept."""


class Numbers(Struct, frozen=True, gc=False):
    """What a sample says of a job's copy; see `Progress`."""

    percent_bp: int
    bytes_transferred: int
    total_bytes: int
    speed_bps: int


class _Last(Struct, gc=False):
    """What was written of a job last. Between two samples nothing of it changes but the newest numbers."""

    at: datetime
    """When it was sampled."""
    at_s: float
    """The same moment, monotonic seconds."""
    status: str | None
    observation: Observation
    sampled: Numbers | None
    """The numbers of the sample."""
    newest: Progress | None
    """The numbers written since; the mailbox holds the same object, so it costs nothing here."""


class Sampler:
    """Takes samples of updates. What it drew counts once it is told that the database has it."""

    def __init__(self) -> None:
        self._last: Recent[_Last] = Recent()

    def unknown(self, updates: Sequence[Update]) -> tuple[str, ...]:
        """Return the jobs whose newest sample is not known here: `draw` wants it of the database."""
        return tuple(update.job_id for update, last in self._known(updates) if last is None)

    def draw(
        self, updates: Sequence[Update], now: datetime, now_s: float, earlier: Mapping[str, datetime]
    ) -> tuple[Sample, ...]:
        """Return the samples of *updates*; *earlier* has the newest sample's moment of unknown jobs."""
        drawn = []
        for update, last in self._known(updates):
            if last is None or _is_due(last, update, now_s):
                before = earlier.get(update.job_id) if last is None else last.at
                drawn.append(_sample(update, last, now, before))
        return tuple(drawn)

    def keep(self, updates: Sequence[Update], samples: Iterable[Sample], now_s: float) -> None:
        """Note that the database has *updates*, and the *samples* that were drawn of them."""
        taken = {sample.job_id: sample for sample in samples}
        for update, last in self._known(updates):
            if update.is_terminal:
                self._last.pop(update.job_id)
            elif update.job_id in taken:
                self._last.put(update.job_id, _sampled(update, last, taken[update.job_id], now_s))
            elif last is not None and update.progress is not None:
                last.newest = update.progress
        self._last.turn(now_s)

    def _known(self, updates: Sequence[Update]) -> Iterator[tuple[Update, _Last | None]]:
        """Return each update with what was written of its job last."""
        return zip(updates, self._last.renewed([update.job_id for update in updates]), strict=True)


def grain_of(at: datetime, before: datetime | None) -> int:
    """Return the grain of a sample at *at*, when the job's sample before it was at *before*."""
    seconds = at.timestamp()
    for grain_s in (COARSE_S, MIDDLE_S):
        if before is None or seconds // grain_s != before.timestamp() // grain_s:
            return grain_s
    return FINE_S


def expired(now: datetime) -> tuple[tuple[int, datetime], ...]:
    """Return what of each grain is to go: (grain in seconds, the moment before which its samples lie)."""
    return tuple((grain_s, now - kept) for grain_s, kept in KEPT.items())


def _is_due(last: _Last, update: Update, now_s: float) -> bool:
    """Tell of a change, which every end is, or of numbers that moved. What costs most is asked last."""
    if update.sighting.observation is not last.observation:
        return True
    if update.status is not None and update.status != last.status:
        return True
    if now_s - last.at_s < SPACING_S or update.progress is None:
        return False
    return _numbers(update.progress) != last.sampled


def _sample(update: Update, last: _Last | None, now: datetime, before: datetime | None) -> Sample:
    """Return the sample of an update; the end of a job is kept as long as any."""
    numbers = _newest(last, update)
    return Sample(
        job_id=update.job_id,
        at=now,
        grain_s=COARSE_S if update.is_terminal else grain_of(now, before),
        observation=update.sighting.observation.value,
        percent_bp=None if numbers is None else numbers.percent_bp,
        bytes_transferred=None if numbers is None else numbers.bytes_transferred,
        total_bytes=None if numbers is None else numbers.total_bytes,
        speed_bps=None if numbers is None else numbers.speed_bps,
    )


def _sampled(update: Update, last: _Last | None, sample: Sample, now_s: float) -> _Last:
    """Return what is known of a job whose update became a sample."""
    status = update.status if update.status is not None or last is None else last.status
    newest = _newest(last, update)
    sampled = None if newest is None else _numbers(newest)
    return _Last(sample.at, now_s, status, update.sighting.observation, sampled, newest)


def _newest(last: _Last | None, update: Update) -> Progress | None:
    """Return the numbers that the row holds after *update*; a poll that failed leaves them."""
    if update.progress is not None:
        return update.progress
    return None if last is None else last.newest


def _numbers(progress: Progress) -> Numbers:
    return Numbers(progress.percent_bp, progress.bytes_transferred, progress.total_bytes, progress.speed_bps)
