"""`oma-poller run` that writes its own counts into a file whenever it gets SIGUSR1.

    python benchmarks/counted_run.py FILE

Beside that it takes the time of each garbage collection: about a microsecond each, of which there is one in
some hundred polls. Nothing else differs from the program as installed, so nothing else is measured.
"""

import gc
import signal
import sys
from pathlib import Path
from time import perf_counter

import msgspec

import oma_poller.app
from oma_poller.__main__ import main
from oma_poller.engine.tally import Tally


class Memory(msgspec.Struct):
    """What Python holds, and what its garbage collector did since the program started."""

    blocks: int
    """Allocated blocks of Python's own allocator: nearly one an object."""
    collections: list[int]
    """By generation, the youngest first."""
    collecting_s: float
    """Time in the collector, all threads; it holds the interpreter's lock meanwhile."""


class Counts(msgspec.Struct):
    """What the poller counted since it started."""

    number: int
    """How often it was asked for its counts."""
    polls: int
    good: int
    rows: int
    flushes: int
    flush_s: float
    bounds_s: tuple[float, ...]
    lateness: list[int]
    """By the bounds, and one more for what lies above all."""
    memory: Memory


class Collector:
    """Sums up the time that garbage collections take."""

    def __init__(self) -> None:
        self._began_s = 0.0
        self._spent_s = 0.0
        gc.callbacks.append(self._told)

    def _told(self, phase: str, _about: dict[str, int]) -> None:
        if phase == "start":
            self._began_s = perf_counter()
        else:
            self._spent_s += perf_counter() - self._began_s

    def memory(self) -> Memory:
        """Return what there is now."""
        ran = [generation["collections"] for generation in gc.get_stats()]
        return Memory(sys.getallocatedblocks(), ran, self._spent_s)


def counts(tally: Tally, number: int, memory: Memory) -> Counts:
    """Return the present counts."""
    late, flushes = tally.lateness, tally.flush_duration
    polls, good = tally.polls.total(), tally.polls["ok"]
    counted = (tally.rows_written, tally.flushes, flushes.sum_s, late.bounds_s, list(late.counts))
    return Counts(number, polls, good, *counted, memory)


def write_on_signal(tally: Tally, collector: Collector, file: Path) -> None:
    """Write the counts of *tally* at each signal, whole or not at all."""
    asked = 0

    def write(_number: int, _frame: object) -> None:
        nonlocal asked
        asked += 1
        part = file.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(counts(tally, asked, collector.memory())))
        part.rename(file)

    signal.signal(signal.SIGUSR1, write)


if __name__ == "__main__":
    tally = Tally()
    write_on_signal(tally, Collector(), Path(sys.argv[1]))
    setattr(oma_poller.app, "Tally", lambda: tally)  # noqa: B010 - what the program makes is this one
    sys.argv = [sys.argv[0], "run"]
    sys.exit(main())
