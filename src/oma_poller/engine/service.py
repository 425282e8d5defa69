"""The life of the program: three loops, started together, ended in order (P10)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress

from msgspec import Struct

from oma_poller.clock import Clock
from oma_poller.core.mailbox import Mailbox
from oma_poller.engine.beats import Beats
from oma_poller.engine.controls import Controls
from oma_poller.engine.discovery import Discovery
from oma_poller.engine.journal import Journal
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.engine.ports import Answer, Deliver, ProgressFetcher
from oma_poller.engine.recorder import EVERY_S as RECORD_EVERY_S
from oma_poller.engine.recorder import Recorder
from oma_poller.engine.tally import Tally
from oma_poller.engine.upkeep import EVERY_S, Upkeep
from oma_poller.engine.writer import Writer
from oma_poller.errors import DefectError, OmaPollerError

_SHORTEST_FLUSH_S, _LONGEST_FLUSH_S = 0.05, 0.18
LONGEST_RETRY_S = 5.0
"""Pause between two attempts to write while the database is away."""
IDLE_S = 1.0
"""With no row to write the writes' loop looks this often all the same, for what is tried again."""
DRAIN_S = 5.0
"""Polls in flight may take this long to end after the program was told to stop."""
LAST_FLUSH_S = 10.0
"""What waits to be written may take this long after that."""
LAST_RETRY_S = 0.5
"""Pause between two attempts to write after the program was told to stop."""
LAST_RECORD_S = 2.0
"""What the flight recorder still holds may take this long after everything else is written."""
BEAT_S = 10.0
"""With nothing to do the polls' loop goes round so often all the same, so that it is seen to live."""
LONGEST_WAIT_S = 0.5
"""Pause between two looks whether another poller on the database is still at work."""


def flush_pace_s(interval_s: float) -> float:
    """Return how long a result waits at most for its flush; the results that come in it share one.

    A tenth of the poll interval, so that a row is never much older than its poll, within 50 to 180 ms.
    """
    return min(max(interval_s / 10, _SHORTEST_FLUSH_S), _LONGEST_FLUSH_S)


class Machinery(Struct, eq=False):
    """The built parts of the service."""

    poller: VMAProgressPoller
    discovery: Discovery
    writer: Writer
    fetcher: ProgressFetcher
    mailbox: Mailbox
    clock: Clock
    journal: Journal
    tally: Tally
    beats: Beats
    discovery_interval_s: float
    upkeep: Upkeep | None = None
    """What thins the history; None where there is none."""
    controls: Controls | None = None
    """What another thread may want done; None where there is none."""
    recorder: Recorder | None = None
    """What keeps the last polls of each job; None where nothing does."""


class Service:
    """Runs the machinery until it is told to stop."""

    def __init__(self, machinery: Machinery) -> None:
        self._parts = machinery
        self._flush_s = flush_pace_s(machinery.poller.interval_s)
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._look = asyncio.Event()
        """Set when a discovery pass is to begin now."""
        self._rows = asyncio.Event()
        """Set when there may be rows to write."""
        self._drained = asyncio.Event()
        """Set when no answer will come any more."""
        self._takes = True
        """Whether the database took what was written last."""
        self._answers: deque[Sequence[Answer]] = deque()

    def stop(self) -> None:
        """Ask the service to end: no new polls, what is pending is written."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Run until `stop`, and a bounded time longer, also where the database hangs.

        Raises DatabaseError where the first look shows one it cannot work with, and DefectError where a
        loop broke: then nothing of it goes on.
        """
        loop = asyncio.get_running_loop()
        self._parts.fetcher.start(self._deliver_to(loop))
        if self._parts.controls is not None:
            self._parts.controls.attach(loop, self._wake.set, self._look.set)
        broken: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                discovery = tasks.create_task(_told("discovery", self._discover), name="discovery")
                polls = tasks.create_task(_told("polling", self._poll), name="polls")
                writes = tasks.create_task(_told("writing", self._write), name="writes")
                upkeep = tasks.create_task(_told("upkeep", self._keep_up), name="upkeep")
                records = tasks.create_task(_told("recording", self._record), name="records")
                await self._stop.wait()
                upkeep.cancel()
                discovery.cancel()  # it only reads: what it waits for may hang, and is left behind
                await polls
                self._parts.fetcher.close()
                self._drained.set()
                self._rows.set()
                await self._in_time(writes)
                await self._record_rest(records)
        except* OmaPollerError as group:
            self._parts.fetcher.close()
            with suppress(Exception):  # what is told is why it ended, not what followed from that
                await self._in_time(self._flush_rest())
                await self._record_rest()
            broken = _first(group)
        finally:
            self._parts.fetcher.close()
        if broken is not None:  # raised above, Debian's Python 3.11.2 would put it into a group
            raise broken from None
        recorded = self._parts.recorder.summary() if self._parts.recorder is not None else {}
        self._parts.journal.note("stopped", **self._parts.tally.summary(), **recorded)

    def _deliver_to(self, loop: asyncio.AbstractEventLoop) -> Deliver:
        """Return what takes answers on the fetcher's thread. It never raises, however late they come."""

        def deliver(answers: Sequence[Answer]) -> None:
            self._answers.append(answers)
            with suppress(RuntimeError):  # the loop is closed: nobody waits for answers any more
                loop.call_soon_threadsafe(self._wake.set)

        return deliver

    async def _discover(self) -> None:
        """Look for jobs once an interval; a pass that takes longer skips the next ones."""
        interval_s, clock = self._parts.discovery_interval_s, self._parts.clock
        while True:
            began_s = clock.monotonic()
            self._parts.beats.asks("discovery")
            await self._parts.discovery.step(interval_s)
            self._wake.set()
            pause_s = interval_s - (clock.monotonic() - began_s) % interval_s
            waits = self._parts.discovery.is_waiting
            self._parts.beats.beat("discovery", pause_s)
            if not self._parts.discovery.has_more:
                await _wait(self._look, min(pause_s, LONGEST_WAIT_S) if waits else pause_s)
            self._look.clear()

    async def _keep_up(self) -> None:
        """Thin the history now and then, unless another poller does."""
        upkeep, pause_s = self._parts.upkeep, EVERY_S
        while upkeep is not None:
            await asyncio.sleep(pause_s)
            pause_s = EVERY_S if self._parts.discovery.is_waiting else await upkeep.step()

    async def _record(self) -> None:
        """Write what the flight recorder holds, a little now and then.

        While the database does not take the jobs' rows it is not troubled with these.
        """
        recorder = self._parts.recorder
        while recorder is not None and not self._drained.is_set():
            if self._takes:
                await recorder.step()
            await _wait(self._drained, RECORD_EVERY_S)

    async def _record_rest(self, records: asyncio.Task[None] | None = None) -> None:
        """Write the last of it, for a little time: it is no reason to end late."""
        recorder = self._parts.recorder
        if len(self._parts.mailbox):  # the database does not take even the jobs' rows
            if records is not None:
                records.cancel()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_RECORD_S):
                if records is not None:
                    await records
                while recorder is not None and self._takes and await recorder.step():
                    pass

    async def _poll(self) -> None:
        """Take what came, begin what is due; after the stop wait for what is in flight."""
        poller, clock = self._parts.poller, self._parts.clock
        while not self._stop.is_set():
            self._wake.clear()
            self._parts.beats.beat("polling", BEAT_S)
            if self._parts.fetcher.defect is not None:
                raise DefectError("fetching from VMAs", self._parts.fetcher.defect)
            self._take_answers()
            poller.tick()
            if len(self._parts.mailbox):
                self._rows.set()
            due_s = poller.next_due_s()
            pause_s = BEAT_S if due_s is None else min(due_s - clock.monotonic(), BEAT_S)
            await _wait(self._wake, pause_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while poller.in_flight:
                    await self._wake.wait()
                    self._wake.clear()
                    self._take_answers()
        cut = poller.abandon()
        if cut:
            self._parts.journal.warn("polls cut", polls=cut)

    def _take_answers(self) -> None:
        while self._answers:
            self._parts.poller.receive(self._answers.popleft())

    async def _write(self) -> None:
        """Write what waits, at a pace; once no more can come, write the rest."""
        retry_s = self._flush_s
        while not self._drained.is_set():
            await self._wait_for_rows()
            self._parts.beats.asks("writing")
            taken = await self._flush()
            self._parts.beats.beat("writing", LONGEST_RETRY_S)
            retry_s = self._flush_s if taken else min(retry_s * 2, LONGEST_RETRY_S)
            if not taken or len(self._parts.mailbox) < self._parts.writer.rows_a_flush:
                await _wait(self._drained, retry_s)
        await self._flush_rest()

    async def _wait_for_rows(self) -> None:
        """Sleep while there is nothing to write: who looks in vain five times a second is not idle."""
        mailbox = self._parts.mailbox
        if not (len(mailbox) or mailbox.has_held):
            self._rows.clear()
            self._parts.beats.beat("writing", IDLE_S)
            await _wait(self._rows, IDLE_S)

    async def _flush(self) -> bool:
        self._takes = await self._parts.writer.step(self._parts.journal, self._parts.tally)
        return self._takes

    async def _flush_rest(self) -> None:
        """Write all that waits, also what another program holds locked."""
        mailbox = self._parts.mailbox
        while len(mailbox) or mailbox.has_held:
            rows = len(mailbox)
            taken = await self._flush()
            await asyncio.sleep(0.0 if taken and rows else LAST_RETRY_S)

    async def _in_time(self, writes: Awaitable[None]) -> None:
        """Wait for the last writes, which have a deadline of their own; say how much was not written."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_FLUSH_S):
                await writes
        left = self._parts.mailbox.unwritten
        if left.rows:
            self._parts.journal.warn("stopped with unwritten rows", rows=left.rows, ends=left.ends)


async def _told(name: str, loop: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run a loop; an error that this program did not raise on purpose becomes one line with its place."""
    try:
        await loop()
    except OmaPollerError:
        raise
    except Exception as error:
        raise DefectError(name, error) from error


def _first(group: BaseExceptionGroup[OmaPollerError]) -> BaseException:
    """Return the first plain error of *group*."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for *event*, at most *seconds*; None waits for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if seconds is None else max(seconds, 0.0)):
            await event.wait()
