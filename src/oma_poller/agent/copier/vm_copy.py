"""All disks of one run: announced first, measured next, then copied one by one or some at a time."""

import asyncio
from collections.abc import Iterator, Sequence

from oma_poller.agent.copier.copy_report import Status
from oma_poller.agent.copier.disk_copy import DiskCopy

_TICK_S = 0.25


class VmCopy:
    """Copies disks. After the first that fails none is begun any more; those under way end."""

    def __init__(self, copies: Sequence[DiskCopy], parallel: int) -> None:
        self._copies = copies
        self._parallel = parallel
        self._work: asyncio.Task[None] | None = None
        self._stop_reason: str | None = None

    async def run(self) -> None:
        """Copy them all. How each ended is for the copies to say."""
        async with asyncio.TaskGroup() as group:
            ticker = group.create_task(self._tick(), name="copy reports")
            self._work = group.create_task(self._copy_all(), name="copy")
            if self._stop_reason is not None:
                self._work.cancel()
            await asyncio.wait([self._work])
            ticker.cancel()

    def stop(self, reason: str) -> None:
        """End all that is not over, as failed for this reason."""
        self._stop_reason = reason
        if self._work is not None:
            self._work.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for copy in self._unfinished():
                copy.tick()

    async def _copy_all(self) -> None:
        try:
            for copy in self._copies:
                copy.tick()
            await self._prepare()
            if self._failed() is None:
                await self._transfer()
        finally:
            failed = self._failed()
            otherwise = f"not begun, because {failed.order.name} failed" if failed else "stopped"
            for copy in self._unfinished():
                copy.fail(self._stop_reason or otherwise)

    async def _prepare(self) -> None:
        for copy in self._copies:
            await copy.prepare()
            if copy.status is Status.FAILED:
                return

    async def _transfer(self) -> None:
        left = iter(self._copies)
        async with asyncio.TaskGroup() as group:
            for number in range(min(self._parallel, len(self._copies))):
                group.create_task(self._transfer_some(left), name=f"copy {number}")

    async def _transfer_some(self, left: Iterator[DiskCopy]) -> None:
        for copy in left:
            if self._failed() is not None:
                return
            await copy.transfer()

    def _failed(self) -> DiskCopy | None:
        return next((copy for copy in self._copies if copy.status is Status.FAILED), None)

    def _unfinished(self) -> list[DiskCopy]:
        return [copy for copy in self._copies if not copy.status.is_end]
