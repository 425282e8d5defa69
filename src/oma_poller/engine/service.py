"""The life of the program: three loops, started together, ended in order (P10)."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from oma_poller.clock import Clock
from oma_poller.core.mailbox import Mailbox
from oma_poller.core.timetable import TICK_S
from oma_poller.engine.discovery import Discovery
from oma_poller.engine.journal import Journal
from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.engine.ports import KeyAnswer, ProgressFetcher
from oma_poller.engine.tally import Tally
from oma_poller.engine.writer import ROWS_A_FLUSH, Writer
from oma_poller.errors import DatabaseError

FLUSH_S = 0.2
"""A result waits at most this long for its flush."""
LONGEST_RETRY_S = 5.0
"""Pause between two attempts to write while the database is away."""
DRAIN_S = 5.0
"""Polls in flight may take this long to end after the program was told to stop."""
LAST_FLUSH_S = 10.0
"""What waits to be written may take this long after that."""


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
    discovery_interval_s: float


class Service:
    """Runs the machinery until it is told to stop."""

    def __init__(self, machinery: Machinery) -> None:
        self._parts = machinery
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()

    def stop(self) -> None:
        """Ask the service to end: no new polls, what is pending is written."""
        self._stop.set()
        self._wake.set()

    async def run(self) -> None:
        """Run until `stop`. Raises DatabaseError where the first look shows one it cannot work with."""
        loop = asyncio.get_running_loop()

        def deliver(answers: Sequence[KeyAnswer]) -> None:
            loop.call_soon_threadsafe(self._receive, answers)

        self._parts.fetcher.start(deliver)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._discover(), name="discovery")
                tasks.create_task(self._poll(), name="polls")
                tasks.create_task(self._write(), name="writes")
        except* DatabaseError as group:
            raise _first(group) from None
        finally:
            self._parts.fetcher.close()
        await self._flush_rest()
        self._say_goodbye()

    def _receive(self, answers: Sequence[KeyAnswer]) -> None:
        self._parts.poller.receive(answers)
        self._wake.set()

    async def _discover(self) -> None:
        interval_s = self._parts.discovery_interval_s
        while not self._stop.is_set():
            began_s = self._parts.clock.monotonic()
            await self._parts.discovery.step(interval_s)
            self._wake.set()
            await self._pause(interval_s - (self._parts.clock.monotonic() - began_s))

    async def _poll(self) -> None:
        """Begin what is due, in ticks; after the stop wait for what is in flight."""
        poller, clock = self._parts.poller, self._parts.clock
        while not self._stop.is_set():
            self._wake.clear()
            poller.tick()
            due_s = poller.next_due_s()
            wait_s = None if due_s is None else max(due_s - clock.monotonic(), 0.0)
            await _wait(self._wake, wait_s)
        deadline_s = clock.monotonic() + DRAIN_S
        while poller.in_flight and clock.monotonic() < deadline_s:
            self._wake.clear()
            await _wait(self._wake, TICK_S)
        cut = poller.abandon()
        if cut:
            self._parts.journal.note("polls cut", polls=cut)

    async def _write(self) -> None:
        retry_s = FLUSH_S
        while not self._stop.is_set():
            taken = await self._parts.writer.step(self._parts.journal, self._parts.tally)
            retry_s = FLUSH_S if taken else min(retry_s * 2, LONGEST_RETRY_S)
            if not taken or len(self._parts.mailbox) < ROWS_A_FLUSH:
                await self._pause(retry_s)

    async def _flush_rest(self) -> None:
        """Write everything that waits; the last write has its own deadline."""
        deadline_s = self._parts.clock.monotonic() + LAST_FLUSH_S
        while len(self._parts.mailbox):
            taken = await self._parts.writer.step(self._parts.journal, self._parts.tally)
            left_s = deadline_s - self._parts.clock.monotonic()
            if not taken and left_s <= 0:
                self._parts.journal.note("stopped with unwritten rows", rows=len(self._parts.mailbox))
                return
            if not taken:
                await asyncio.sleep(min(FLUSH_S, left_s))

    def _say_goodbye(self) -> None:
        tally = self._parts.tally
        self._parts.journal.note(
            "stopped",
            polls=tally.polls.total(),
            polls_ok=tally.polls["ok"],
            rows_written=tally.rows_written,
            flushes=tally.flushes,
            most_late_s=round(tally.most_late_s, 3),
        )

    async def _pause(self, seconds: float) -> None:
        await _wait(self._stop, max(seconds, 0.0))


def _first(group: BaseExceptionGroup[DatabaseError]) -> BaseException:
    """Return the first plain error of *group*."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for *event*, at most *seconds*; None waits for ever."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
