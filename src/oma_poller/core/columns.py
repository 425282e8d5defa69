"""The numbers of the jobs of a cohort, in columns: a few words of memory each, one after the other."""

from array import array
from math import isnan, nan

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.model.context import KeyRun


class Columns(Struct):
    """Three columns of jobs and six of disks, which stand in the order of their jobs. See `KeyRun`."""

    read_at_s: "array[float]"
    percent_bp: "array[int]"
    bytes_transferred: "array[int]"
    """Of the job: the most that was seen (T4)."""
    moved_bytes: "array[int]"
    """Of a disk, as are all that follow."""
    total_bytes: "array[int]"
    percent: "array[float]"
    """NaN where none is reported."""
    speed_bps: "array[float]"
    moved_at_s: "array[float]"
    changed_at_s: "array[float]"

    def add(self, other: "Columns", place: int, disks: range) -> None:
        """Add a job with its disks as it stands in other columns."""
        self.read_at_s.append(other.read_at_s[place])
        self.percent_bp.append(other.percent_bp[place])
        self.bytes_transferred.append(other.bytes_transferred[place])
        first, end = disks.start, disks.stop
        self.moved_bytes += other.moved_bytes[first:end]
        self.total_bytes += other.total_bytes[first:end]
        self.percent += other.percent[first:end]
        self.speed_bps += other.speed_bps[first:end]
        self.moved_at_s += other.moved_at_s[first:end]
        self.changed_at_s += other.changed_at_s[first:end]

    def add_run(self, run: KeyRun) -> None:
        """Add the disk of a run."""
        self.moved_bytes.append(run.raw_bytes)
        self.total_bytes.append(run.total_bytes)
        self.percent.append(nan if run.percent is None else run.percent)
        self.speed_bps.append(run.speed_bps)
        self.moved_at_s.append(run.moved_at_s)
        self.changed_at_s.append(run.changed_at_s)

    def run(self, run: KeyRun, now_s: float, disk: int) -> KeyRun:
        """Return the run of a disk as it was read at *now_s*."""
        percent, moved_bytes = self.percent[disk], self.moved_bytes[disk]
        return replace(
            run,
            read_at_s=now_s,
            moved_at_s=self.moved_at_s[disk],
            changed_at_s=self.changed_at_s[disk],
            raw_bytes=moved_bytes,
            bytes_transferred=moved_bytes,
            total_bytes=self.total_bytes[disk],
            percent=None if isnan(percent) else percent,
            speed_bps=self.speed_bps[disk],
        )


def no_columns() -> Columns:
    """Return columns of no jobs."""
    return Columns(
        read_at_s=array("d"),
        percent_bp=array("q"),
        bytes_transferred=array("q"),
        moved_bytes=array("q"),
        total_bytes=array("q"),
        percent=array("d"),
        speed_bps=array("d"),
        moved_at_s=array("d"),
        changed_at_s=array("d"),
    )
