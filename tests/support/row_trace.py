"""What a job's row says while it is copied, again and again, beside what its targets really hold."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any, NamedTuple

from migration import MovingDisk
from oma_database import OmaDatabase
from patience import until
from poller_process import RunningPoller

from oma_poller.database.address import Engine
from oma_poller.database.connect import Connection, connect

# One statement, so that the row and its disks are seen as they were at the same moment.
_LOOK = """
SELECT j.status, j.progress_percent, j.bytes_transferred, j.total_bytes,
    COALESCE(j.vma_error_classification, ''), d.sync_status
FROM replication_jobs j JOIN vm_disks d ON d.job_id = j.id WHERE j.id = ? ORDER BY d.id
"""
COPY_PATIENCE_S = 90.0
"""How long a whole copy may take; several times what it does."""


class RowSight(NamedTuple):
    """One look at a row."""

    at_s: float
    status: str
    percent: float
    bytes_transferred: int
    total_bytes: int
    observation: str
    """Empty where all is well."""
    disk_statuses: tuple[str, ...]
    least_written_bytes: int
    """On the targets just before the look."""
    most_written_bytes: int
    """On the targets just after it."""

    @property
    def numbers(self) -> tuple[float, int, int]:
        """What is written of the progress."""
        return self.percent, self.bytes_transferred, self.total_bytes


class RowTrace:
    """All looks at one job's row, in order."""

    def __init__(self, connection: Connection, mark: str, job_id: str, disks: Sequence[MovingDisk]) -> None:
        self._connection = connection
        self._mark = mark
        self._job_id = job_id
        self._disks = disks
        self.sights: list[RowSight] = []
        self.poller: RunningPoller | None = None
        """Must be running at each look, where it is set."""

    def follow(self, done: Callable[[RowSight], bool], what: str) -> RowSight:
        """Look again and again until a look is as wanted; return that."""

        def look() -> RowSight | None:
            self._check_poller()
            sight = self._look()
            self.sights.append(sight)
            return sight if done(sight) else None

        found = until(look, what, COPY_PATIENCE_S)
        assert found is not None
        return found

    def follow_to(self, percent: float) -> RowSight:
        """Follow until the row says so much."""
        return self.follow(lambda sight: sight.percent >= percent, f"{percent} % in the row")

    def follow_to_end(self) -> RowSight:
        """Follow until the job has ended, well or not."""
        return self.follow(lambda sight: sight.status in {"completed", "failed"}, "the end of the job")

    @property
    def statuses(self) -> list[str]:
        """Each status that was seen, in order."""
        return list(dict.fromkeys(sight.status for sight in self.sights))

    @property
    def percents(self) -> list[float]:
        """The percent at each look."""
        return [sight.percent for sight in self.sights]

    def ahead_percent(self) -> float:
        """How far the row was ahead of what was on the targets at that moment, at most."""
        total_bytes = sum(disk.data_bytes for disk in self._disks)
        return max(sight.percent - 100 * sight.most_written_bytes / total_bytes for sight in self.sights)

    def behind_percent(self, within_s: float) -> float:
        """How far the row was behind what had been on the targets *within_s* seconds before, at most."""
        total_bytes = sum(disk.data_bytes for disk in self._disks)
        times_s = [sight.at_s for sight in self.sights]
        worst = 0.0
        for sight in self.sights:
            earlier = bisect_right(times_s, sight.at_s - within_s)
            if earlier:
                before = 100 * self.sights[earlier - 1].least_written_bytes / total_bytes
                worst = max(worst, before - sight.percent)
        return worst

    def _check_poller(self) -> None:
        if self.poller is not None:
            assert self.poller.process.poll() is None, self.poller.output

    def _look(self) -> RowSight:
        at_s, least = monotonic(), self._written_bytes()
        rows = self._rows()
        status, percent, moved, total, observation, _ = rows[0]
        statuses = tuple(str(row[-1]) for row in rows)
        most = self._written_bytes()
        return RowSight(at_s, status, float(percent), moved, total, observation, statuses, least, most)

    def _rows(self) -> Sequence[tuple[Any, ...]]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(_LOOK.replace("?", self._mark), (self._job_id,))
            return cursor.fetchall()

    def _written_bytes(self) -> int:
        return sum(disk.written_bytes for disk in self._disks)


@contextmanager
def tracing(oma: OmaDatabase, job_id: str, *disks: MovingDisk) -> Iterator[RowTrace]:
    """Trace the row of a job over a connection that stays open."""
    mark = "?" if oma.address.engine is Engine.SQLITE else "%s"
    with closing(connect(oma.address, autocommit=True)) as connection:
        yield RowTrace(connection, mark, job_id, disks)
