"""Writes updates into the OMA's tables: one transaction a flush, one statement a table (D4, D5)."""

from collections.abc import Sequence

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.dialect import dialect_of
from oma_poller.database.flush import Flush, Row, as_json, disk_rows, flush_of, job_rows, own_rows
from oma_poller.database.session import Link, Session
from oma_poller.database.statements import JOB, Statement, Statements, StatementText
from oma_poller.database.written import Written
from oma_poller.errors import DatabaseLockedError, DatabaseRefusedError
from oma_poller.model.observation import Sighting
from oma_poller.model.policy import TERMINAL_STATUSES
from oma_poller.model.update import Update

ATTEMPTS = 3
"""A flush that met another's lock, or a deadlock, is tried so often before the caller is told."""
MOST_REMEMBERED = 50_000
"""Jobs whose observation is remembered as written; when there are more, all are written anew."""


class SqlJobSink:
    """A JobSink on the OMA's database. Connects at the first write, and again when the connection broke."""

    def __init__(
        self,
        address: DatabaseAddress,
        active_statuses: frozenset[str],
        write_status: bool,  # noqa: FBT001  # a setting, handed on as the others are
    ) -> None:
        self._session = Session(address, autocommit=False)
        self._guard = tuple(sorted(active_statuses - TERMINAL_STATUSES))
        self._write_status = write_status
        self._begin = dialect_of(address.engine).begin
        self._link: Link | None = None
        self._statements: Statements | None = None
        self._told: dict[str, tuple[Sighting, int]] = {}

    def write(self, updates: Sequence[Update], heartbeat_ids: Sequence[str] = ()) -> None:
        """Write all of it in one transaction; what is not active is not touched.

        Raises DatabaseUnavailableError where nothing was written and trying again may help. Raises
        DatabaseRefusedError where the database refuses some rows for their values: all others are written
        then. Raises another DatabaseError where the database cannot be worked with.
        """
        flush = flush_of(updates, heartbeat_ids)
        if not flush:
            return
        refusals = self._write(flush)
        if refusals:
            job_ids = tuple(sorted({job_id for refusal in refusals for job_id in refusal.job_ids}))
            raise DatabaseRefusedError(str(refusals[0]), job_ids)

    def close(self) -> None:
        """Let the connection go. May be called twice."""
        self._session.close()

    def _write(self, flush: Flush) -> list[DatabaseRefusedError]:
        """Write *flush*; halve it where a row is refused, so that the others are written."""
        try:
            self._transact(flush)
        except DatabaseRefusedError as error:
            if len(flush) == 1:
                return [DatabaseRefusedError(str(error), flush.job_ids)]
            first, second = flush.halves()
            return self._write(first) + self._write(second)
        return []

    def _transact(self, flush: Flush) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._session.run(lambda link: self._flush(link, flush))
            except DatabaseLockedError:
                if attempt == ATTEMPTS:
                    raise
            else:
                self._remember(flush)
                return

    def _flush(self, link: Link, flush: Flush) -> None:
        statements = self._prepared(link)
        if self._begin is not None:
            self._execute(link, self._begin)
        if statements.disks is not None:
            self._run(link, statements.disks, disk_rows(flush, statements.disks.columns))
        self._run(link, statements.jobs, job_rows(flush, statements.jobs.columns))
        heartbeats: list[Row] = [{JOB: job_id} for job_id in flush.heartbeat_ids]
        self._run(link, statements.heartbeats, heartbeats)
        if statements.own is not None:
            news = [pair for pair in flush.updates if self._is_news(pair)]
            self._run(link, statements.own, own_rows(news, statements.own.columns))
        link.connection.commit()

    def _prepared(self, link: Link) -> Statements:
        """Return the statements for what this connection's database has."""
        if self._statements is None or self._link is not link:
            self._link = link
            self._told.clear()
            text = StatementText(link.capabilities, len(self._guard), write_status=self._write_status)
            self._statements = text.all()
        return self._statements

    def _run(self, link: Link, statement: Statement, rows: Sequence[Row]) -> None:
        if rows:
            guard = self._guard if statement.is_guarded else ()
            self._execute(link, statement.sql, (as_json(rows), *guard))

    def _execute(self, link: Link, sql: str, parameters: tuple[str, ...] = ()) -> None:
        cursor = link.connection.cursor()
        try:
            cursor.execute(sql, parameters)
        finally:
            cursor.close()

    def _is_news(self, pair: tuple[Update, Written]) -> bool:
        """Whether our own table does not have this observation yet."""
        update, _ = pair
        return self._told.get(update.job_id) != (update.sighting, update.consecutive_errors)

    def _remember(self, flush: Flush) -> None:
        for update, values in flush.updates:
            if values.ends:
                self._told.pop(update.job_id, None)
            else:
                self._told[update.job_id] = (update.sighting, update.consecutive_errors)
        if len(self._told) > MOST_REMEMBERED:
            self._told.clear()
