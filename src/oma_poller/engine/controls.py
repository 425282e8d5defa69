"""The way of another thread to the engine: what a person wants done, done on the engine's own thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from oma_poller.engine.poller import VMAProgressPoller
from oma_poller.errors import StoppingError


class Controls:
    """Starts and stops the polling of jobs. The methods are called on another thread than the engine's."""

    def __init__(self, poller: VMAProgressPoller) -> None:
        self._poller = poller
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: Callable[[], None] = _nothing
        self._look: Callable[[], None] = _nothing

    def attach(
        self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None], look: Callable[[], None]
    ) -> None:
        """Take the engine's loop, what wakes its polls, and what begins a discovery pass."""
        self._loop, self._wake, self._look = loop, wake, look

    async def start(self, job_id: str) -> bool:
        """Have a job polled at once, also one that is parked or stopped; return whether it is watched.

        Raises StoppingError while the engine does not run.
        """
        return await self._ask(lambda: self._poller.start(job_id))

    async def stop(self, job_id: str) -> bool:
        """Have a job polled no more until it is started; return whether it is watched. Raises as `start`."""
        return await self._ask(lambda: self._poller.stop(job_id))

    def look_now(self) -> None:
        """Have a discovery pass begin now. Raises StoppingError while the engine does not run."""
        self._call(self._look)

    async def _ask(self, wish: Callable[[], bool]) -> bool:
        answer: Future[bool] = Future()

        def carry_out() -> None:
            if not answer.set_running_or_notify_cancel():
                return  # whoever asked has gone
            try:
                answer.set_result(wish())
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
                answer.set_exception(error)
            self._wake()

        self._call(carry_out)
        return await asyncio.wrap_future(answer)

    def _call(self, what: Callable[[], None]) -> None:
        if self._loop is None:
            raise StoppingError
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:  # the loop is closed
            raise StoppingError from None


def _nothing() -> None:
    """Do nothing, before there is an engine."""
