"""The poller under measurement: a process of its own, read from outside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from counted_run import Counts
from process_cost import cpu_s, resident_bytes

_HERE = Path(__file__).parent
_ANSWER_S = 30.0
_STOP_S = 30.0


class PollerError(Exception):
    """The poller ended, or did not do what it was waited for."""


class MeasuredPoller:
    """A running `oma-poller run`, with its counts."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._counts_file = folder / "counts.json"
        self._asked = 0
        self.log = folder / "poller.log"
        self.began_epoch_s = time.time()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(_HERE / "counted_run.py"), str(self._counts_file)],
                cwd=folder,
                env=os.environ | settings | {"LOG_FORMAT": "json"},
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def cpu_s(self) -> float:
        """CPU time so far."""
        return cpu_s(self.pid)

    @property
    def resident_bytes(self) -> int:
        """Memory now."""
        return resident_bytes(self.pid)

    def counts(self) -> Counts:
        """Ask the process for its counts."""
        self._asked += 1
        self._process.send_signal(signal.SIGUSR1)
        self._wait(lambda: self._read() is not None, _ANSWER_S, "did not tell its counts")
        counts = self._read()
        assert counts is not None  # noqa: S101 - just waited for
        return counts

    def wait_for_polls(self, polls: int, seconds: float) -> None:
        """Return once so many polls have ended, or after *seconds*: figures show what is not done."""
        deadline_s = time.monotonic() + seconds
        while self.counts().polls < polls and time.monotonic() < deadline_s:
            time.sleep(0.5)

    def wait_until_ready(self) -> None:
        """Return once the process takes signals: it has logged that it started."""
        self._wait(lambda: b'"started"' in self.log.read_bytes(), _ANSWER_S, "did not start")

    def _wait(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        deadline_s = time.monotonic() + seconds
        while not reached():
            if self._process.poll() is not None:
                raise PollerError(f"the poller ended: {self.log.read_text()[-1000:]}")
            if time.monotonic() > deadline_s:
                raise PollerError(f"the poller {what} in {seconds:g} s: {self.log.read_text()[-1000:]}")
            time.sleep(0.01)

    def _read(self) -> Counts | None:
        if not self._counts_file.exists():
            return None
        counts = msgspec.json.decode(self._counts_file.read_bytes(), type=Counts)
        return counts if counts.number == self._asked else None

    def stop(self) -> None:
        """End the process as an operator would; one that does not end is killed, and that is told."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            print(f"the poller did not end in {_STOP_S:g} s after SIGTERM", file=sys.stderr)
            self._process.kill()
            self._process.wait()


@contextmanager
def measured_poller(folder: Path, settings: Mapping[str, str]) -> Iterator[MeasuredPoller]:
    """Run a poller for the time of the block."""
    poller = MeasuredPoller(folder, settings)
    try:
        poller.wait_until_ready()
        yield poller
    finally:
        poller.stop()
