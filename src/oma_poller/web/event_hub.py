"""Brings all readers of the events to the newest version, each from its own."""

import asyncio
from collections.abc import AsyncGenerator, Collection

import msgspec
from msgspec import Struct

from oma_poller import __version__
from oma_poller.web.event_text import Chunk, chunk_of, message
from oma_poller.web.news import News
from oma_poller.web.parts import ApiParts

_MOST_CHUNKS = 16
HEARTBEAT = b": still here\n\n"


class Pace(Struct, frozen=True):
    """How often something is done for the readers, in seconds."""

    tick_s: float = 0.1
    """Between two looks for changes, at least."""
    tick_a_reader_s: float = 0.0015
    """So much longer for each reader: with hundreds of them, what they cost would else grow without end."""
    heartbeat_s: float = 15.0
    """A reader hears something at least this often."""
    slowest_reader_s: float = 60.0
    """A reader that takes nothing for so long is let go."""
    end_s: float = 0.5
    """Readers have so long to take what they were given last, when the program ends."""

    def until_next_look_s(self, readers: int) -> float:
        """Return the pause between two looks."""
        return max(self.tick_s, self.tick_a_reader_s * readers)


class Hub:
    """What readers wait for, and what they are given.

    A reader holds a version and at most one chunk. While it is slow to take that, what changes in the
    meantime is not kept for it: its next chunk begins where the last one ended, each job once. The chunk of
    those who are up to date is made once for all of them.
    """

    def __init__(self, parts: ApiParts, news: News, pace: Pace) -> None:
        self.readers = 0
        self.sending: set[asyncio.Future[None]] = set()
        """What sends to the readers."""
        self.pace = pace
        self._parts = parts
        self._fleet = parts.fleet
        self._news = news
        self._woken = asyncio.Event()
        self._ticker: asyncio.Task[None] | None = None
        self._newest: dict[tuple[int, int], Chunk] = {}
        """The chunks made last, by the version they begin at and the newest one then."""

    async def chunks(self, last_event_id: str | None, job_ids: Collection[str]) -> AsyncGenerator[bytes]:
        """Yield chunks of whole messages, and heartbeats, until the program ends."""
        self.readers += 1
        self._tick_on()
        try:
            self._fleet.refresh()
            self._news.refresh()
            version, told = self._fleet.version, 0
            yield self._hello(is_new=last_event_id is None)
            if last_event_id is not None:
                version = self._version_of(last_event_id)
            heard_s = self._now_s()
            while not self._parts.ending.is_set():
                woken = self._woken
                chunk = self._chunk(version, job_ids)
                news = self._news.since(told)
                version, told = chunk.version, self._news.version
                is_behind = version < self._fleet.version
                body = news + chunk.body if news else chunk.body
                if not body and self._now_s() - heard_s >= self.pace.heartbeat_s / 2:
                    body = HEARTBEAT
                if body:
                    yield body
                    heard_s = self._now_s()
                elif is_behind:
                    await asyncio.sleep(0)  # others are served between two parts
                else:
                    await woken.wait()
        finally:
            self.readers -= 1

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _hello(self, *, is_new: bool) -> bytes:
        """Return the first message. A reader that comes back keeps its own id until it has what it missed."""
        interval_s = self._parts.poller.interval_s
        fields = {"epoch": self._fleet.epoch, "interval_seconds": interval_s, "version": __version__}
        event_id = f"{self._fleet.epoch}-{self._fleet.version}" if is_new else ""
        return message("hello", msgspec.json.encode(fields), event_id)

    def _version_of(self, last_event_id: str) -> int:
        """Return the version that a reader has seen; -1, which no version is, for one of another start."""
        epoch, _, number = last_event_id.rpartition("-")
        known = epoch == self._fleet.epoch and number.isascii() and number.isdecimal() and len(number) < 16  # noqa: PLR2004 - more digits than any version has
        return int(number) if known else -1

    def _chunk(self, version: int, job_ids: Collection[str]) -> Chunk:
        if job_ids:
            return chunk_of(self._fleet, version, job_ids)
        key = (version, self._fleet.version)
        chunk = self._newest.get(key)
        if chunk is None:
            chunk = self._newest[key] = chunk_of(self._fleet, version)
            if len(self._newest) > _MOST_CHUNKS:
                del self._newest[next(iter(self._newest))]
        return chunk

    def _tick_on(self) -> None:
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.get_running_loop().create_task(self._tick(), name="events")

    async def _tick(self) -> None:
        """Wake the readers when something changed, and for their heartbeat, as long as there are any.

        Lists that are asked for bring the fleet up to date too, so versions are compared.
        """
        seen, woken_s = (-1, -1), self._now_s()
        while self.readers:
            self._fleet.refresh()
            self._news.refresh()
            now, now_s = (self._fleet.version, self._news.version), self._now_s()
            if now != seen or now_s - woken_s >= self.pace.heartbeat_s / 2:
                seen, woken_s = now, now_s
                self._wake()
            if self._parts.ending.is_set():
                await self._end()
                return
            await asyncio.sleep(self.pace.until_next_look_s(self.readers))

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()

    async def _end(self) -> None:
        """End all replies; those whose reader takes nothing are cut off."""
        self._wake()
        if self.sending:
            await asyncio.wait(self.sending, timeout=self.pace.end_s)
        for stuck in self.sending:
            stuck.cancel()
