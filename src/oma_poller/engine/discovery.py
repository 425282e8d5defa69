"""Finds the active jobs: two calls a pass at most, whatever their number (D3)."""

from asyncio import get_running_loop, sleep
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import TypeVar

from oma_poller.core.timetable import TICK_S
from oma_poller.engine.beats import Beats
from oma_poller.engine.journal import Journal
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.engine.ports import JobSource
from oma_poller.errors import DatabaseError, DatabaseUnavailableError, RivalError
from oma_poller.model.job import Job

T = TypeVar("T")

REREAD_S = 60.0
"""Every job's row is read afresh within this time."""
FEW_NEWCOMERS = 100
"""So many new jobs at once are polled right away; more of them are spread over an interval."""
MANY_NEWCOMERS = 10_000
"""Of more new jobs than this the newest are read and polled first, the others in the passes that follow."""
MOST_NEWCOMERS = 20_000
"""So many new jobs are read in one pass at most: all their ids are one parameter of the query."""
NEWEST = 1_000
"""So many are read ahead of the others then."""
SLICE = 250
"""So many jobs are taken in before the loop may do something else."""
_WHAT = "database for reading"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_APART_S = 1e-7
"""What is due at the same moment is begun in the order of such small differences."""


class Discovery:
    """Reads the jobs on the database's thread and hands them to the poller."""

    def __init__(
        self, source: JobSource, poller: VMAProgressPoller, thread: Executor, journal: Journal, beats: Beats
    ) -> None:
        self._source = source
        self._poller = poller
        self._thread = thread
        self._journal = journal
        self._beats = beats
        self._clock = beats.clock
        self._succeeded = False
        self.is_waiting = False
        """Whether another poller is at work on the database, so that this one does nothing."""
        self.has_more = False
        """Whether new jobs are left to be read, so that the next pass is to begin at once."""
        self._newest: frozenset[str] | None = None
        """The jobs to read before all others; None where that was not asked."""

    async def step(self, interval_s: float) -> int | None:
        """Do one pass; return the number of active jobs, or None where the database is away (D7).

        Where another poller is at work on the database every job is dropped, and None is returned, too.
        Raises DatabaseError where the first look shows one that this program cannot work with.
        """
        asked_at_s = self._clock.monotonic()
        self.has_more = False
        try:
            active_ids = await self._read(self._source.active)
            details = await self._details(active_ids, interval_s)
        except RivalError as error:
            self._beats.answered()
            self._wait(error)
            return None
        except DatabaseError as error:
            if not self._succeeded and not isinstance(error, DatabaseUnavailableError):
                raise
            self._journal.fell(_WHAT, error)  # and go on with the jobs that are known
            self._beats.fell(_WHAT, error)
            return None
        self._journal.rose(_WHAT)
        self._beats.rose(_WHAT)
        self._succeeded = True
        self._go_on()
        self._journal.left(self._poller.drop_all_but(active_ids))
        newcomers = await self._refresh([job for job in details if job.id in active_ids], asked_at_s)
        await self._take_up(newcomers, min(interval_s, self._poller.interval_s))
        self._beats.discovered()
        return len(active_ids)

    def _wait(self, error: RivalError) -> None:
        """Poll nothing and write nothing; say so once."""
        self._journal.left(self._poller.drop_all_but(frozenset()))
        if not self.is_waiting:
            self._journal.warn("waiting, nothing is polled or written", detail=str(error))
        self.is_waiting = True

    def _go_on(self) -> None:
        if self.is_waiting:
            self._journal.note("taking over")
        self.is_waiting = False

    async def _details(self, active_ids: frozenset[str], interval_s: float) -> Sequence[Job]:
        """Make the second query of a pass, where there is anything to ask; return the jobs that were read.

        Of very many new jobs it asks in one pass which are the newest, and reads these alone in the next: so
        they are polled while the others are read (P1).
        """
        new_ids = self._poller.unknown_of(active_ids)
        if len(new_ids) <= MANY_NEWCOMERS:
            self._newest = None
        elif self._newest is None:
            self._newest = frozenset(await self._read(lambda: self._source.newest(NEWEST)))
            self.has_more = True
            return []
        elif self._newest:
            newest, self._newest = self._newest, frozenset()
            new_ids = [job_id for job_id in new_ids if job_id in newest]
            self.has_more = True
        if len(new_ids) > MOST_NEWCOMERS:
            new_ids = new_ids[:MOST_NEWCOMERS]
            self.has_more = True
        wanted = [*new_ids, *self._known(active_ids, interval_s)]
        return await self._read(lambda: self._source.details(wanted, new_ids)) if wanted else []

    def _known(self, active_ids: frozenset[str], interval_s: float) -> list[str]:
        """Return the watched jobs to read again: the doubtful ones, and this pass's share of the rest."""
        again = self._poller.rereads.turn(max(1, int(REREAD_S / interval_s)))
        return [job_id for job_id in again if job_id in active_ids]

    async def _refresh(self, jobs: Sequence[Job], asked_at_s: float) -> list[Job]:
        """Give known jobs their newest row; return those that are to be taken up."""
        newcomers: list[Job] = []
        for some in _slices(jobs):
            newcomers += self._poller.refresh(some, asked_at_s)
            await sleep(0)
        return newcomers

    async def _take_up(self, newcomers: Sequence[Job], spread_s: float) -> None:
        """Watch new jobs, the newest polled first (P1)."""
        newest_first = sorted(newcomers, key=lambda job: job.created_at or _LONG_AGO, reverse=True)
        dues_s = first_dues_s(len(newest_first), self._clock.monotonic(), spread_s)
        watches = []
        for some in _slices(list(zip(newest_first, dues_s, strict=True))):
            watches += self._poller.take_up(some)
            await sleep(0)
        self._journal.taken_up(watches)

    async def _read(self, call: Callable[[], T]) -> T:
        return await get_running_loop().run_in_executor(self._thread, call)


def first_dues_s(newcomers: int, now_s: float, spread_s: float) -> list[float]:
    """Return when each of so many newcomers is due first: few of them now, many spread over *spread_s*.

    A later one is never due before an earlier one. Many go out in groups, a tick apart.
    """
    ticks = 1 if newcomers <= FEW_NEWCOMERS else max(1, int(spread_s / TICK_S))
    return [
        now_s + number * ticks // newcomers * TICK_S - (newcomers - number) * _APART_S
        for number in range(newcomers)
    ]


def _slices(jobs: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(jobs), SLICE):
        yield jobs[start : start + SLICE]
