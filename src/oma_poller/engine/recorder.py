"""The flight recorder: the last polls of each job, kept so that they can be looked at and run again."""

from asyncio import wrap_future
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from oma_poller.core.flight import record
from oma_poller.core.poll import Poll
from oma_poller.core.recording import ORDINARY_EVERY_S, Reel, Worth, worth
from oma_poller.engine.journal import Journal
from oma_poller.engine.ports import FlightLog
from oma_poller.engine.watch import Watch
from oma_poller.errors import DatabaseError, RivalError
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision
from oma_poller.model.flight import Recorded

P = ParamSpec("P")
T = TypeVar("T")

EVERY_S = 2.0
"""Pause between two writes."""
FLIGHTS_A_WRITE = 80
"""With the pause this bounds what is written: 40 flights a second, however many jobs there are."""
_SWEEP_EVERY = 30
"""One write in so many also takes out the flights of jobs that are gone: about once a minute."""
_WHAT = "flight recorder"
_ABSENT = "oma_poller_flights is not there; to add: oma-poller db upgrade"


class Recorder:
    """Looks at each poll when it is decided, and writes those that are worth it now and then.

    A diagnostic: whatever fails here is told once, and harms no poll and no write.
    """

    def __init__(self, log: FlightLog, thread: Executor, journal: Journal) -> None:
        self._log = log
        self._thread = thread
        self._journal = journal
        self._reel = Reel()
        self._is_on: bool | None = None
        """Whether there is a place for flights; None while that is not known."""
        self._failures = 0
        self._passes = 0
        self.written = 0
        """Flights that the database has taken."""

    def __len__(self) -> int:
        """Number of flights that wait to be written."""
        return len(self._reel)

    @property
    def dropped(self) -> int:
        """Flights that were worth keeping, and were not for want of room."""
        return self._reel.dropped

    def summary(self) -> dict[str, object]:
        """Return its counts as fields of one log line."""
        return {"polls_recorded": self.written, "polls_not_recorded": self.dropped}

    def wants(self, watch: Watch, now_s: float) -> bool:
        """Whether a poll of a job in which nothing happens would be kept now."""
        kept_at_s = watch.recorded_at_s
        is_due = kept_at_s is None or now_s - kept_at_s >= ORDINARY_EVERY_S
        return is_due and self._is_on is not False and self._reel.has_room_for_ordinary

    def see(
        self,
        watch: Watch,
        before: PollingContext,
        poll: Poll,
        decision: Decision,
        bodies: Sequence[bytes],
    ) -> None:
        """Look at a decided poll; *before* is the context it began with. Never raises."""
        value = worth(decision, watch.recorded_at_s, poll.now_s)
        if value is Worth.NOT or self._is_on is False:
            return
        is_eventful = value is Worth.EVENTFUL
        if not self._reel.has_room(watch.job.id, is_eventful=is_eventful):
            return
        try:
            flight = record(before, poll, decision, bodies)
        except Exception as error:  # noqa: BLE001 - a defect in recording must not stop the polling
            self._journal.defect(watch.job.id, error)
            return
        self._reel.put(Recorded(flight, is_eventful))
        watch.recorded_at_s = poll.now_s

    async def step(self) -> bool:
        """Write what waits, a bounded part of it; return whether there is more that can be written now.

        Never raises DatabaseError: what could not be written is tried again the next time. A defect ends the
        recording, and nothing else.
        """
        sweeps = self._passes % _SWEEP_EVERY == 0
        self._passes += 1
        flights = self._reel.take(FLIGHTS_A_WRITE)
        if self._is_on is False or not (flights or sweeps):
            return False
        try:
            written = await self._on_thread(self._write, flights)
        except DatabaseError as error:
            self._reel.give_back(flights)
            self._fell(error)
            return False
        except Exception as error:  # noqa: BLE001 - a defect of the recorder harms no poll
            self._is_on = False
            self._journal.warn(
                "no polls are recorded any more", detail=f"a defect of this program: {error!r}"
            )
            return False
        except BaseException:
            self._reel.give_back(flights)
            raise
        if self._is_on is None:
            self._is_on = written is not None
            if written is None:
                self._reel.take(len(self._reel))
                self._journal.warn("no polls are recorded", detail=_ABSENT)
                return False
        self.written += written or 0
        self._rose()
        if sweeps:
            with suppress(DatabaseError):  # what stays is swept the next time
                await self._on_thread(self._log.sweep)
        return len(self._reel) > 0

    async def _on_thread(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await wrap_future(self._thread.submit(call, *args, **kwargs))

    def _write(self, flights: Sequence[Recorded]) -> int | None:
        """Return how many flights the database has taken; None where there is no place for any."""
        if self._is_on is None and not self._log.open():
            return None
        return self._log.write(flights) if flights else 0

    def _fell(self, error: DatabaseError) -> None:
        """Say what keeps it, the second time in a row: that the database is away is told by others."""
        if isinstance(error, RivalError):
            return
        self._failures += 1
        if self._failures > 1:
            self._journal.fell(_WHAT, error)

    def _rose(self) -> None:
        self._failures = 0
        self._journal.rose(_WHAT)
