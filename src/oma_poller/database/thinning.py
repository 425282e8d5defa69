"""Deletes old history, a bounded piece at a time, and that of jobs which the OMA has deleted."""

from contextlib import closing
from functools import partial

from oma_poller.clock import Clock
from oma_poller.core.history import expired
from oma_poller.database.capabilities import HISTORY, JOBS
from oma_poller.database.dialect import Dialect
from oma_poller.database.history import stored_moment
from oma_poller.database.session import Link, Session

ROWS_A_PIECE = 1000
"""Rows deleted in one transaction, so that nobody waits long for its locks."""
LONGEST_S = 0.1
"""A pass begins no further piece after this time, since rows wait for it; the next pass goes on."""
JOBS_A_PASS = 100
"""Jobs that a pass looks up in the OMA's table: in a day that is more than there are."""

_OLD = "grain_s = {mark} AND at < {mark}"
_OF_JOB = "job_id = {mark}"
_NEXT_JOBS = (
    "SELECT h.job_id, j.id FROM (SELECT job_id FROM {history} WHERE job_id > {mark}"
    " GROUP BY job_id ORDER BY job_id LIMIT {jobs:d}) AS h"
    " LEFT JOIN {table} AS j ON j.id = h.job_id ORDER BY h.job_id"
)


class Thinning:
    """Walks over the jobs that have a history, a few in each pass, and deletes what is old by its index."""

    def __init__(self, dialect: Dialect, clock: Clock) -> None:
        self._dialect = dialect
        self._clock = clock
        self._seen_up_to = ""

    def step(self, session: Session) -> int:
        """Do one pass and return how many rows went; 0 where there is no history. Raises DatabaseError."""
        if not session.run(lambda link: bool(link.capabilities.own_history)):
            return 0
        began_s = self._clock.monotonic()
        mark = self._dialect.mark
        work: list[tuple[str, tuple[object, ...]]] = [
            (_OF_JOB.format(mark=mark), (job_id,)) for job_id in session.run(self._orphans)
        ]
        work += [
            (_OLD.format(mark=mark), (grain_s, stored_moment(before)))
            for grain_s, before in expired(self._clock.utc())
        ]
        gone = 0
        for where, values in work:
            piece = ROWS_A_PIECE
            while piece == ROWS_A_PIECE and self._clock.monotonic() - began_s < LONGEST_S:
                piece = session.run(partial(self._prune, where=where, values=values))
                gone += piece
        return gone

    def _prune(self, link: Link, *, where: str, values: tuple[object, ...]) -> int:
        """Delete a piece of what *where* says, in a transaction of its own."""
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(self._dialect.prune(HISTORY, where, ROWS_A_PIECE), values)
            gone = cursor.rowcount
        link.connection.commit()
        return gone

    def _orphans(self, link: Link) -> list[str]:
        """Return those of the next jobs by id that the OMA has deleted; after the last job, begin anew."""
        sql = _NEXT_JOBS.format(history=HISTORY, table=JOBS, mark=self._dialect.mark, jobs=JOBS_A_PASS)
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(sql, (self._seen_up_to,))
            found = [(str(job_id), known) for job_id, known in cursor.fetchall()]
        link.connection.rollback()  # what was read holds no lock
        self._seen_up_to = found[-1][0] if len(found) == JOBS_A_PASS else ""
        return [job_id for job_id, known in found if known is None]
