"""`oma-poller run` that writes its own counts into a file whenever it gets SIGUSR1.

    python benchmarks/counted_run.py FILE

Nothing else differs from the program as installed, so nothing else is measured.
"""

import signal
import sys
from pathlib import Path

import msgspec

import oma_poller.app
from oma_poller.__main__ import main
from oma_poller.engine.tally import Tally


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


def counts(tally: Tally, number: int) -> Counts:
    """Return the present counts."""
    late, flushes = tally.lateness, tally.flush_duration
    polls, good = tally.polls.total(), tally.polls["ok"]
    counted = (tally.rows_written, tally.flushes, flushes.sum_s, late.bounds_s, list(late.counts))
    return Counts(number, polls, good, *counted)


def write_on_signal(tally: Tally, file: Path) -> None:
    """Write the counts of *tally* at each signal, whole or not at all."""
    asked = 0

    def write(_number: int, _frame: object) -> None:
        nonlocal asked
        asked += 1
        part = file.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(counts(tally, asked)))
        part.rename(file)

    signal.signal(signal.SIGUSR1, write)


if __name__ == "__main__":
    tally = Tally()
    write_on_signal(tally, Path(sys.argv[1]))
    setattr(oma_poller.app, "Tally", lambda: tally)  # noqa: B010 - what the program makes is this one
    sys.argv = [sys.argv[0], "run"]
    sys.exit(main())
