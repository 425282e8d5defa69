"""Takes what is remembered of jobs that left out of our own table, once they have been gone for a week."""

from contextlib import closing

from oma_poller.clock import Clock
from oma_poller.database.address import Engine
from oma_poller.database.capabilities import Capabilities
from oma_poller.database.dialect import dialect_of
from oma_poller.database.session import Link, Session
from oma_poller.errors import DatabaseError

EVERY_S = 3600.0
"""Pause between two sweeps."""
KEPT_DAYS = 7
"""A row of a job that is not active any more, or was deleted, stays so long."""
MOST_ROWS = 10_000
"""So many rows are taken out at once, that no other has to wait long."""

_LEFT = (
    " WHERE {own}.updated_at < {then} AND NOT EXISTS"
    " (SELECT 1 FROM {jobs} AS j WHERE {same_job} AND j.status IN ({marks}))"
)
_DELETE = {
    Engine.MYSQL: f"DELETE FROM {{own}}{_LEFT} LIMIT {{most}}",  # noqa: S608  # names from the catalog
    Engine.SQLITE: (
        f"DELETE FROM {{own}} WHERE job_id IN (SELECT {{own}}.job_id FROM {{own}}{_LEFT} LIMIT {{most}})"  # noqa: S608  # as above
    ),
}
_THEN = {
    Engine.MYSQL: f"NOW() - INTERVAL {KEPT_DAYS} DAY",
    Engine.SQLITE: f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-{KEPT_DAYS} days')",
}


class Sweep:
    """One statement at most once an hour, in a transaction of its own."""

    def __init__(self, active_statuses: tuple[str, ...], clock: Clock) -> None:
        self._statuses = active_statuses
        self._clock = clock
        self._due_s = clock.monotonic()

    def run(self, session: Session) -> int | None:
        """Sweep where it is time; return how many rows went, None where nothing was tried or it failed.

        Never raises DatabaseError: what stays is swept the next time.
        """
        now_s = self._clock.monotonic()
        if now_s < self._due_s:
            return None
        self._due_s = now_s + EVERY_S
        try:
            return session.run(self._delete)
        except DatabaseError:
            return None

    def _delete(self, link: Link) -> int | None:
        sql = sweep_sql(link.capabilities, len(self._statuses))
        if sql is None:
            return None
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(sql, self._statuses)
            gone = cursor.rowcount
        link.connection.commit()
        return gone


def sweep_sql(has: Capabilities, statuses: int) -> str | None:
    """Return the statement; its parameters are the active statuses. None where there is no own table."""
    job_id = has.own_jobs.get("job_id")
    if job_id is None or not has.own_jobs.has("updated_at"):
        return None
    dialect, own = dialect_of(has.engine), has.own_jobs.name
    return _DELETE[has.engine].format(
        own=own,
        jobs=has.jobs.name,
        then=_THEN[has.engine],
        same_job=dialect.equal(("j.id", has.jobs.columns["id"]), (f"{own}.job_id", job_id)),
        marks=", ".join([dialect.mark] * statuses) or "NULL",
        most=MOST_ROWS,
    )
