"""Tells the supervisor of the process how it is: ready, alive, ending."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from oma_poller.engine.beats import Beats
from oma_poller.sd_notify import Notices

_LOOK_S = 1.0
"""How soon the supervisor knows of a change."""


class Supervision:
    """Looks at the signs of life on the engine's own loop: where that hangs, nothing is told either."""

    def __init__(
        self,
        notices: Notices,
        beats: Beats,
        is_waiting: Callable[[], bool],
        is_served: Callable[[], bool],
    ) -> None:
        self._notices = notices
        self._beats = beats
        self._is_waiting = is_waiting
        self._is_served = is_served
        self._ready = False
        self._status = ""

    @property
    def pause_s(self) -> float:
        """Seconds between two steps."""
        watchdog_s = self._notices.watchdog_s
        return _LOOK_S if watchdog_s is None else min(_LOOK_S, watchdog_s / 2)

    def step(self) -> tuple[str, ...]:
        """Tell what is new, and that the loops go round where they do; return what was told."""
        stuck = self._beats.stuck()
        told: list[str] = []
        if not self._ready and self._beats.first_discovery_at is not None and self._is_served():
            self._ready = True
            told.append("READY=1")
        if self._notices.watchdog_s is not None and not stuck:
            told.append("WATCHDOG=1")
        status = self._words(stuck)
        if status != self._status:
            self._status = status
            told.append(f"STATUS={status}")
        self._notices.send(*told)
        return tuple(told)

    def ending(self) -> None:
        """Tell that the end has begun."""
        self._notices.send("STOPPING=1", "STATUS=ending: what is pending is written")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Step again and again until the block ends."""
        task = asyncio.create_task(self._run(), name="supervision")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            self.step()
            await asyncio.sleep(self.pause_s)

    def _words(self, stuck: list[str]) -> str:
        """Return one line for a person."""
        if stuck:
            return f"stands still: {', '.join(stuck)}"
        away = [
            f"{what} since {one.since:%H:%M:%SZ}" for what, one in sorted(self._beats.away.copy().items())
        ]
        if away:
            return f"away: {', '.join(away)}"
        if self._is_waiting():
            return "waiting: another poller holds the database"
        if self._beats.first_discovery_at is None:
            return "starting: the jobs are not read yet"
        return "polling" if self._is_served() else "polling; the API cannot listen yet"
