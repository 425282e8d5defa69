"""`oma-poller demo`: watch a small migration from its first byte to its last."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oma_poller.cli.options import AsJson
from oma_poller.cli.printing import is_live, say, say_json
from oma_poller.clock import SystemClock
from oma_poller.errors import UsageError

if TYPE_CHECKING:
    from oma_poller.database.status_rows import StatusRow
    from oma_poller.demo.stage import Stage
    from oma_poller.demo.verdict import Finding

    Rows = tuple[StatusRow, ...]

_PLAIN_STEP_BP = 2000
"""Without a terminal a job's line is printed again after so much progress."""

Folder = Annotated[
    Path | None,
    typer.Option("--folder", metavar="DIR", help="An empty or new folder to work in; else a temporary one."),
]


Keep = Annotated[bool, typer.Option("--keep", help="Serve the page on, after the end, until Ctrl-C.")]


def demo(folder: Folder = None, *, keep: Keep = False, as_json: AsJson = False) -> int:
    """Copy the disks of three small VMs and watch their rows, in under a minute.

    Everything is real: images, the VMA's progress server, the copiers (over NBD where the programs are
    installed), the poller, and the database that the table is read from. One copier is killed on the way.
    """
    from oma_poller.demo.stage import Stage  # noqa: PLC0415 - heavy
    from oma_poller.demo.verdict import judge  # noqa: PLC0415 - heavy

    with Stage(_usable(folder)) as stage:
        if not as_json:
            _introduce(stage)
        stage.set_up()
        if not as_json:
            _invite(stage, keep=keep)
            say("")
        rows = _watch(stage, as_json=as_json)
        findings = judge(stage.fleet, rows)
        if as_json:
            say_json(
                {"folder": str(stage.folder), "over_nbd": stage.over_nbd, "jobs": rows, "findings": findings}
            )
        else:
            _conclude(stage, findings)
        if keep:
            _keep(stage, as_json=as_json)
    _leave_small(stage)
    return 0 if all(finding.good for finding in findings) else 1


def _usable(folder: Path | None) -> Path:
    """Return an empty folder. Raises UsageError for one that holds something."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="oma-poller-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"--folder {folder} is not empty: allowed is an empty or new folder")
    except OSError as error:
        raise UsageError(f"--folder {folder} cannot be used: {error.strerror}") from None
    return folder.resolve()


def _introduce(stage: "Stage") -> None:
    disks = sum(len(vm.disks) for vm in stage.fleet)
    say(f"{len(stage.fleet)} VMs with {disks} disks are copied and watched. Folder: {stage.folder}")
    if stage.over_nbd:
        say("The disks go over real NBD exports named migration-vol-...")
    else:
        say("No NBD programs here (nbdkit or qemu-nbd, nbdcopy or qemu-img): disks are copied as files.")
    say("What is shown is read from the database, not from the poller.")
    say("")


def _invite(stage: "Stage", *, keep: bool) -> None:
    until = "" if keep else "; it is gone when the demo ends, --keep serves it on"
    say(f"The page: open it now, {stage.page}/{until}")


def _watch(stage: "Stage", *, as_json: bool) -> "Rows":
    """Show the rows until every job has ended; return the last ones."""
    if is_live() and not as_json:
        return _watch_live(stage)
    lines = _PlainLines(stage)
    rows: Rows = ()
    for rows in stage.play():
        if not as_json:
            lines.show(rows)
    return rows


class _PlainLines:
    """A line a job whenever its row has moved on, and one for each thing that happened."""

    def __init__(self, stage: "Stage") -> None:
        self._stage = stage
        self._told = 0
        self._shown: dict[str, tuple[str, int]] = {}

    def show(self, rows: "Rows") -> None:
        from oma_poller.cli.status_words import in_words, plain_line  # noqa: PLC0415 - heavy

        now = SystemClock().utc()
        for line in self._stage.story[self._told :]:
            say(f"{now:%H:%M:%SZ}  ** {line}")
        self._told = len(self._stage.story)
        for row in rows:
            step = (row.status, (row.percent_bp or 0) // _PLAIN_STEP_BP)
            if self._shown.get(row.job_id) != step:
                self._shown[row.job_id] = step
                say(f"{now:%H:%M:%SZ}  {plain_line(in_words(row, now))}")
        sys.stdout.flush()


def _watch_live(stage: "Stage") -> "Rows":
    from rich.console import Console, Group  # noqa: PLC0415 - heavy
    from rich.live import Live  # noqa: PLC0415 - heavy
    from rich.text import Text  # noqa: PLC0415 - heavy

    from oma_poller.cli.status_screen import status_screen  # noqa: PLC0415 - heavy
    from oma_poller.database.status_rows import StatusPage  # noqa: PLC0415 - heavy

    console, clock = Console(), SystemClock()
    rows: Rows = ()
    with Live(console=console, auto_refresh=False) as live:
        for rows in stage.play():
            table = status_screen(StatusPage(rows, len(rows)), clock.utc(), console.width)
            live.update(Group(table, *(Text(f"** {line}") for line in stage.story)), refresh=True)
    return rows


def _keep(stage: "Stage", *, as_json: bool) -> None:
    if not as_json:
        say(f"  {stage.page}/ is served on until Ctrl-C; its table is empty, since no job is active any more")
    sys.stdout.flush()
    stage.keep()


def _leave_small(stage: "Stage") -> None:
    """Remove the images; the database and the logs stay to be looked at."""
    for name in ("source", "target"):
        shutil.rmtree(stage.folder / name, ignore_errors=True)


def _conclude(stage: "Stage", findings: "tuple[Finding, ...]") -> None:
    say("")
    for finding in findings:
        say(f"{'ok    ' if finding.good else 'WRONG '} {finding.what}")
    say("")
    say("Where to look next:")
    say(f"  OMA_DATABASE_URL=sqlite:///{stage.address.name} {stage.command} status --all")
    say(f"  {stage.folder / 'logs' / 'poller.log'}: what the poller said, a line an event")
    say("  README.md: a first run on your own database")
