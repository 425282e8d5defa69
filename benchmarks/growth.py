"""What the whole program holds over an hour's worth of polls: memory, collections, the database's file.

    python benchmarks/growth.py [--minutes 6] [--jobs 1000] [--only bulk,get]

An hour at an interval of 5 s is 720 polls of a job; at 500 ms it passes in six minutes. Every poll finds new
bytes and writes a row. Accelerated are polls, rules, rows and the collector's work alone. What is paced by
seconds is not: a job's sample and memory every 30 s, its recorded poll every 300 s, discovery every 5 s. So
the database's file grows as in so many minutes, and what is kept for days in it does not reach its bound.

The first third is warm-up: ten ordinary polls a second are recorded, so the first one of each of 1,000 jobs
is in after 100 s.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from fleet import Fleet
from machine import described
from msgspec import Struct
from nginx_vma import PROGRAM as NGINX
from scene import Running, Scene, running

_INTERVAL_S = 0.5
_STEPS = 12
_WARM_UP = 1 / 3
_HEADS = (
    "minute",
    "polls of a job",
    "went well",
    "memory, MB",
    "blocks of Python, thousands",
    "collections by generation",
    "ms in the collector",
    "its share of the CPU",
    "database, MB",
)


class Sample(Struct, frozen=True):
    """How the program stood at a moment."""

    at_s: float
    """Since the first poll."""
    polls: int
    good: int
    resident_bytes: int
    blocks: int
    collections: Sequence[int]
    """Since the program started, the youngest generation first; the time likewise."""
    collecting_s: float
    cpu_s: float
    database_bytes: int


def scenes(jobs: int) -> dict[str, Scene]:
    """Return what can be run, by name."""
    return {
        "bulk": Scene(
            f"bulk, {jobs:,} jobs", Fleet(jobs), bulk=True, max_concurrent=10_000, interval_s=_INTERVAL_S
        ),
        "get": Scene(f"one GET a key, {jobs:,} jobs", Fleet(jobs), interval_s=_INTERVAL_S),
    }


def samples(scene: Scene, seconds: float) -> Iterator[Sample]:
    """Run the program for so long; yield how it stands, at equal steps."""
    with running(scene) as parts:
        parts.poller.wait_for_polls(1, 30.0)
        began_s = time.monotonic()
        for step in range(_STEPS + 1):
            time.sleep(max(0.0, began_s + step * seconds / _STEPS - time.monotonic()))
            yield _sample(parts, time.monotonic() - began_s)


def _sample(parts: Running, at_s: float) -> Sample:
    counts = parts.poller.counts()
    memory = counts.memory
    return Sample(
        at_s=at_s,
        polls=counts.polls,
        good=counts.good,
        resident_bytes=parts.poller.resident_bytes,
        blocks=memory.blocks,
        collections=memory.collections,
        collecting_s=memory.collecting_s,
        cpu_s=parts.poller.cpu_s,
        database_bytes=_size_bytes(parts.database.address.path),
    )


def _size_bytes(file: Path) -> int:
    """Return the size of an SQLite file with its write-ahead log."""
    return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))


def _cells(sample: Sample, jobs: int) -> tuple[str, ...]:
    return (
        f"{sample.at_s / 60:.1f}",
        f"{sample.polls / jobs:.0f}",
        f"{sample.good / max(1, sample.polls):.2%}",
        f"{sample.resident_bytes / 1e6:.1f}",
        f"{sample.blocks / 1e3:.1f}",
        " / ".join(map(str, sample.collections)),
        f"{sample.collecting_s * 1e3:.0f}",
        f"{sample.collecting_s / max(0.01, sample.cpu_s):.1%}",
        f"{sample.database_bytes / 1e6:.1f}",
    )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(str.ljust, cells, map(len, _HEADS))) + " |"


def conclusion(taken: Sequence[Sample], jobs: int) -> str:
    """Return in one line what grew between the end of the warm-up and the end."""
    first, last = taken[round(len(taken) * _WARM_UP)], taken[-1]
    polls = last.polls - first.polls
    memory, blocks = last.resident_bytes - first.resident_bytes, last.blocks - first.blocks
    ran = [after - before for before, after in zip(first.collections, last.collections, strict=True)]
    spent_ms = 1e3 * (last.collecting_s - first.collecting_s)
    spent_share = (last.collecting_s - first.collecting_s) / max(0.01, last.cpu_s - first.cpu_s)
    grown = f"{memory / first.resident_bytes:+.2%}, {memory / jobs:+,.0f} bytes a job"
    return (
        f"after the warm-up, {polls:,} polls, {polls / jobs:.0f} of a job:"
        f" memory {memory / 1e6:+.2f} MB ({grown}),"
        f" blocks {blocks:+,} ({blocks / first.blocks:+.2%}, {blocks / jobs:+.2f} a job);"
        f" collections {' / '.join(map(str, ran))} in {spent_ms:.0f} ms, {spent_share:.1%} of the CPU"
    )


def report(scene: Scene, seconds: float) -> None:
    """Run a scene and print its table and conclusion, each row as it comes."""
    print(f"\n{scene.name}, interval {scene.interval_s:g} s, SQLite\n", flush=True)
    print(_line(_HEADS))
    print("|" + "|".join("-" * (len(head) + 2) for head in _HEADS) + "|", flush=True)
    taken = []
    for sample in samples(scene, seconds):
        taken.append(sample)
        print(_line(_cells(sample, scene.fleet.jobs)), flush=True)
    print(f"\n{conclusion(taken, scene.fleet.jobs)}", flush=True)


def main() -> int:
    """Measure and print; the exit status is 2 for a name that nothing has."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--only", default="bulk,get")
    options = parser.parse_args()
    known = scenes(options.jobs)
    names = [name for name in options.only.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"growth: unknown: {', '.join(unknown)}; allowed are {', '.join(known)}", file=sys.stderr)
        return 2
    print(described(), flush=True)
    for name in names:
        if not known[name].bulk and NGINX is None:
            print(f"\n{known[name].name}: skipped, nginx is not installed")
        else:
            report(known[name], 60 * options.minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
