"""Samples of jobs as rows of `oma_poller_history`, in the transaction that writes what they are of."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from oma_poller.clock import Clock
from oma_poller.core.history import Sampler
from oma_poller.database.dialect import Dialect
from oma_poller.database.fitting import Fits, Row
from oma_poller.database.flush import fitted_rows
from oma_poller.database.moment import read_moment
from oma_poller.database.relation import Join
from oma_poller.database.session import Link
from oma_poller.database.statements import JOB
from oma_poller.database.written import HISTORY_VALUES
from oma_poller.model.sample import Sample
from oma_poller.model.update import Update


class SqlHistory:
    """Takes the samples of a flush. They count once the flush is committed: see `keep`."""

    def __init__(self, dialect: Dialect, clock: Clock) -> None:
        self._dialect = dialect
        self._clock = clock
        self._sampler = Sampler()
        self._drawn: tuple[Sample, ...] = ()

    def rows(self, link: Link, updates: Sequence[Update], fits: Fits) -> list[Row]:
        """Return the rows to insert beside *updates*; of jobs unknown here it asks for the newest sample."""
        unknown = self._sampler.unknown(updates)
        earlier = self._newest(link, unknown) if unknown else {}
        self._drawn = self._sampler.draw(updates, self._clock.utc(), self._clock.monotonic(), earlier)
        if not self._drawn:
            return []
        born = {update.job_id: update.born for update in updates}
        rows = [(sample.job_id, born[sample.job_id], *_values(sample)) for sample in self._drawn]
        return fitted_rows(rows, HISTORY_VALUES, fits)

    def keep(self, updates: Sequence[Update]) -> None:
        """Note that the database has *updates* and the samples of them."""
        drawn, self._drawn = self._drawn, ()
        self._sampler.keep(updates, drawn, self._clock.monotonic())

    def _newest(self, link: Link, job_ids: Sequence[str]) -> dict[str, datetime]:
        table = link.capabilities.own_history
        job_id = table.columns["job_id"]
        given = self._dialect.asked({JOB: job_id})
        join = Join(table.name, "h", f"h.job_id = {self._dialect.stored(given.fields[JOB], job_id)}")
        columns = ["h.job_id", "MAX(h.at)"]
        sql = self._dialect.select(columns, given.relation, join, ())
        asked: list[Row] = [(job_id,) for job_id in job_ids]
        with closing(link.connection.cursor()) as cursor:
            cursor.execute(f"{sql} GROUP BY h.job_id", (self._dialect.parameter(asked),))
            found = [(str(job_id), read_moment(at)) for job_id, at in cursor.fetchall()]
        return {job_id: at for job_id, at in found if at is not None}


def stored_moment(at: datetime) -> str:
    """Return a moment in the one form in which our tables hold them, so that they sort as texts too."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _values(sample: Sample) -> Row:
    """Return `HISTORY_VALUES`."""
    return (
        stored_moment(sample.at),
        sample.grain_s,
        sample.observation,
        sample.percent_bp,
        sample.bytes_transferred,
        sample.total_bytes,
        sample.speed_bps,
    )
