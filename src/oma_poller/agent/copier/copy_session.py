"""One run of the copier, from orders to an answer: the disks, the reports, the signals."""

import asyncio
import signal
from collections.abc import Sequence
from uuid import uuid4

from msgspec import Struct

from oma_poller.agent.copier.copy_order import CopyMethod, CopyOrder, ToolName
from oma_poller.agent.copier.copy_progress import CopyProgress
from oma_poller.agent.copier.copy_report import CopyReport, Status
from oma_poller.agent.copier.disk_copy import CopyWatcher, DiskCopy
from oma_poller.agent.copier.report_sender import OnContact, ReportSender
from oma_poller.agent.copier.vm_copy import VmCopy
from oma_poller.agent.copier.vma_post import VmaAddress, VmaPost
from oma_poller.clock import SystemClock

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_AFTER_SIGNAL_S = 10.0
"""How long the end is reported after a signal: who stops a program does not want to wait."""


class CopyResult(Struct, frozen=True):
    """How a run ended."""

    failures: dict[str, str]
    """Why, by the name of each disk that failed; empty if all are copied."""
    undelivered: str | None
    """Why the VMA does not know the end of some copies; None if it does."""


class _Reported:
    """Hands reports to the sender."""

    def __init__(self, sender: ReportSender) -> None:
        self._sender = sender

    def prepared(self, order: CopyOrder, tool: ToolName, size_bytes: int, total_bytes: int) -> None:
        """The report that follows says what the VMA must know."""

    def reported(self, order: CopyOrder, report: CopyReport) -> None:
        """Send it."""
        self._sender.put(order, report)


class CopySession:
    """Copies disks and reports them to one VMA."""

    def __init__(
        self,
        orders: Sequence[CopyOrder],
        method: CopyMethod,
        vma: VmaAddress,
        watcher: CopyWatcher,
        on_contact: OnContact,
    ) -> None:
        clock = SystemClock()
        run_id = str(uuid4())
        self._sender = ReportSender(VmaPost(vma), clock, on_contact)
        watchers: list[CopyWatcher] = [_Reported(self._sender), watcher]
        self._copies: list[DiskCopy] = []
        for order in orders:
            disks_total = len(orders) if order.disk_id is not None else None
            progress = CopyProgress(run_id, method.lease_s, order.disk_id, disks_total)
            self._copies.append(DiskCopy(order, method, progress, watchers, clock))
        self._vm = VmCopy(self._copies, method.parallel)
        self._was_told_to_stop = False
        self._is_copied = False

    def run(self, report_limit_s: float) -> CopyResult:
        """Copy all, then wait until the VMA knows the end, at most *report_limit_s* seconds."""
        return asyncio.run(self._run(report_limit_s))

    async def _run(self, report_limit_s: float) -> CopyResult:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)
        self._sender.start()
        await self._vm.run()
        self._is_copied = True
        undelivered = await asyncio.to_thread(self._sender.finish, report_limit_s)
        failures = {
            copy.order.name: copy.error for copy in self._copies if copy.status is not Status.COMPLETED
        }
        return CopyResult(failures, undelivered)

    def _on_signal(self, number: signal.Signals) -> None:
        """Stop the copies; with the second signal, or when they are over, the reporting too."""
        self._sender.give_up_in(0.0 if self._was_told_to_stop or self._is_copied else _AFTER_SIGNAL_S)
        self._was_told_to_stop = True
        if not self._is_copied:
            self._vm.stop(f"stopped by {number.name}")
