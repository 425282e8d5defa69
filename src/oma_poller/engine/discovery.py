"""Finds the active jobs: two queries a pass at most, whatever their number (D3)."""

from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar
from zlib import crc32

from oma_poller.clock import Clock
from oma_poller.engine.journal import Journal
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.engine.ports import JobSource
from oma_poller.errors import DatabaseError, DatabaseUnavailableError
from oma_poller.model.job import ActiveJob

T = TypeVar("T")

REREAD_S = 60.0
"""Every job's keys are read afresh within this time."""


class Discovery:
    """Reads the jobs on the database's thread and hands them to the poller."""

    def __init__(
        self, source: JobSource, poller: VMAProgressPoller, thread: Executor, clock: Clock, journal: Journal
    ) -> None:
        self._source = source
        self._poller = poller
        self._thread = thread
        self._clock = clock
        self._journal = journal
        self._pass = 0
        self.succeeded = False
        """Whether the jobs were read once."""

    async def step(self, interval_s: float) -> int | None:
        """Do one pass; return the number of active jobs, or None where the database is away (D7).

        Raises DatabaseError where it is not one this program can work with.
        """
        asked_at_s = self._clock.monotonic()
        try:
            active = await self._read(self._source.active)
            wanted = self._wanted(active, interval_s)
            details = await self._read(lambda: self._source.details(wanted)) if wanted else []
        except DatabaseUnavailableError as error:
            return self._is_away(error)
        except DatabaseError as error:
            if not self.succeeded:
                raise
            return self._is_away(error)
        self._journal.rose("database for reading")
        self._pass += 1
        self.succeeded = True
        self._poller.sync(active, details, asked_at_s)
        return len(active)

    def _is_away(self, error: DatabaseError) -> None:
        """Go on with the jobs that are known (D7)."""
        self._journal.fell("database for reading", str(error))

    def _wanted(self, active: list[ActiveJob], interval_s: float) -> list[str]:
        """Return the jobs to read in full: new ones, doubtful ones, and this pass's share of the rest."""
        passes = max(1, int(REREAD_S / interval_s))
        turn = self._pass % passes
        wanted = dict.fromkeys(self._poller.unknown_of(active))
        wanted.update(dict.fromkeys(self._poller.doubtful()))
        wanted.update(dict.fromkeys(job.id for job in active if crc32(job.id.encode()) % passes == turn))
        return list(wanted)

    async def _read(self, call: Callable[[], T]) -> T:
        return await get_running_loop().run_in_executor(self._thread, call)
