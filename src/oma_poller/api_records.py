"""What the API asks seldom, of the database and of a VMA: each call over a connection of its own."""

from datetime import datetime
from typing import TYPE_CHECKING

from oma_poller.clock import SystemClock
from oma_poller.config import Settings
from oma_poller.core.routing import vma_for
from oma_poller.database.flight_rows import read_flights
from oma_poller.database.history_rows import read_history
from oma_poller.database.source import SqlJobSource
from oma_poller.engine.exports import get_nbd_export_names_for_job
from oma_poller.errors import UnknownJobError
from oma_poller.model.job import Job
from oma_poller.model.sample import Sample
from oma_poller.web.ports import HistoryPoint

if TYPE_CHECKING:
    from oma_poller.explain.account import Account


class SettingsRecords:
    """Reads by the program's settings. May be called on several threads at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def active_statuses(self) -> frozenset[str]:
        """The statuses of jobs that are polled."""
        return self._settings.policy.active_statuses

    def status_of(self, job_id: str) -> str | None:
        """Return a job's status in the database; None for a job that is in no row."""
        try:
            return self._job(job_id).status
        except UnknownJobError:
            return None

    def export_names(self, job_id: str) -> list[str]:
        """Return the NBD export names of a job's disks."""
        source = self._source()
        try:
            return get_nbd_export_names_for_job(source, job_id)
        finally:
            source.close()

    def history(self, job_id: str, since: datetime | None, limit: int) -> list[HistoryPoint]:
        """Return the newest samples of a job, the oldest first."""
        return [_point(sample) for sample in read_history(self._settings.database, job_id, since, limit)]

    def explain(self, job_id: str) -> "Account":
        """Ask the VMA of a job now, and tell rule by rule what that comes to."""
        from oma_poller.explain.account import account_of  # noqa: PLC0415 - nothing of it is loaded unasked
        from oma_poller.explain.ask import look_at  # noqa: PLC0415 - as above

        settings = self._settings
        job = self._job(job_id)
        targets = {target.name: target for target in settings.targets}
        vma = targets[vma_for(job, settings.rules)]
        recorded = read_flights(settings.database, job_id)
        look = look_at(job, vma, settings.policy, settings.http_timeout_s, SystemClock())
        return account_of(look, recorded)

    def _job(self, job_id: str) -> Job:
        source = self._source()
        try:
            jobs = source.details([job_id], [job_id])  # with what is remembered of it
        finally:
            source.close()
        if not jobs:
            raise UnknownJobError(job_id)
        return jobs[0]

    def _source(self) -> SqlJobSource:
        return SqlJobSource(self._settings.database, self._settings.policy.active_statuses)


def _point(sample: Sample) -> HistoryPoint:
    return HistoryPoint(
        at=sample.at,
        percent=None if sample.percent_bp is None else sample.percent_bp / 100,
        bytes_transferred=sample.bytes_transferred,
        total_bytes=sample.total_bytes,
        speed_bps=sample.speed_bps,
        observation=sample.observation,
    )
