"""What grows with the number of jobs: finding them, reading them, writing their rows, polling them.

    python benchmarks/million.py [--jobs 10000,100000,1000000] [--engines sqlite,mariadb] [--seconds 8]
                                 [--polled 20000,40000]

Every job has two disks, and all are active. Of each size, on each engine:

- **Discovery**: the query for all ids, and the rows of a twelfth of the jobs, as a pass reads them at an
  interval of 5 s. Then what the pass does with the ids on the polls' thread, which are held up meanwhile.
- **Start**: the rows of all jobs but a thousand in parts, as the passes after the start read them.
- **Writes**: full flushes, one after the other from one thread, as fast as they go. As in a poll with
  news, each writes a row and two of disks; one in six writes a sample and a memory as well. 20,000 jobs that
  lie all over the tables are written in turn.
- **Thinning**: the samples of these writes are deleted again, as the program does for a tenth of a second in
  each second while there are many. A job whose bytes move brings one each 30 s.

That takes three and a half minutes. With --polled the whole program polls such numbers of jobs in bulk, at an
interval of 5 s, 1,000 jobs a VMA, a minute each. Where they are too many, fewer polls end than are due, or
fewer rows are written than polls have ended.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from flat_out import INTERVAL_S, Writes
from fleet import Fleet
from machine import described
from mariadb_server import missing_programs
from msgspec import Struct
from scene import Database, Scene, Seen, see
from table import aligned

from oma_poller.core.history import SPACING_S
from oma_poller.database.address import Engine
from oma_poller.database.source import SqlJobSource
from oma_poller.database.thinning import LONGEST_S
from oma_poller.engine.discovery import MOST_NEWCOMERS, NEWEST, REREAD_S
from oma_poller.engine.rereads import Rereads
from oma_poller.engine.upkeep import BUSY_EVERY_S
from oma_poller.model.job import Job

T = TypeVar("T")

WRITTEN = 20_000
JOBS_A_VMA = 1000
POLLED_BEFORE = 8
"""Polls of a job before anything is measured: the rows that all jobs have at the start take half a minute."""
STATUSES = frozenset({"running", "replicating"})
ENGINES = {"sqlite": Engine.SQLITE, "mariadb": Engine.MYSQL}


class Cost(Struct, frozen=True):
    """What something took."""

    elapsed_s: float
    cpu_s: float
    """Of this process."""
    server_cpu_s: float
    written_bytes: int
    """To disks, by whoever does it."""

    def cells(self, per: float = 1.0) -> tuple[str, str, str]:
        """Return the three in ms, divided."""
        spent = (self.elapsed_s, self.cpu_s, self.server_cpu_s)
        ms = [1e3 * one / per for one in spent]
        return f"{ms[0]:,.1f}", f"{ms[1]:,.1f}", f"{ms[2]:,.1f}"


def cost(database: Database, call: Callable[[], T]) -> tuple[T, Cost]:
    """Return what a call returns, and what it took."""
    server_s, written_bytes, cpu_s, began_s = (
        database.cpu_s,
        database.written_bytes,
        time.process_time(),
        time.monotonic(),
    )
    result = call()
    elapsed_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    return result, Cost(elapsed_s, cpu_s, database.cpu_s - server_s, database.written_bytes - written_bytes)


class Discovery:
    """Reads a database's jobs as the program does."""

    def __init__(self, database: Database, fleet: Fleet) -> None:
        self._database = database
        self._fleet = fleet
        self._source = SqlJobSource(database.address, STATUSES)
        self._passes = round(REREAD_S / INTERVAL_S)

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a pass in the steady state, and of the reading at the start."""
        self._source.capabilities  # noqa: B018 - connects, and reads the catalog
        ids, found = cost(self._database, self._source.active)
        held_ms, wanted = self._hold(ids)
        _, read = cost(self._database, lambda: self._source.details(wanted))
        return *found.cells(), *read.cells(), f"{held_ms:,.1f}", self._started(ids)

    def _hold(self, ids: frozenset[str]) -> tuple[float, list[str]]:
        """Return how long the polls' thread works on the ids, in ms, and the jobs to read."""
        watched = {self._fleet.job_id(job): None for job in range(self._fleet.jobs)}
        rereads = Rereads()
        for job_id in watched:
            rereads.was_read(job_id)
        began_s = time.monotonic()
        new, left = ids - watched.keys(), watched.keys() - ids
        wanted = [job_id for job_id in rereads.turn(self._passes) if job_id in ids]
        held_ms = 1e3 * (time.monotonic() - began_s)
        if new or left:
            raise AssertionError("not every job is active")
        return held_ms, wanted

    def _started(self, ids: frozenset[str]) -> str:
        wanted = list(ids)[NEWEST:]
        parts = [wanted[first : first + MOST_NEWCOMERS] for first in range(0, len(wanted), MOST_NEWCOMERS)]
        spent = [cost(self._database, partial(self._source.details, part, part))[1] for part in parts]
        return f"{sum(one.elapsed_s for one in spent):.1f} s"

    def some(self, jobs: Sequence[int]) -> list[Job]:
        """Return the rows of these jobs, in their order."""
        ids = [self._fleet.job_id(job) for job in jobs]
        known = {job.id: job for job in self._source.details(ids)}
        return [known[job_id] for job_id in ids]

    def close(self) -> None:
        """End."""
        self._source.close()


_EACH = ("ms", "our CPU", "the server's")
_READING = (
    *("engine", "jobs"),
    *(f"ids: {one}" for one in _EACH),
    *(f"a twelfth: {one}" for one in _EACH),
    *("polls held up, ms", "start: all rows"),
)
_WRITING = (
    *("engine", "jobs", "written a second", "enough at 5 s for"),
    *("of 1,000: ms", "our CPU", "the server's", "MB to disk"),
    *("thinned a second", "enough for"),
)
_POLLING = (
    *("engine", "jobs", "polls a second", "of so many due", "rows written a second", "late, p99, ms"),
    *("of 1,000 polls: CPU ms", "the server's", "cores used", "memory, MB"),
)


def tables(engines: Sequence[str], sizes: Sequence[int], seconds: float) -> tuple[str, str]:
    """Measure; return the table of reading and that of writing."""
    reading: list[Sequence[str]] = [_READING]
    writing: list[Sequence[str]] = [_WRITING]
    for engine in engines:
        with tempfile.TemporaryDirectory(prefix="oma-bench-") as folder:
            database = Database(ENGINES[engine], Path(folder))
            try:
                for size, before in zip(sizes, (0, *sizes), strict=False):
                    print(f"measuring: {engine}, {size:,} jobs", file=sys.stderr, flush=True)
                    fleet = Fleet(size)
                    if before:
                        fleet.add(database.address, before)
                    else:
                        fleet.fill(database.address)
                    read, written = _measured(database, fleet, seconds)
                    reading.append((engine, f"{size:,}", *read))
                    writing.append((engine, f"{size:,}", *written))
            finally:
                database.stop()
    return aligned(reading), aligned(writing)


def _measured(database: Database, fleet: Fleet, seconds: float) -> tuple[Sequence[str], Sequence[str]]:
    with closing(Discovery(database, fleet)) as discovery:
        read = discovery.cells()
        scattered = random.Random(1).sample(range(fleet.jobs), min(WRITTEN, fleet.jobs))  # noqa: S311 - no secret
        jobs = discovery.some(scattered)
    with closing(Writes(database.address, jobs, STATUSES)) as writes:
        writes.warm_up()
        written, spent = cost(database, lambda: writes.run(seconds))
        gone, thinned = cost(database, writes.thin)
    deleted = gone / thinned.elapsed_s
    rate = written / spent.elapsed_s
    to_disk = f"{spent.written_bytes / 1e3 / written:.1f}"
    return read, (
        f"{rate:,.0f}",
        f"{rate * INTERVAL_S:,.0f}",
        *spent.cells(written / 1000),
        to_disk,
        f"{deleted:,.0f}",
        f"{deleted * LONGEST_S / (LONGEST_S + BUSY_EVERY_S) * SPACING_S:,.0f}",
    )


def polled(engines: Sequence[str], sizes: Sequence[int]) -> str:
    """Poll; return the table."""
    lines: list[Sequence[str]] = [_POLLING]
    for engine in engines:
        for size in sizes:
            fleet = Fleet(size, -(-size // JOBS_A_VMA))
            print(f"measuring: {engine}, {size:,} jobs polled", file=sys.stderr, flush=True)
            seen = see(
                Scene(
                    *("", fleet, ENGINES[engine]),
                    bulk=True,
                    max_concurrent=10_000,
                    windows=1,
                    window_s=15.0,
                    warm_up_polls=POLLED_BEFORE,
                )
            )
            lines.append((engine, f"{size:,}", *_seen(seen)))
    return aligned(lines)


def _seen(seen: Seen) -> tuple[str, ...]:
    window = seen.windows[0]
    return (
        f"{window.polls / window.seconds:,.0f}",
        f"{seen.scene.fleet.jobs / seen.scene.interval_s:,.0f}",
        f"{window.rows / window.seconds:,.0f}",
        f"{1e3 * seen.late_s(0.99):,.0f}",
        f"{window.ms_per_1000:.0f}",
        f"{window.database_ms_per_1000:.0f}",
        f"{window.cpu_s / window.seconds:.2f}",
        f"{seen.resident_bytes / 1e6:,.0f}",
    )


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]


def main() -> int:
    """Measure and print; the exit status is 2 for an engine that is not known."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--jobs", default="10000,100000,1000000", help="sizes of the tables, the smallest first"
    )
    parser.add_argument("--engines", default="sqlite,mariadb")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long is written")
    parser.add_argument("--polled", default="", help="sizes that are polled")
    options = parser.parse_args()
    engines = [engine for engine in options.engines.split(",") if engine]
    unknown = [engine for engine in engines if engine not in ENGINES]
    if unknown:
        print(f"million: unknown: {', '.join(unknown)}; allowed are {', '.join(ENGINES)}", file=sys.stderr)
        return 2
    missing = missing_programs() if "mariadb" in engines else []
    if missing:
        print(f"million: MariaDB is left out: {', '.join(missing)} not installed", file=sys.stderr)
        engines.remove("mariadb")
    print(described(), flush=True)
    if sizes := _numbers(options.jobs):
        reading, writing = tables(engines, sizes, options.seconds)
        print(f"\nReading\n\n{reading}\n\nWriting\n\n{writing}", flush=True)
    if sizes := _numbers(options.polled):
        print(f"\nPolling\n\n{polled(engines, sizes)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
