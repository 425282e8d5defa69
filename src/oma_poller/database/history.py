"""Samples of jobs as rows of `oma_poller_history`, in the transaction that writes what they are of."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from oma_poller.clock import Clock
from oma_poller.core.history import Sampler
from oma_poller.database.dialect import Dialect
from oma_poller.database.fitting import Fits, Row, Value
from oma_poller.database.flush import rows_of
from oma_poller.database.moment import read_moment
from oma_poller.database.relation import Join
from oma_poller.database.session import Link
from oma_poller.database.statements import JOB
from oma_poller.database.written import Columns
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
        ids: list[Value] = [sample.job_id for sample in self._drawn]
        return rows_of([ids, [born[sample.job_id] for sample in self._drawn]], _columns(self._drawn), fits)

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


def _columns(samples: Sequence[Sample]) -> Columns:
    """Return `HISTORY_VALUES` of each sample."""
    return {
        "at": [stored_moment(sample.at) for sample in samples],
        "grain_s": [sample.grain_s for sample in samples],
        "observation": [sample.observation for sample in samples],
        "percent_bp": [sample.percent_bp for sample in samples],
        "bytes_transferred": [sample.bytes_transferred for sample in samples],
        "total_bytes": [sample.total_bytes for sample in samples],
        "speed_bps": [sample.speed_bps for sample in samples],
    }
