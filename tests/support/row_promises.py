"""What must be true of every row of an OMA's database at every moment, whatever goes wrong."""

from typing import Any

from job_truth import JobTruth

from oma_poller.model.policy import TERMINAL_STATUSES
from oma_poller.model.reading import BIGINT_MAX

JOBS_SQL = (
    "SELECT id, status, progress_percent, bytes_transferred, total_bytes, transfer_speed_bps,"
    " vma_eta_seconds, error_message, completed_at, current_operation, updated_at FROM replication_jobs"
)
DISKS_SQL = "SELECT job_id, sync_status, sync_progress_percent, bytes_synced FROM vm_disks"

_FULL = 100.0
_SYNC_STATUSES = frozenset({"pending", "syncing", "completed", "failed"})

Row = dict[str, Any]


class RowPromises:
    """Takes sample after sample; every promise that a sample breaks is told once."""

    def __init__(self, truth: JobTruth) -> None:
        self._truth = truth
        self._last: dict[str, Row] = {}
        self.broken: list[str] = []

    def take(self, jobs: list[Row], disks: list[Row]) -> None:
        """Hold one sample against the promises."""
        for row in jobs:
            self._ranges(row)
            last = self._last.get(row["id"])
            if last is not None:
                self._steps(last, row)
            elif row["status"] in TERMINAL_STATUSES:
                self._end(row)
            self._last[row["id"]] = row
        for disk in disks:
            self._disk(disk)

    def _ranges(self, row: Row) -> None:
        percent = float(row["progress_percent"] or 0)
        self._hold(0 <= percent <= _FULL, row, f"percent {percent}")
        full_is_right = percent < _FULL or row["status"] == "completed"
        self._hold(full_is_right, row, f"100 percent with status {row['status']}")
        for name in ("bytes_transferred", "total_bytes", "transfer_speed_bps"):
            number = row[name] or 0
            self._hold(0 <= number <= BIGINT_MAX, row, f"{name} {number}")
        eta_s = row["vma_eta_seconds"]
        self._hold(eta_s is None or eta_s > 0, row, f"vma_eta_seconds {eta_s}")

    def _steps(self, last: Row, row: Row) -> None:
        if last["status"] in TERMINAL_STATUSES:
            self._hold(row == last, row, f"a terminal row changed: {last} became {row}")
            return
        if row["status"] in TERMINAL_STATUSES:
            self._end(row)
        for name in ("progress_percent", "bytes_transferred"):
            if (row[name] or 0) < (last[name] or 0):
                fell = f"{name} went back from {last[name]} to {row[name]}"
                self._hold(self._truth.takes_fall(row["id"]), row, fell)
                return

    def _end(self, row: Row) -> None:
        status = str(row["status"])
        self._hold(self._truth.allows_end(row["id"], status), row, f"it was never {status}")

    def _disk(self, disk: Row) -> None:
        percent = float(disk["sync_progress_percent"] or 0)
        good = 0 <= percent <= _FULL and 0 <= (disk["bytes_synced"] or 0) <= BIGINT_MAX
        good = good and disk["sync_status"] in _SYNC_STATUSES
        self._hold(good, {"id": f"a disk of {disk['job_id']}"}, str(disk))

    def _hold(self, kept: bool, row: Row, what: str) -> None:  # noqa: FBT001  # an assertion's own argument
        told = f"{row['id']}: {what}"
        if not kept and told not in self.broken:
            self.broken.append(told)
