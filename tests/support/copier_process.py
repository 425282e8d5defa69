"""`oma-poller vma copy` in a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patience import PATIENCE_S, until
from poller_process import environment

_COMMAND = (sys.executable, "-m", "oma_poller", "vma", "copy")


def copy_disk(*arguments: object, within: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run the copier to its end; *within* is a command that runs commands."""
    with running_copier(*arguments, within=within) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def running_copier(*arguments: object, within: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run the copier; it is killed at the end of the block if it still runs."""
    process = subprocess.Popen(
        [*within, *_COMMAND, *map(str, arguments)],
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def events(printed: str) -> list[dict[str, Any]]:
    """Return the events that `--json` printed."""
    return [json.loads(line) for line in printed.splitlines()]


def child_of(process: subprocess.Popen[str], name: str) -> int:
    """Return the process id of the copier's child of this name, once it runs."""
    listing = Path(f"/proc/{process.pid}/task/{process.pid}/children")

    def look() -> int:
        for pid in listing.read_text().split():
            try:
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    return int(pid)
            except OSError:
                continue
        return 0

    return until(look, f"a child {name}")


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that only nobody has waited for yet counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
