"""Reads the OMA's jobs: one query for all ids, one for the keys of some of them (D3)."""

from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Any

from oma_poller.database.active_ids import read_ids, split_ids
from oma_poller.database.address import DatabaseAddress
from oma_poller.database.capabilities import Capabilities
from oma_poller.database.column import Kind
from oma_poller.database.dialect import dialect_of
from oma_poller.database.fitting import Row
from oma_poller.database.job_rows import group_jobs
from oma_poller.database.queries import active_query, details_query, listing_query, newest_query
from oma_poller.database.session import Link, Session
from oma_poller.logs import get_logger
from oma_poller.model.job import Job
from oma_poller.model.policy import TERMINAL_STATUSES

PASSES_BY_ROW = 100
"""So many passes read all ids row by row before one cell is tried again: what is odd stays so for long."""


class SqlJobSource:
    """A JobSource on the OMA's database. Connects at the first call, and again when the connection broke."""

    def __init__(self, address: DatabaseAddress, active_statuses: frozenset[str]) -> None:
        self._session = Session(address, autocommit=True)
        self._statuses = tuple(sorted(active_statuses - TERMINAL_STATUSES))
        self._dialect = dialect_of(address.engine)
        self._passes_by_row = 0
        self._last: tuple[Sequence[Any], frozenset[str] | None] = ((), None)
        self.left_out: dict[str, str] = {}
        """Rows that the last call of `active` left out, by their ids, each with the reason."""

    def active(self) -> frozenset[str]:
        """Return the id of every active job. Raises DatabaseError and its kinds."""
        if not self._statuses:
            return frozenset()
        ids, left_out = self._in_one_cell(), dict[str, str]()
        if ids is None:
            sql = active_query(self._dialect, len(self._statuses))
            ids, left_out = read_ids(self._session.run(lambda link: _rows(link, sql, self._statuses)))
        for job_id in sorted(left_out.keys() - self.left_out.keys()):
            get_logger().warning("job left out", job_id=job_id, reason=left_out[job_id])
        self.left_out = left_out
        return ids

    def _in_one_cell(self) -> frozenset[str] | None:
        """Return all ids at a tenth of what rows cost; None where they are to be read row by row."""
        if self._passes_by_row:
            self._passes_by_row -= 1
            return None
        ids = self._session.run(self._listed)
        if ids is None:
            self._passes_by_row = PASSES_BY_ROW
        return ids

    def _listed(self, link: Link) -> frozenset[str] | None:
        if link.capabilities.jobs.columns["id"].kind is not Kind.TEXT:
            return None  # in a cell with others it would be text, and is none
        (cells,) = _rows(link, listing_query(self._dialect, len(self._statuses)), self._statuses)
        if cells != self._last[0]:  # mostly no job has begun or ended since the last pass
            self._last = (cells, split_ids(cells))
        return self._last[1]

    def details(self, job_ids: Sequence[str], new_ids: Collection[str] = ()) -> list[Job]:
        """Return these jobs with disks and volumes, newest first, and the past of *new_ids*.

        Raises DatabaseError and its kinds.
        """
        if not job_ids:
            return []
        wanted = frozenset(job_ids)
        new = frozenset(new_ids)
        asked: list[Row] = [[_plain(job_id), int(job_id in new)] for job_id in sorted(wanted)]
        parameters = (self._dialect.parameter(asked),)
        rows = self._session.run(
            lambda link: _rows(link, details_query(self._dialect, link.capabilities), parameters)
        )
        return group_jobs(rows, wanted)

    def newest(self, limit: int) -> list[str]:
        """Return the ids of at most *limit* active jobs, the newest; without a date those that sort last.

        An id that `active` would leave out matches no row of `details`.

        Raises DatabaseError and its kinds.
        """
        if not self._statuses:
            return []
        return self._session.run(
            lambda link: [
                str(job_id)
                for (job_id,) in _rows(
                    link,
                    newest_query(self._dialect, link.capabilities, len(self._statuses), limit),
                    self._statuses,
                )
            ]
        )

    @property
    def capabilities(self) -> Capabilities:
        """What the database has. Raises DatabaseError and its kinds."""
        return self._session.run(lambda link: link.capabilities)

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        self._session.close()


def _rows(link: Link, sql: str, parameters: tuple[str, ...]) -> Sequence[tuple[Any, ...]]:
    with closing(link.connection.cursor()) as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _plain(job_id: str) -> str:
    """Return an id as it can be sent; half a character matches no row."""
    return job_id.encode("utf-8", "replace").decode()
