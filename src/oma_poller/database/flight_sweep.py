"""Takes the recorded polls of jobs that are gone out of our own table, a few jobs at a time."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta

from oma_poller.clock import Clock
from oma_poller.database.capabilities import FLIGHTS, JOBS
from oma_poller.database.dialect import Dialect
from oma_poller.database.moment import read_moment
from oma_poller.database.session import Link, Session

KEPT = timedelta(days=7)
"""Flights stay so long after the last one of their job."""
JOBS_A_PASS = 100
"""Jobs that a pass looks at: in a day that is more than there are."""

_NEXT_JOBS = (
    "SELECT f.job_id, f.newest, j.id FROM (SELECT job_id, MAX(at) AS newest FROM {flights}"
    " WHERE job_id > {mark} GROUP BY job_id ORDER BY job_id LIMIT {jobs:d}) AS f"
    " LEFT JOIN {table} AS j ON j.id = f.job_id ORDER BY f.job_id"
)
_DELETE = "DELETE FROM {flights} WHERE job_id IN ({marks})"


class FlightSweep:
    """Walks over the jobs that have flights, a few in each pass.

    What goes is all of a job that the OMA has deleted, or of which nothing was recorded for a week.
    """

    def __init__(self, dialect: Dialect, clock: Clock) -> None:
        self._dialect = dialect
        self._clock = clock
        self._seen_up_to = ""

    def step(self, session: Session) -> int:
        """Do one pass and return how many flights went; 0 where there is no table. Raises DatabaseError."""
        if not session.run(lambda link: bool(link.capabilities.own_flights)):
            return 0
        gone = session.run(self._gone)
        return session.run(lambda link: self._delete(link, gone)) if gone else 0

    def _gone(self, link: Link) -> list[str]:
        """Return those of the next jobs by id that are gone; after the last job, begin anew."""
        sql = _NEXT_JOBS.format(flights=FLIGHTS, table=JOBS, mark=self._dialect.mark, jobs=JOBS_A_PASS)
        oldest = self._clock.utc() - KEPT
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(sql, (self._seen_up_to,))
            found = [(str(job_id), read_moment(newest), known) for job_id, newest, known in cursor.fetchall()]
        link.connection.rollback()  # what was read holds no lock
        self._seen_up_to = found[-1][0] if len(found) == JOBS_A_PASS else ""
        return [job_id for job_id, newest, known in found if known is None or _is_before(newest, oldest)]

    def _delete(self, link: Link, job_ids: Sequence[str]) -> int:
        marks = ", ".join([self._dialect.mark] * len(job_ids))
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(_DELETE.format(flights=FLIGHTS, marks=marks), tuple(job_ids))
            deleted = cursor.rowcount
        link.connection.commit()
        return deleted


def _is_before(newest: datetime | None, oldest: datetime) -> bool:
    """Whether the newest flight is too old; one without a moment is somebody else's row, and goes too."""
    return newest is None or newest < oldest
