"""Which rows of a flush another program holds locked, so that the others need not wait for them."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TypeVar

from oma_poller.database.address import Engine
from oma_poller.database.capabilities import Table
from oma_poller.database.flush import Flush
from oma_poller.database.session import Link, Session
from oma_poller.errors import DatabaseError
from oma_poller.model.update import Update

Key = TypeVar("Key", bound=int | str)

_PLAIN = "SELECT id FROM {table}{hint} WHERE id IN ({marks})"
_FREE = _PLAIN + " FOR UPDATE SKIP LOCKED"


class RowLocks:
    """Asks a server for the rows that can be locked now; what is there and is not among them is held.

    An SQLite database is locked as a whole, so there is nothing to tell apart. The same goes for a server
    that does not know SKIP LOCKED: MariaDB before 10.6, MySQL before 8.
    """

    def __init__(self, session: Session, engine: Engine) -> None:
        self._session = session
        self._can_tell = engine is Engine.MYSQL
        self._suspects: frozenset[str] = frozenset()

    def suspects(self, flush: Flush) -> frozenset[str]:
        """Return the jobs that were held the last time and still are; the others are forgotten."""
        if self._suspects:
            again = flush.only(self._suspects)
            self._suspects = self.held(again) if again else frozenset()
        return self._suspects

    def held(self, flush: Flush) -> frozenset[str]:
        """Return the jobs of which a row, or one of a disk, is locked by somebody else at this moment."""
        if not self._can_tell:
            return frozenset()
        try:
            held = self._session.run(lambda link: _held(link, flush))
        except DatabaseError:
            return frozenset()
        self._suspects |= held
        return held


def _held(link: Link, flush: Flush) -> frozenset[str]:
    owners = {disk_id: update.job_id for update in flush.updates for disk_id in _disks_of(update)}
    jobs = _locked(link, link.capabilities.jobs, flush.job_ids)
    disks = _locked(link, link.capabilities.disks, owners)
    link.connection.rollback()
    return frozenset(jobs) | {owners[disk_id] for disk_id in disks}


def _disks_of(update: Update) -> Iterable[int | str]:
    return () if update.progress is None else (disk.id for disk in update.progress.disks)


def _locked(link: Link, table: Table, ids: Iterable[Key]) -> set[Key]:
    """Return those of *ids* that are in the table and cannot be locked now."""
    wanted = list(ids)
    if not wanted:
        return set()
    marks = ", ".join(["%s"] * len(wanted))
    hint = " FORCE INDEX (PRIMARY)" if table.columns["id"].in_primary_key else ""
    there = _ids(link, _PLAIN.format(table=table.name, hint=hint, marks=marks), wanted)
    free = _ids(link, _FREE.format(table=table.name, hint=hint, marks=marks), wanted)
    return {one for one in wanted if str(one) in there - free}


def _ids(link: Link, sql: str, wanted: Sequence[Key]) -> set[str]:
    with closing(link.connection.cursor()) as cursor:
        cursor.execute(sql, tuple(wanted))
        return {str(row[0]) for row in cursor.fetchall()}
