"""The processes of the demonstration: each writes its own log, none outlives it, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from oma_poller.agent.copier.tied_process import tied_command
from oma_poller.errors import OmaPollerError

_START_S = 20.0
_END_S = 10.0
_LOOK_S = 0.05
_LAST_LINES = 3


class Children:
    """Starts programs, knows them by name, and ends them all when it is left."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(list(self._running)):
            self.end(name)

    def start(self, name: str, command: Sequence[str], settings: Mapping[str, str] | None = None) -> None:
        """Start *command*, its output going to `NAME.log`."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                tied_command(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(settings or {}),
                start_new_session=True,  # Ctrl-C is for the demonstration, which ends them in order
            )

    def start_own(
        self, name: str, arguments: Sequence[str], settings: Mapping[str, str] | None = None
    ) -> None:
        """Start this program with *arguments*."""
        self.start(name, [sys.executable, "-m", "oma_poller", *arguments], settings)

    def end(self, name: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit status."""
        process = self._running.pop(name)
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def failed(self) -> str | None:
        """Return which process ended with an error and how, in one line; None where all is well."""
        for name, process in self._running.items():
            status = process.poll()
            if status:
                how = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
                return f"the demo's {name} {how}: {self.last_words(name)}"
        return None

    def log(self, name: str) -> Path:
        """Return where a process writes what it says."""
        return self._logs / f"{name}.log"

    def last_words(self, name: str) -> str:
        """Return the end of a process's log, as one line."""
        lines = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(line.strip() for line in lines[-_LAST_LINES:]) or "it said nothing"

    def wait_until(self, name: str, is_up: Callable[[], bool]) -> None:
        """Return once *is_up*. Raises OmaPollerError where the process ends or takes too long."""
        deadline_s = monotonic() + _START_S
        while not is_up():
            if self._running[name].poll() is not None or monotonic() > deadline_s:
                raise OmaPollerError(f"the demo's {name} did not start: {self.last_words(name)}")
            sleep(_LOOK_S)
