"""Keeps the history from growing without bound: a little of it goes once a minute, or again and again."""

from asyncio import get_running_loop
from concurrent.futures import Executor

from oma_poller.engine.ports import History
from oma_poller.errors import DatabaseError

EVERY_S = 60.0
"""Pause between two passes."""
BUSY_EVERY_S = 1.0
"""The same after a pass that had no time for all."""


class Upkeep:
    """Thins the history on the thread that writes, between two flushes."""

    def __init__(self, history: History, thread: Executor) -> None:
        self._history = history
        self._thread = thread

    async def step(self) -> float:
        """Do one pass; return the pause until the next. Never raises DatabaseError: the rest goes later."""
        try:
            thinned = await get_running_loop().run_in_executor(self._thread, self._history.thin)
        except DatabaseError:
            return EVERY_S  # that the database is away is told by who reads and writes jobs
        return BUSY_EVERY_S if thinned.has_more else EVERY_S
