"""What the API needs of the database and of a VMA, as Protocols beside their caller. All calls block."""

from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from oma_poller.web.row import Moment


class HistoryPoint(Struct, frozen=True):
    """One sample of a job. What was not known then is null."""

    at: Moment
    percent: float | None
    bytes_transferred: int | None
    total_bytes: int | None
    speed_bps: int | None
    observation: str


class Records(Protocol):
    """What is asked seldom: it costs a query or a request. Raises OmaPollerError; called on threads."""

    @property
    def active_statuses(self) -> frozenset[str]:
        """The statuses of jobs that are polled, in lower case."""
        ...

    def status_of(self, job_id: str) -> str | None:
        """Return a job's status in the database; None for a job that is in no row."""
        ...

    def export_names(self, job_id: str) -> list[str]:
        """Return the NBD export names of a job's disks. Raises UnknownJobError."""
        ...

    def history(self, job_id: str, since: datetime | None, limit: int) -> list[HistoryPoint]:
        """Return the newest *limit* samples of a job, oldest first."""
        ...

    def explain(self, job_id: str) -> Any:  # noqa: ANN401 - a document, encoded as it is
        """Ask the VMA now and tell rule by rule what it comes to. Raises UnknownJobError."""
        ...
