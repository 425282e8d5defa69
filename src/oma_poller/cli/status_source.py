"""Where `oma-poller status` has its jobs from: the database, or the OMA API of a running poller."""

from typing import TYPE_CHECKING, Protocol

import msgspec

from oma_poller.clock import SystemClock
from oma_poller.web.row import JobRow

if TYPE_CHECKING:
    from oma_poller.cli.api_client import ApiClient
    from oma_poller.config import Settings
    from oma_poller.database.status_rows import StatusPage, StatusRow

_MOST_ROWS = 10_000
"""Rows that the API gives at once."""


class StatusSource(Protocol):
    """Gives pages of jobs, the newest first."""

    clock: SystemClock

    def page(self, limit: int) -> "StatusPage":
        """Return the newest *limit* jobs."""
        ...

    def document(self, page: "StatusPage") -> dict[str, object]:
        """Return a page as JSON has it."""
        ...


class DatabaseStatus:
    """Reads pages of the database, each over a connection of its own."""

    def __init__(self, settings: "Settings", *, everything: bool) -> None:
        self._settings = settings
        self._everything = everything
        self.clock = SystemClock()

    def page(self, limit: int) -> "StatusPage":
        """Return the newest *limit* jobs that are active, or of all jobs."""
        from oma_poller.database.status_rows import read_status  # noqa: PLC0415 - heavy

        statuses = self._settings.policy.active_statuses
        return read_status(self._settings.database, statuses, everything=self._everything, limit=limit)

    def document(self, page: "StatusPage") -> dict[str, object]:
        """Return a page, and which database it is of."""
        from oma_poller.cli.status_words import page_document  # noqa: PLC0415 - heavy

        return page_document(page, self._settings.database.redacted, self.clock.utc())


class _JobPage(msgspec.Struct, frozen=True):
    """What is read of the API's list."""

    total: int
    jobs: list[JobRow]


class ApiStatus:
    """Asks the API for pages: the jobs as the poller has written them."""

    def __init__(self, client: "ApiClient") -> None:
        self._client = client
        self.clock = SystemClock()

    def page(self, limit: int) -> "StatusPage":
        """Return the newest *limit* jobs that are watched."""
        from oma_poller.database.status_rows import StatusPage  # noqa: PLC0415 - heavy

        found: dict[str, StatusRow] = {}  # a job that came meanwhile moves others to the next page
        total, offset = 0, 0
        while offset < limit:
            asked = min(limit - offset, _MOST_ROWS)
            body = self._client.get("/api/v1/progress", {"limit": asked, "offset": offset})
            page = self._client.decoded(body, _JobPage)
            found |= {job.job_id: _status_row(job) for job in page.jobs}
            total, offset = page.total, offset + asked
            if len(page.jobs) < asked:
                break
        return StatusPage(tuple(found.values()), max(total, len(found)))

    def document(self, page: "StatusPage") -> dict[str, object]:
        """Return a page with the same fields, and where it was asked for; the database is not known."""
        from oma_poller.cli.status_words import page_document  # noqa: PLC0415 - heavy

        return page_document(page, "", self.clock.utc()) | {"database": None, "url": self._client.url}


def _status_row(job: JobRow) -> "StatusRow":
    from oma_poller.database.status_rows import StatusRow  # noqa: PLC0415 - heavy

    return StatusRow(
        job_id=job.job_id,
        name=job.name,
        status=job.status,
        percent_bp=None if job.percent is None else round(job.percent * 100),
        operation=job.operation or "",
        bytes_transferred=job.bytes_transferred,
        total_bytes=job.total_bytes,
        speed_bps=job.speed_bps,
        eta_s=job.eta_seconds,
        observation=job.observation,
        reason=job.reason or "",
        updated_at=job.as_of,
        error_message=job.error_message or "",
    )
