"""Notes that a person takes what the VMA shows of a job for the job's own (T5)."""

from contextlib import closing

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.capabilities import Capabilities, read_capabilities, require_usable
from oma_poller.database.cells import text_of
from oma_poller.database.connect import Connection, Cursor, connect
from oma_poller.database.dialect import dialect_of
from oma_poller.database.driver_errors import translating
from oma_poller.errors import AcceptError, DatabaseError, UnknownJobError
from oma_poller.model.observation import Observation
from oma_poller.model.policy import TERMINAL_STATUSES

ACCEPTABLE = frozenset({Observation.UNVERIFIED.value, Observation.PREVIOUS_RUN.value})
"""Observations that a person can settle."""

_STATUS = "SELECT id, status FROM {jobs} WHERE id = {mark}"
_SEEN = "SELECT observation FROM {own} WHERE job_id = {mark}"
_ACCEPT = "UPDATE {own} SET accepted_at = {now} WHERE job_id = {mark}"


def accept(address: DatabaseAddress, job_id: str, *, force: bool = False) -> None:
    """Note that the entries of *job_id* are accepted as they stand; the poller sees it in its next pass.

    A job that is `previous_run` is accepted with *force* only: its entry is believed by itself once it moves.
    Raises UnknownJobError, AcceptError where there is nothing to accept, and DatabaseError where the
    database cannot be reached, is no OMA's, or has not the tables for it.
    """
    with translating(address), closing(connect(address, autocommit=True)) as connection:
        has = read_capabilities(connection, address)
        require_usable(has, address)
        if not has.own_jobs.has("job_id", "memory", "accepted_at"):
            raise DatabaseError(
                f"{address.redacted}: the program's own tables are not there, or of an older version; "
                "run: oma-poller db upgrade"
            )
        with closing(connection.cursor()) as cursor:
            _require_acceptable(cursor, has, job_id, force=force)
        _note(connection, has, job_id)


def _require_acceptable(cursor: Cursor, has: Capabilities, job_id: str, *, force: bool) -> None:
    mark = dialect_of(has.engine).mark
    cursor.execute(_STATUS.format(jobs=has.jobs.name, mark=mark), (job_id,))
    found = {text_of(row[0]): text_of(row[1]) for row in cursor.fetchall()}
    if job_id not in found:
        raise UnknownJobError(job_id)
    if found[job_id] in TERMINAL_STATUSES:
        raise AcceptError(f"job {job_id!r} has ended as {found[job_id]}: there is nothing to accept")
    cursor.execute(_SEEN.format(own=has.own_jobs.name, mark=mark), (job_id,))
    row = cursor.fetchone()
    seen = "" if row is None else text_of(row[0])
    if seen not in ACCEPTABLE:
        how = f"is seen as {seen}" if seen else "was not polled yet"
        allowed = " or ".join(sorted(ACCEPTABLE))
        raise AcceptError(f"job {job_id!r} {how}: only one that is {allowed} can be accepted")
    if seen == Observation.PREVIOUS_RUN and not force:
        raise AcceptError(
            f"job {job_id!r} is seen as {seen}: the VMA's entry is older than this job and has not "
            "moved since; it is believed once it moves; if it is this job's all the same: --force"
        )


def _note(connection: Connection, has: Capabilities, job_id: str) -> None:
    dialect, own = dialect_of(has.engine), has.own_jobs
    sql = _ACCEPT.format(own=own.name, now=dialect.now(own.columns["accepted_at"]), mark=dialect.mark)
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql, (job_id,))
    connection.commit()
