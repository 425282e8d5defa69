"""Keeps the history from growing without bound: a little of it goes once a minute."""

from asyncio import get_running_loop
from concurrent.futures import Executor

from oma_poller.engine.ports import History
from oma_poller.errors import DatabaseError

EVERY_S = 60.0
"""Pause between two passes."""


class Upkeep:
    """Thins the history on the thread that writes, between two flushes."""

    def __init__(self, history: History, thread: Executor) -> None:
        self._history = history
        self._thread = thread

    async def step(self) -> int:
        """Do one pass; return how many samples went. Never raises DatabaseError: the rest goes later."""
        try:
            return await get_running_loop().run_in_executor(self._thread, self._history.thin)
        except DatabaseError:
            return 0  # that the database is away is told by who reads and writes jobs
