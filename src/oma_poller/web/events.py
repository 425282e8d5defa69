"""`/api/v1/events`: what changes, told as it changes, to any number of readers."""

import asyncio
from collections.abc import AsyncIterator, Collection

import msgspec
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from oma_poller import __version__
from oma_poller.web.event_text import Chunk, chunk_of, message
from oma_poller.web.fleet import Fleet
from oma_poller.web.news import News
from oma_poller.web.parts import ApiParts
from oma_poller.web.problem import problem

MOST_READERS = 500
HEARTBEAT_S = 15.0
SLOWEST_READER_S = 60.0
"""A reader that takes nothing for so long is let go."""
TICK_S = 0.05
"""How often it is looked whether anything changed, while there are readers."""
MOST_JOB_IDS = 100


def routes(parts: ApiParts, heartbeat_s: float = HEARTBEAT_S) -> list[BaseRoute]:
    """Return the route of the event stream."""
    hub = Hub(parts.fleet, News(parts), parts.poller.interval_s)

    async def events(request: Request) -> Response:
        if hub.readers >= MOST_READERS:
            return problem(503, f"{MOST_READERS} readers are served already", {"Retry-After": "5"})
        job_ids = request.query_params.getlist("job_id")
        unknown = sorted(set(request.query_params) - {"job_id"})
        if unknown:
            return problem(400, f"unknown parameter {unknown[0]!r}; allowed is job_id, also several times")
        if len(job_ids) > MOST_JOB_IDS:
            return problem(400, f"job_id is given {len(job_ids)} times; allowed are {MOST_JOB_IDS}")
        stream = hub.stream(request.headers.get("last-event-id"), frozenset(job_ids))
        return EventSourceResponse(
            stream,
            sep="\n",
            ping=heartbeat_s,
            send_timeout=SLOWEST_READER_S,
            headers={"Cache-Control": "no-store"},
        )

    return [Route("/api/v1/events", events, methods=["GET"])]


class Hub:
    """Brings all readers to the newest version, each from its own.

    A reader holds a version and at most one chunk. While it is slow to take that, what changes in the
    meantime is not kept for it: its next chunk begins where the last one ended, each job once. The chunk of
    those who are up to date is made once for all of them.
    """

    def __init__(self, fleet: Fleet, news: News, interval_s: float) -> None:
        self.readers = 0
        self._fleet = fleet
        self._news = news
        self._interval_s = interval_s
        self._changed = asyncio.Event()
        self._ticker: asyncio.Task[None] | None = None
        self._newest: tuple[int, Chunk] | None = None
        """The chunk from a version to the newest."""

    async def stream(self, last_event_id: str | None, job_ids: Collection[str]) -> AsyncIterator[bytes]:
        """Yield chunks of whole messages, for as long as the reader takes them."""
        self.readers += 1
        self._tick_on()
        try:
            self._fleet.refresh()
            self._news.refresh()
            version, told = self._fleet.version, 0
            yield self._hello(is_new=last_event_id is None)
            if last_event_id is not None:
                version = self._version_of(last_event_id)
            while True:
                changed = self._changed
                chunk = self._chunk(version, job_ids)
                news = self._news.since(told)
                version, told = chunk.version, self._news.version
                if chunk.body or news:
                    yield news + chunk.body
                else:
                    await changed.wait()
        finally:
            self.readers -= 1

    def _hello(self, *, is_new: bool) -> bytes:
        """Return the first message. A reader that comes back keeps its own id until it has what it missed."""
        fields = {"epoch": self._fleet.epoch, "interval_seconds": self._interval_s, "version": __version__}
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
        if (
            self._newest is None
            or self._newest[0] != version
            or self._newest[1].version != self._fleet.version
        ):
            self._newest = (version, chunk_of(self._fleet, version))
        return self._newest[1]

    def _tick_on(self) -> None:
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.get_running_loop().create_task(self._tick(), name="events")

    async def _tick(self) -> None:
        """Look for changes while there are readers."""
        while self.readers:
            if self._fleet.refresh() | self._news.refresh():
                self._changed.set()
                self._changed = asyncio.Event()
            await asyncio.sleep(TICK_S)
