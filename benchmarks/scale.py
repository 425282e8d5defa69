"""What a job poll costs, at any size of fleet: the table of goals, measured.

    python benchmarks/scale.py [--quick] [--only NAME[,NAME]] [--windows N]

Every figure is of the poller's process alone, read from `/proc`: the VMAs, the database and this program are
other processes. A job has two disks: 1,000 job polls are 2,000 keys fetched, aggregated, decided and written.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from fleet import DISKS, Fleet
from machine import described
from mariadb_server import missing_programs
from msgspec.structs import replace
from nginx_vma import PROGRAM as NGINX
from plan import FULL, QUICK, Plan
from scene import Scene, Seen, see, share_of
from table import Row, Yardsticks, as_markdown
from yardsticks import bare_update_ms, http_yardsticks

from oma_poller.database.address import Engine

CPU = "CPU ms per 1,000 job polls"
_GOOD_SHARE = 0.99
"""A window in which fewer polls went well says nothing of what a poll costs."""
_WRITTEN_SHARE = 0.97
"""Every poll moves a row; where fewer are written the rest of the cost is still to come."""


def obstacle(scene: Scene) -> str:
    """Return why a scene cannot be measured here; empty where it can."""
    if not scene.bulk and NGINX is None:
        return "nginx is not installed"
    missing = missing_programs() if scene.engine is Engine.MYSQL else []
    return f"{', '.join(missing)} not installed" if missing else ""


def ill(seen: Seen) -> str:
    """Return what makes a scene's figures worthless; empty where nothing does."""
    for window in seen.windows:
        if window.good < _GOOD_SHARE * window.polls:
            return f"only {window.good} of {window.polls} polls went well"
        expected = seen.scene.fleet.jobs * window.seconds / seen.scene.interval_s
        if seen.scene.fleet.status == "running" and window.polls < _GOOD_SHARE * expected:
            return f"not every job on time: {window.polls} polls of {expected:.0f}"
        if seen.scene.fleet.status == "running" and window.rows < _WRITTEN_SHARE * window.polls:
            return f"rows fall behind: {window.rows} of {window.polls} polls"
    return ""


class Results:
    """What came of each scene of a plan, or why nothing did."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._seen: dict[str, Seen] = {}
        self._skipped: dict[str, str] = {}

    def measure(self, only: Sequence[str]) -> None:
        """Measure the scenes of the plan, or those named."""
        for name, scene in self.plan.scenes:
            if only and name not in only:
                continue
            reason = obstacle(scene)
            if not reason:
                print(f"measuring: {scene.name}", file=sys.stderr, flush=True)
                seen = see(scene)
                self._seen[name] = seen
                reason = ill(seen)
            if reason:
                self._skipped[name] = reason

    def of(self, name: str) -> Seen | None:
        """Return what was seen of a scene, however good."""
        return self._seen.get(name)

    def cost(self, name: str, goal: float | None, rows: int) -> Row:
        """Return what a poll costs in a scene."""
        scene = getattr(self.plan, name) or getattr(FULL, name)
        seen = self._seen.get(name)
        what = f"{scene.name} ({self._skipped[name]})" if name in self._skipped else scene.name
        requests = 0 if scene.bulk else 1000 * DISKS
        return Row(what, CPU, seen.cpu if seen else (), goal, requests, rows, self._why(name))

    def ratio(self, what: str, names: tuple[str, str], goal: float) -> Row:
        """Return what a poll costs in one scene, against another."""
        large, small = (self._seen.get(name) for name in names)
        if large is None or small is None:
            return Row(what, "ratio", goal=goal, skipped=self._why(names[0] if large is None else names[1]))
        return Row(what, "ratio", [one / median(small.cpu) for one in large.cpu], goal)

    def _why(self, name: str) -> str:
        return self._skipped.get(name, "not in this run")


def costs(results: Results) -> Iterator[Row]:
    """Yield the rows of CPU."""
    yield results.cost("get", 100, 1000)
    yield from mariadb_costs(results, "mariadb", 100)
    yield results.cost("bulk", 20, 1000)
    yield from mariadb_costs(results, "bulk_mariadb", 20)
    yield results.cost("many", 20, 1000)
    yield from mariadb_costs(results, "many_mariadb", 20)
    yield results.ratio("GET: cost at 10,000 / at 500 jobs", ("get_most", "get_few"), 1.05)
    yield results.ratio("bulk: cost at 100,000 / at 10,000 jobs", ("many", "few"), 1.05)
    idle = results.of("idle")
    spent = [1000 * window.cpu_s / window.seconds for window in idle.windows] if idle else []
    yield Row("idle", "CPU ms a second", spent, 2, skipped="not in this run")


def mariadb_costs(results: Results, name: str, goal: float) -> Iterator[Row]:
    """Yield the rows of a scene with MariaDB: the poller, the server, what it was asked."""
    yield results.cost(name, goal, 1000)
    seen = results.of(name)
    figures = [window.database_ms_per_1000 for window in seen.windows] if seen else []
    yield Row("the same: MariaDB's own CPU", CPU, figures, 150, skipped="as above")
    statements = [1000 * window.statements / window.polls for window in seen.windows] if seen else []
    yield Row("the same: statements", "per 1,000 job polls", statements, skipped="as above")


def times(results: Results) -> Iterator[Row]:
    """Yield the rows of time."""
    late = results.of("get_most") or results.of("get")
    for share, goal in ((0.5, 5), (0.99, 50)):
        what = f"lateness, p{100 * share:g}, {late.scene.fleet.jobs:,} jobs, GET" if late else "lateness"
        yield Row(
            f"{what}", "ms, at most", [1000 * late.late_s(share)] if late else (), goal, skipped="as above"
        )
    for name in ("get", "mariadb"):
        seen = results.of(name)
        what = f"told by the VMA to row committed, p99, {getattr(results.plan, name).name}"
        lags = [1000 * share_of(seen.lags_s, 0.99)] if seen and seen.lags_s else ()
        yield Row(what, "ms", lags, 250, skipped="as above")
    many = results.of("many")
    first = [many.first_poll_s] if many and many.first_poll_s else ()
    yield Row(
        f"start to first poll, {results.plan.many.fleet.jobs:,} jobs", "s", first, 3, skipped="as above"
    )


def memory(results: Results) -> Iterator[Row]:
    """Yield the rows of memory."""
    idle = results.of("idle")
    yield Row(
        "memory, no active jobs", "MB", [idle.resident_bytes / 1e6] if idle else (), 60, skipped="as above"
    )
    for name in ("thousand", "get_most", "few", "many"):
        seen = results.of(name)
        if seen is None or idle is None:
            continue
        yield Row(f"memory, {seen.scene.name}", "MB", [seen.resident_bytes / 1e6])
        a_job = (seen.resident_bytes - idle.resident_bytes) / seen.scene.fleet.jobs / 1000
        yield Row("the same, for each job", "kB", [a_job], 2)


def yardsticks(plan: Plan) -> tuple[Yardsticks, list[Row]]:
    """Measure the yardsticks; return their medians, and their rows."""
    wrk, curl = http_yardsticks(plan.repeats, plan.repeats, plan.requests) if NGINX else ([], [])
    update = [bare_update_ms(Fleet(5000), 25) for _ in range(plan.repeats)]
    rows = [
        Row("wrk", "CPU ms per 1,000 requests", wrk, skipped="nginx or wrk is not installed"),
        Row("bare CurlMulti loop", "CPU ms per 1,000 requests", curl, skipped="nginx is not installed"),
        Row("bare UPDATE of SQLite, 200 rows each", "CPU ms per 1,000 rows", update),
    ]
    medians = [median(figures) if figures else None for figures in (wrk, curl, update)]
    return Yardsticks(*medians), rows


def main() -> int:
    """Measure and print; the exit status is 2 for a name that no scene has."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller fleets, once, in under two minutes")
    parser.add_argument("--only", default="", help="names of scenes, of: " + ", ".join(dict(FULL.scenes)))
    parser.add_argument("--windows", type=int, default=0, help="repeats of each scene")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    only = [name for name in options.only.split(",") if name]
    if options.windows:
        plan = replace(plan, **{name: replace(scene, windows=options.windows) for name, scene in plan.scenes})
    known: Mapping[str, Scene] = dict(plan.scenes)
    unknown = [name for name in only if name not in known]
    if unknown:
        print(f"scale: unknown: {', '.join(unknown)}; allowed are {', '.join(known)}", file=sys.stderr)
        return 2
    print(described(), flush=True)
    sticks, stick_rows = yardsticks(plan)
    results = Results(plan)
    results.measure(only)
    print(as_markdown([*costs(results), *times(results), *memory(results), *stick_rows], sticks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
