"""One disk's way from order to end, told step by step."""

from collections.abc import Callable
from typing import Protocol

from oma_poller.agent.copier.copy_order import CopyMethod, CopyOrder, ToolName
from oma_poller.agent.copier.copy_progress import CopyProgress, ReportPace
from oma_poller.agent.copier.copy_report import CopyReport, Stage, Status
from oma_poller.agent.copier.copy_tool import ToolCall, able_tools, call_tool, choose_tool
from oma_poller.agent.copier.disk_probe import check_target, read_extents
from oma_poller.agent.copier.tied_process import run_tool
from oma_poller.clock import Clock
from oma_poller.errors import CopyError, OmaPollerError


class CopyWatcher(Protocol):
    """Is told of everything that happens to a disk."""

    def prepared(self, order: CopyOrder, tool: ToolName, size_bytes: int, total_bytes: int) -> None:
        """A disk is about to be copied: its size as its machine sees it, and the bytes of data to move."""
        ...

    def reported(self, order: CopyOrder, report: CopyReport) -> None:
        """A report is due."""
        ...


class DiskCopy:
    """Copies one disk. Whatever fails becomes its state; nothing but cancellation is raised."""

    def __init__(
        self,
        order: CopyOrder,
        method: CopyMethod,
        progress: CopyProgress,
        watchers: list[CopyWatcher],
        clock: Clock,
    ) -> None:
        self.order = order
        self._method = method
        self._progress = progress
        self._watchers = watchers
        self._clock = clock
        self._pace = ReportPace(method.lease_s)
        self._call: ToolCall | None = None

    @property
    def status(self) -> Status:
        """How it stands."""
        return self._progress.status

    @property
    def error(self) -> str:
        """Why it failed; empty if it has not."""
        return self._progress.error or ""

    def tick(self) -> None:
        """Tell the watchers how far it is, if that is due."""
        now_s = self._clock.monotonic()
        report = self._progress.report(now_s)
        if self._pace.due(report, now_s):
            for watcher in self._watchers:
                watcher.reported(self.order, report)

    def fail(self, reason: str) -> None:
        """End it, and tell why."""
        self._progress.fail(reason)
        self.tick()

    async def prepare(self) -> None:
        """Measure the source, look at the target, choose the tool. Nothing is written yet."""
        try:
            self._enter(Stage.DISCOVER, Status.PREPARING)
            able = able_tools(self.order, self._method)
            extents = await read_extents(self.order)
            self._progress.total_bytes = extents.data_bytes
            self._enter(Stage.PREPARE, Status.PREPARING)
            await check_target(self.order.target, extents.size_bytes)
            tool = choose_tool(able, extents)
            self._call = call_tool(tool, self.order, self._method, extents)
        except (OmaPollerError, OSError) as error:
            self.fail(str(error))
            return
        self._enter(Stage.PREPARE, Status.QUEUED)
        for watcher in self._watchers:
            watcher.prepared(self.order, tool, extents.size_bytes, extents.data_bytes)

    async def transfer(self) -> None:
        """Copy what was prepared."""
        call = self._call
        if call is None:
            raise RuntimeError(f"{self.order.name} is copied before it was prepared")
        self._enter(Stage.TRANSFER, Status.IN_PROGRESS)
        try:
            end = await run_tool(call.name, call.arguments, self._taking(call))
        except (CopyError, OSError) as error:
            self.fail(f"{call.name} cannot be run: {error}")
            return
        if end.status != 0:
            self.fail(end.reason)
            return
        self._progress.complete()
        self.tick()

    def _enter(self, stage: Stage, status: Status) -> None:
        self._progress.enter(stage, status, self._clock.monotonic())
        self.tick()

    def _taking(self, call: ToolCall) -> Callable[[bytes], None]:
        def take(chunk: bytes) -> None:
            done_bytes = call.meter.read(chunk)
            if done_bytes is not None:
                self._progress.advance(done_bytes, self._clock.monotonic())
                self.tick()

        return take
