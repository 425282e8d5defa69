"""Writes updates into the OMA's tables: one transaction a flush, one statement a table (D4, D5)."""

from collections.abc import Sequence
from contextlib import closing

from oma_poller.clock import Clock, SystemClock
from oma_poller.database.address import DatabaseAddress
from oma_poller.database.dialect import dialect_of
from oma_poller.database.fitting import Row
from oma_poller.database.flush import (
    Flush,
    disk_rows,
    end_rows,
    flush_of,
    heartbeat_rows,
    job_rows,
    own_rows,
)
from oma_poller.database.history import SqlHistory
from oma_poller.database.row_locks import RowLocks
from oma_poller.database.session import Link, Session
from oma_poller.database.sightings import Sightings
from oma_poller.database.statements import Statement, Statements, StatementText
from oma_poller.database.sweep import Sweep
from oma_poller.database.thinning import Thinning
from oma_poller.engine.ports import Flushed, Thinned
from oma_poller.errors import DatabaseLockedError, DatabaseLockTimeoutError, DatabaseRefusedError
from oma_poller.logs import get_logger
from oma_poller.model.memory import JobMemory
from oma_poller.model.policy import TERMINAL_STATUSES
from oma_poller.model.update import Update

ATTEMPTS = 3
"""A flush that met another's lock, or a deadlock, is tried so often before the caller is told."""


class SqlJobSink:
    """A JobSink on the OMA's database. Connects at the first write, and again when the connection broke."""

    def __init__(
        self,
        address: DatabaseAddress,
        active_statuses: frozenset[str],
        write_status: bool,  # noqa: FBT001  # a setting, handed on as the others are
        clock: Clock | None = None,
    ) -> None:
        clock, dialect = clock or SystemClock(), dialect_of(address.engine)
        self._session = Session(address, autocommit=False)
        self._locks = RowLocks(self._session, address.engine)
        self._withheld: frozenset[str] = frozenset()
        self._guard = tuple(sorted(active_statuses - TERMINAL_STATUSES))
        self._write_status = write_status
        self._dialect = dialect
        self._link: Link | None = None
        self._statements: Statements | None = None
        self._clock = clock
        self._sightings = Sightings()
        self._is_forgetful = False
        self._sweep = Sweep(self._guard, clock)
        self._history = SqlHistory(dialect, clock)
        self._thinning = Thinning(dialect, clock)

    def write(
        self,
        updates: Sequence[Update],
        heartbeat_ids: Sequence[str] = (),
        memories: Sequence[JobMemory] = (),
    ) -> Flushed:
        """Write all of it in one transaction; what is not active is not touched.

        Raises DatabaseUnavailableError where nothing was written and trying again may help. Raises
        DatabaseRefusedError where the database refuses some rows for their values: all others are written
        then. Raises another DatabaseError where the database cannot be worked with.
        """
        flush = flush_of(updates, heartbeat_ids, memories)
        if not flush:
            return Flushed()
        held, self._withheld = self._locks.suspects(flush), frozenset()
        flush = flush.without(held)
        refusals, more = self._write(flush) if flush else ([], frozenset())
        self._sweep.run(self._session)
        if refusals:
            job_ids = tuple(sorted({job_id for refusal in refusals for job_id in refusal.job_ids}))
            raise DatabaseRefusedError(str(refusals[0]), job_ids, held | more, self._withheld)
        return Flushed(held | more, self._withheld)

    def thin(self) -> Thinned:
        """Delete a bounded number of old samples. Raises DatabaseError and its kinds."""
        return self._thinning.step(self._session)

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        self._session.close()

    def _write(self, flush: Flush) -> tuple[list[DatabaseRefusedError], frozenset[str]]:
        """Write *flush*, but for rows that are refused or locked: no row keeps another from being written.

        Return what was refused, and the jobs whose rows are held.
        """
        try:
            self._transact(flush)
        except DatabaseRefusedError as error:
            if len(flush.job_ids) == 1:
                return [DatabaseRefusedError(str(error), flush.job_ids)], frozenset()
            (first, held), (second, more) = map(self._write, flush.halves())
            return first + second, held | more
        except DatabaseLockTimeoutError:
            held = self._locks.held(flush)
            free = flush.without(held)
            if not (held and free):
                raise
            refused, more = self._write(free)
            return refused, held | more
        return [], frozenset()

    def _transact(self, flush: Flush) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._session.run(lambda link: self._flush(link, flush))
            except DatabaseLockedError as error:
                timed_out = isinstance(error, DatabaseLockTimeoutError)
                if attempt == ATTEMPTS or (timed_out and self._locks.held(flush)):
                    raise
            else:
                self._remember(flush)
                return

    def _flush(self, link: Link, flush: Flush) -> None:
        statements = self._prepared(link)
        if self._dialect.begin is not None:
            with closing(link.connection.cursor()) as cursor:
                cursor.execute(self._dialect.begin)
        withheld = self._late_ends(link, statements.ends, end_rows(flush))
        if statements.history is not None:
            rows = self._history.rows(link, flush.updates, statements.history.fits)
            self._run(link, statements.history, rows)
        if statements.disks is not None:
            self._run(link, statements.disks, disk_rows(flush, statements.disks.fits))
        self._run(link, statements.jobs, job_rows(flush, statements.jobs.fits))
        self._run(link, statements.heartbeats, heartbeat_rows(flush))
        if statements.own is not None:
            self._run(link, statements.own, own_rows(self._sightings.news(flush), statements.own.fits))
        link.connection.commit()
        self._withheld |= withheld

    def _late_ends(self, link: Link, sql: str, ends: Sequence[Row]) -> frozenset[str]:
        """Return the jobs whose end the guard will not let through; rows of the others stay as they are.

        It is asked before they are written: afterwards nobody can tell whose word the row's status is.
        """
        if not ends:
            return frozenset()
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(sql, (self._dialect.parameter(ends),))
            writable = {str(job_id) for (job_id,) in cursor.fetchall()}
        return frozenset(str(row[0]) for row in ends) - writable

    def _prepared(self, link: Link) -> Statements:
        """Return the statements for what this connection's database has."""
        if self._statements is None or self._link is not link:
            self._link = link
            self._sightings.clear()
            text = StatementText(link.capabilities, self._guard, write_status=self._write_status)
            self._statements = text.all()
            if not link.capabilities.own_jobs.has("memory"):
                self._say_forgetful()
        return self._statements

    def _say_forgetful(self) -> None:
        """Say once that nothing is remembered in this database (D2)."""
        if not self._is_forgetful:
            what = "the program's own tables are not there, or of an older version"
            detail = f"{what}; run: oma-poller db upgrade"
            get_logger().warning("nothing is remembered across a restart", detail=detail)
        self._is_forgetful = True

    def _run(self, link: Link, statement: Statement, rows: Sequence[Row]) -> None:
        if rows:
            with closing(link.connection.cursor()) as cursor:
                self._dialect.run(cursor, statement.sql, rows)

    def _remember(self, flush: Flush) -> None:
        self._history.keep(flush.updates)
        self._sightings.keep(flush, self._clock.monotonic())
