"""What `oma-poller vma copy` shows: a bar a disk on a terminal, plain lines elsewhere, JSON for a program."""

import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from oma_poller.agent.copier.copy_order import CopyOrder, ToolName
from oma_poller.agent.copier.copy_report import CopyReport, Stage, Status
from oma_poller.cli.printing import say, say_json
from oma_poller.cli.quantities import human_bytes, human_speed

_LINE_EVERY_PERCENT = 10.0


class LineScreen:
    """A line for each change of status, and for each tenth of a disk.

    A reader that went away stops the showing, never the copy.
    """

    def __init__(self, vma: str) -> None:
        self._vma = vma
        self._shown: dict[CopyOrder, CopyReport] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def prepared(self, order: CopyOrder, tool: ToolName, size_bytes: int, total_bytes: int) -> None:
        """Say what will be moved."""
        _line(f"{order.name}: {_preparation(tool, size_bytes, total_bytes)}")

    def reported(self, order: CopyOrder, report: CopyReport) -> None:
        """Say how far a disk is, if that is news."""
        shown = self._shown.get(order)
        if report.stage is not Stage.TRANSFER and report.status is not Status.FAILED:
            return
        if shown is not None and shown.status is report.status and not _is_far(shown, report):
            return
        self._shown[order] = report
        _line(f"{order.name}: {_standing(report)}")

    def contact(self, trouble: str | None) -> None:
        """Say that the VMA stopped taking reports, and why, or takes them again. From any thread."""
        _complain(_contact(self._vma, trouble))


class JsonScreen(LineScreen):
    """One JSON object a line: `prepared`, `report` and `contact` events."""

    def prepared(self, order: CopyOrder, tool: ToolName, size_bytes: int, total_bytes: int) -> None:
        """Print the event `prepared`."""
        told = {"tool": tool, "size_bytes": size_bytes, "total_bytes": total_bytes}
        _json_line({"event": "prepared", **_names(order), **told})

    def reported(self, order: CopyOrder, report: CopyReport) -> None:
        """Print the event `report`, with all that the VMA is told."""
        _json_line({"event": "report", **_names(order), **msgspec.to_builtins(report)})

    def contact(self, trouble: str | None) -> None:
        """Print the event `contact`."""
        _json_line({"event": "contact", "vma": self._vma, "trouble": trouble})


class BarScreen(LineScreen):
    """A bar for each disk."""

    def __init__(self, vma: str) -> None:
        super().__init__(vma)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[percent]}", justify="right", markup=False),
            DownloadColumn(binary_units=True),
            TextColumn("{task.fields[speed]}", justify="right", markup=False),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self._tasks: dict[CopyOrder, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._bars.stop()

    def prepared(self, order: CopyOrder, tool: ToolName, size_bytes: int, total_bytes: int) -> None:
        """Say what will be moved, above the bars."""
        self._say(f"{order.name}: {_preparation(tool, size_bytes, total_bytes)}")

    def reported(self, order: CopyOrder, report: CopyReport) -> None:
        """Move the bar."""
        if order not in self._tasks:
            self._tasks[order] = self._bars.add_task(order.name, total=None, percent="", speed="", note="")
        percent = "" if report.percent is None else f"{report.percent:.2f} %"
        self._bars.update(
            self._tasks[order],
            completed=report.bytes_transferred,
            total=_bar_length(report),
            percent=percent,
            speed=human_speed(report.throughput_bps),
            note=report.status if report.stage is Stage.TRANSFER else report.stage,
        )

    def contact(self, trouble: str | None) -> None:
        """Say it above the bars."""
        self._say(_contact(self._vma, trouble))

    def _say(self, line: str) -> None:
        with suppress(OSError):
            self._bars.console.print(line, markup=False, highlight=False)


def _bar_length(report: CopyReport) -> int | None:
    if report.total_bytes == 0:
        # A disk without data has nothing to fill a bar with; it is full when it is done.
        return 0 if report.status is Status.COMPLETED else None
    return report.total_bytes


def _preparation(tool: ToolName, size_bytes: int, total_bytes: int) -> str:
    if total_bytes == 0:
        return f"no data to move in a disk of {human_bytes(size_bytes)}; it is zeroed by {tool}"
    return f"{human_bytes(total_bytes)} of data in a disk of {human_bytes(size_bytes)}, copied by {tool}"


def _standing(report: CopyReport) -> str:
    if report.status is Status.FAILED:
        return f"failed: {report.error_message}"
    total = human_bytes(report.total_bytes or 0)
    if report.status is Status.COMPLETED:
        return f"completed, {total}"
    speed = human_speed(report.throughput_bps)
    return f"{report.percent or 0:.2f} %, {human_bytes(report.bytes_transferred)} of {total}, {speed}"


def _is_far(shown: CopyReport, report: CopyReport) -> bool:
    return (report.percent or 0) - (shown.percent or 0) >= _LINE_EVERY_PERCENT


def _contact(vma: str, trouble: str | None) -> str:
    if trouble is None:
        return f"VMA {vma} takes reports again"
    return f"VMA {vma} does not take reports ({trouble}); the copy goes on, and the newest is sent again"


def _names(order: CopyOrder) -> dict[str, str | None]:
    places = {"source": str(order.source), "format": order.source_format.value, "target": str(order.target)}
    return {"key": order.key, "disk_id": order.disk_id, **places}


def _line(text: str) -> None:
    with suppress(OSError):  # nobody reads any more
        say(text)
        sys.stdout.flush()


def _json_line(event: dict[str, object]) -> None:
    with suppress(OSError):  # nobody reads any more
        say_json(event, indent=None)
        sys.stdout.flush()


def _complain(text: str) -> None:
    with suppress(OSError):  # nobody reads any more
        sys.stderr.write(f"oma-poller: {text}\n")
