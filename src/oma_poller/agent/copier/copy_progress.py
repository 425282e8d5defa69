"""How far the copy of one disk has got, and when that is worth a report."""

from collections import deque

from oma_poller.agent.copier.copy_report import CopyReport, Stage, Status

SYNC_TYPE = "full"
"""A copy always moves all data of its source."""
_SPEED_WINDOW_S = 10.0
_FULL_BP = 10_000
"""All of it in hundredths of a percent."""


class Speed:
    """Bytes a second over the last ten seconds or so; 0 once nothing has moved for that long."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def mark(self, now_s: float, done_bytes: int) -> None:
        """Note the bytes done at a time."""
        self._marks.append((now_s, done_bytes))
        self._forget(now_s)

    def bps(self, now_s: float) -> int:
        """Return the speed at a time."""
        self._forget(now_s)
        if not self._marks:
            return 0
        begun_s, begun_bytes = self._marks[0]
        return round((self._marks[-1][1] - begun_bytes) / (now_s - begun_s)) if now_s > begun_s else 0

    def _forget(self, now_s: float) -> None:
        # The newest mark that lies before the window stays: it is where the window's bytes are counted from.
        while len(self._marks) > 1 and self._marks[1][0] <= now_s - _SPEED_WINDOW_S:
            self._marks.popleft()


class CopyProgress:
    """The state of one disk's copy. Bytes never go back and never exceed the total."""

    def __init__(self, run_id: str, lease_s: int, disk_id: str | None, disks_total: int | None) -> None:
        self.stage = Stage.DISCOVER
        self.status = Status.QUEUED
        self.done_bytes = 0
        self.total_bytes: int | None = None
        self.error: str | None = None
        self._run_id = run_id
        self._lease_s = lease_s
        self._disk_id = disk_id
        self._disks_total = disks_total
        self._speed = Speed()

    def enter(self, stage: Stage, status: Status, now_s: float) -> None:
        """Go to a stage."""
        if stage is not self.stage:
            self._speed = Speed()  # the time before, in a queue or measuring the disk, moved nothing
        self.stage, self.status = stage, status
        self._speed.mark(now_s, self.done_bytes)

    def advance(self, done_bytes: int, now_s: float) -> None:
        """Take what the tool says. Until it has ended well one byte is outstanding: it may still flush."""
        most = max(0, (self.total_bytes or 0) - 1)
        moved = min(done_bytes, most)
        if moved > self.done_bytes:
            self.done_bytes = moved
            self._speed.mark(now_s, moved)

    def complete(self) -> None:
        """The tool has ended well: all is there. A disk without data ends with 0 of 0."""
        self.done_bytes = self.total_bytes or 0
        self.status = Status.COMPLETED

    def fail(self, reason: str) -> None:
        """The copy ended without being whole; the bytes stay what they were."""
        self.error = reason
        self.status = Status.FAILED

    def report(self, now_s: float) -> CopyReport:
        """Return what there is to tell."""
        return CopyReport(
            stage=self.stage,
            status=self.status,
            bytes_transferred=self.done_bytes,
            throughput_bps=0 if self.status.is_end else self._speed.bps(now_s),
            sync_type=SYNC_TYPE,
            run_id=self._run_id,
            lease_seconds=self._lease_s,
            total_bytes=self.total_bytes,
            percent=self._percent(),
            disk_id=self._disk_id,
            disks_total=self._disks_total,
            error_message=self.error,
        )

    def _percent(self) -> float | None:
        if self.status is Status.COMPLETED:
            return 100.0
        if self.stage is not Stage.TRANSFER or not self.total_bytes:
            return None
        return self.done_bytes * _FULL_BP // self.total_bytes / 100


class ReportPace:
    """Says when a report is due: a new stage or status at once, bytes every 2 s or 1 %, else a sign of life.

    However fast the percent grows, bytes alone make no more than two reports a second.
    """

    EVERY_S = 2.0
    EVERY_PERCENT = 1.0
    LEAST_S = 0.5
    SIGNS_A_LEASE = 3

    def __init__(self, lease_s: float) -> None:
        self._sign_of_life_s = lease_s / self.SIGNS_A_LEASE
        self._last: CopyReport | None = None
        self._last_s = 0.0

    def due(self, report: CopyReport, now_s: float) -> bool:
        """Whether to send this report now; if so it counts as sent."""
        if not self._is_due(report, now_s - self._last_s):
            return False
        self._last, self._last_s = report, now_s
        return True

    def _is_due(self, report: CopyReport, since_s: float) -> bool:
        last = self._last
        if last is None or (last.stage, last.status) != (report.stage, report.status):
            return True
        if since_s >= self._sign_of_life_s:
            return True
        if report.bytes_transferred == last.bytes_transferred:
            return False
        percents = (report.percent or 0) - (last.percent or 0)
        return since_s >= self.EVERY_S or (percents >= self.EVERY_PERCENT and since_s >= self.LEAST_S)
