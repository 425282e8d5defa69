"""Deletes old history, a bounded piece at a time, and that of jobs which the OMA has deleted."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial

from oma_poller.clock import Clock
from oma_poller.core.history import expired
from oma_poller.database.capabilities import HISTORY, JOBS
from oma_poller.database.dialect import Dialect
from oma_poller.database.history import stored_moment
from oma_poller.database.session import Link, Session
from oma_poller.engine.ports import Thinned

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

    def step(self, session: Session) -> Thinned:
        """Do one pass; nothing where there is no history. Raises DatabaseError.

        However slow the database is, a piece of what is old of each grain goes in every pass.
        """
        if not session.run(lambda link: bool(link.capabilities.own_history)):
            return Thinned()
        found = session.run(self._next_jobs)
        until_s = self._clock.monotonic() + LONGEST_S  # not to be used up by looking
        passed = self._delete_orphans(session, found, until_s)
        for grain_s, before in expired(self._clock.utc()):
            passed += self._delete(session, _OLD, (grain_s, stored_moment(before)), until_s)
        return passed

    def _delete_orphans(self, session: Session, found: Sequence[tuple[str, bool]], until_s: float) -> Thinned:
        """Delete what there is of jobs that the OMA has deleted; go on behind the last that is dealt with."""
        passed = Thinned()
        for job_id, is_known in found:
            if not is_known:
                if passed.rows and self._clock.monotonic() >= until_s:
                    return passed + Thinned(has_more=True)
                passed += self._delete(session, _OF_JOB, (job_id,), until_s)
                if passed.has_more:
                    return passed
            self._seen_up_to = job_id
        if len(found) < JOBS_A_PASS:
            self._seen_up_to = ""
        return passed

    def _delete(self, session: Session, where: str, values: tuple[object, ...], until_s: float) -> Thinned:
        """Delete one piece of what *where* says, and more while there is time and something left."""
        where, gone = where.format(mark=self._dialect.mark), 0
        while True:
            piece = session.run(partial(self._prune, where=where, values=values))
            gone += piece
            if piece < ROWS_A_PIECE:
                return Thinned(gone)
            if self._clock.monotonic() >= until_s:
                return Thinned(gone, has_more=True)

    def _prune(self, link: Link, *, where: str, values: tuple[object, ...]) -> int:
        """Delete a piece of what *where* says, in a transaction of its own."""
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(self._dialect.prune(HISTORY, where, ROWS_A_PIECE), values)
            gone = cursor.rowcount
        link.connection.commit()
        return gone

    def _next_jobs(self, link: Link) -> list[tuple[str, bool]]:
        """Return the next jobs that have a history, by id, and whether the OMA still has each."""
        sql = _NEXT_JOBS.format(history=HISTORY, table=JOBS, mark=self._dialect.mark, jobs=JOBS_A_PASS)
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(sql, (self._seen_up_to,))
            found = [(str(job_id), known is not None) for job_id, known in cursor.fetchall()]
        link.connection.rollback()  # what was read holds no lock
        return found
