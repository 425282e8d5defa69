"""The real command in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from patience import PATIENCE_S, until


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which only *settings* configure the program."""
    own = ("VMA_PROGRESS_", "OMA_", "LOG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    plain = {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "TERM": "dumb"}
    quiet = {"OMA_API_LISTEN": "off"}  # tests that run side by side have one port 8082 between them
    return kept | plain | quiet | dict(settings)


def oma_poller(
    *arguments: str, cwd: Path, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `oma-poller` with *arguments* to its end."""
    return subprocess.run(
        [sys.executable, "-m", "oma_poller", *arguments],
        cwd=cwd,
        env=environment(settings or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S * 2,
    )


class RunningPoller:
    """`oma-poller run`, its log lines as they come, and its end."""

    def __init__(self, cwd: Path, settings: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "oma_poller", "run"],
            cwd=cwd,
            env=environment({"LOG_FORMAT": "json", **settings}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.output.extend(iter(self.process.stdout.readline, ""))

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in tuple(self.output) if line.startswith("{")]

    def said(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of *event*."""
        return [line for line in self.lines if line["event"] == event]

    def wait_for(self, event: str) -> dict[str, Any]:
        """Return the first log line of *event*, once it came."""
        return until(lambda: self.said(event), f"the log line {event!r} among {self.output}")[0]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


@contextmanager
def running(cwd: Path, settings: Mapping[str, str]) -> Iterator[RunningPoller]:
    """Run the poller; at the end it is killed where the test did not stop it."""
    poller = RunningPoller(cwd, settings)
    try:
        yield poller
    finally:
        if poller.process.returncode is None:
            poller.stop(signal.SIGKILL)
