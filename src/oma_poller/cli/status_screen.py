"""The status page as a table with progress bars, in as many columns as the terminal has room for."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from oma_poller.cli.status_words import Words, in_words
from oma_poller.database.status_rows import StatusPage

_WIDE = 160
"""Characters a line from which one line a job is enough."""
_BAR_WIDTH = 20


def status_screen(page: StatusPage, now: datetime, width: int) -> RenderableType:
    """Return the page for a terminal of *width* characters."""
    jobs = [in_words(row, now) for row in page.rows]
    if not jobs:
        return Text("no job to show")
    body = _blocks(jobs) if width < _WIDE else _table(jobs)
    hidden = page.total - len(jobs)
    return Group(body, Text(f"and {hidden} more", style="dim")) if hidden else body


def lines_a_job(width: int) -> int:
    """Return how many lines of a terminal of *width* characters one job takes."""
    return 3 if width < _WIDE else 1


def _style(job: Words) -> str:
    if job.over:
        return "green" if job.well else "red"
    return "" if job.well else "yellow"


def _bar(job: Words, width: int | None) -> ProgressBar:
    return ProgressBar(total=10_000, completed=job.percent_bp, width=width)


def _cell(text: str, style: str = "") -> Text:
    # Text, and never a str: rich would take the brackets in a name for markup.
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _table(jobs: Sequence[Words]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("JOB", "VM", "STATUS"):
        table.add_column(heading)
    table.add_column("PROGRESS", width=_BAR_WIDTH)
    for heading, width in (("", 8), ("BYTES", 23), ("SPEED", 11), ("ETA", 5)):
        table.add_column(heading, justify="right", min_width=width)
    table.add_column("SEEN")
    table.add_column("UPDATED", justify="right", min_width=7)
    table.add_column("OPERATION", min_width=9)
    for job in jobs:
        table.add_row(
            _cell(job.job_id),
            _cell(job.name),
            _cell(job.status, _style(job) if job.over else ""),
            _bar(job, _BAR_WIDTH),
            _cell(job.percent),
            _cell(job.moved),
            _cell(job.speed),
            _cell(job.eta),
            _cell(job.seen, _style(job)),
            _cell(job.age, "dim"),
            _cell(job.operation),
        )
    return table


def _blocks(jobs: Sequence[Words]) -> Group:
    """Return three lines a job: who, how far, how it goes."""
    lines: list[RenderableType] = []
    for job in jobs:
        head = Table.grid(expand=True, padding=(0, 1))
        head.add_column(ratio=3)
        head.add_column(ratio=2)
        head.add_column(justify="right", no_wrap=True, min_width=11)
        head.add_row(_cell(job.job_id, "bold"), _cell(job.name), _cell(job.status, _style(job)))
        progress = Table.grid(expand=True, padding=(0, 1))
        progress.add_column(ratio=1)
        progress.add_column(no_wrap=True, justify="right")
        progress.add_column(no_wrap=True, justify="right")
        progress.add_row(_bar(job, None), _cell(job.percent), _cell(job.moved))
        last = [job.speed, f"ETA {job.eta}", job.seen, job.age, job.operation]
        lines += [head, progress, _cell("  ".join(part for part in last if part), _style(job) or "dim")]
    return Group(*lines)
