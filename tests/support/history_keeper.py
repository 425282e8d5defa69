"""An OMA with our own tables, a sink that leaves history in them, and the clock that both go by."""

from oma_rows import ACTIVE, MemoryRows, OmaRows, SqlRows
from virtual_time import SetClock

from oma_poller.database.history_rows import read_history
from oma_poller.database.memory import MemoryJobSink
from oma_poller.database.sink import SqlJobSink
from oma_poller.errors import UnknownJobError
from oma_poller.model.sample import Sample


class Keeper:
    """An OMA with our own tables, a sink, and the clock that both go by."""

    def __init__(self, rows: MemoryRows | SqlRows) -> None:
        self.clock = SetClock()
        self.rows: OmaRows = rows
        self._memory = rows.oma if isinstance(rows, MemoryRows) else None
        self._address = rows.address if isinstance(rows, SqlRows) else None
        self.restart()

    def restart(self) -> None:
        """Begin with a sink that knows nothing."""
        if self._memory is not None:
            self._memory.clock = self.clock
            self.sink: MemoryJobSink | SqlJobSink = MemoryJobSink(self._memory, ACTIVE, True)  # noqa: FBT003  # as the port's makers
        elif self._address is not None:
            self.sink = SqlJobSink(self._address, ACTIVE, True, self.clock)  # noqa: FBT003  # as above

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now_s += seconds

    def samples(self, job_id: str = "job-1") -> list[Sample]:
        """Return what is kept of a job, the oldest first."""
        if self._memory is not None:
            return sorted((s for s in self._memory.history if s.job_id == job_id), key=lambda s: s.at)
        assert self._address is not None
        try:
            return list(read_history(self._address, job_id))
        except UnknownJobError:
            return []

    def delete(self, job_id: str) -> None:
        """Delete a job as the OMA does."""
        if self._memory is not None:
            del self._memory.jobs[job_id]
        else:
            assert isinstance(self.rows, SqlRows)
            self.rows.execute("DELETE FROM replication_jobs WHERE id = ?", [job_id])
