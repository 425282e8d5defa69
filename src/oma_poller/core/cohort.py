"""Jobs whose copies only go on, decided together: the short way of `core/steady.py`, a column at a time.

What is said of one job there holds here for each: it is the same decision, which a property holds
(`tests/core/test_cohort.py`). A job whose numbers say anything else than that every disk of it moved on is
to be decided by itself.
"""

from array import array
from math import isnan, nan
from operator import gt

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.parts import FULL_BP
from oma_poller.core.speed import GAP_INTERVALS, eta_s, weight_of_sample
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.job import Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import BIGINT_MAX, State
from oma_poller.model.update import DiskUpdate, Progress, Update

_STATUS = State.REPLICATING.value


class Told(Struct, frozen=True, gc=False):
    """What came of the keys of a cohort, one value a key in their order."""

    bytes_transferred: list[int]
    """Less than a copy had before where its key said anything else than that it went on."""
    total_bytes: list[int]
    """More than 0 where the bytes are."""
    percent: list[float]
    """As reported; NaN where none is."""


class Member(Struct, gc=False):
    """What stays of a job while its copy goes on."""

    context: PollingContext
    """As it was when the job joined, or when it was last made anew."""
    disk_ids: tuple[int | str, ...]
    words: tuple[tuple[str, str], ...]
    """Operation and phase, of each disk."""
    born: str | None
    sync_type: str


class _Columns(Struct):
    """The numbers of all members; those of disks stand in the order of the members."""

    read_at_s: "array[float]"
    percent_bp: "array[int]"
    bytes_transferred: "array[int]"
    """Of the job: the most that was seen (T4)."""
    moved_bytes: "array[int]"
    """Of a disk, as are all that follow."""
    total_bytes: "array[int]"
    percent: "array[float]"
    speed_bps: "array[float]"


class Cohort:
    """Jobs of one VMA that are asked and decided together, each at a *place* that no other job takes.

    `context` may be called on any thread: columns are replaced as a whole, and never written to but at
    their ends.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        is_written = policy.write_status and _STATUS in policy.active_statuses
        self._status = _STATUS if is_written else None
        self._members: list[Member | None] = []
        self._disks: list[range] = []
        """Where those of each place stand in the columns of disks."""
        self._columns = _columns()
        self._shared: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {}
        """The words of members, held once."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def places(self) -> int:
        """Number of places, those that were left included."""
        return len(self._members)

    def disks(self, place: int) -> range:
        """Return which of all disks are those of a place."""
        return self._disks[place]

    def join(self, context: PollingContext, job: Job) -> int | None:
        """Give a job a place whose last poll went the short way; None where not every disk of it moved."""
        runs = [run for run in context.runs if run is not None and run.moved_at_s == run.read_at_s]
        if len(runs) != len(context.runs) or context.last_good_s is None:
            return None
        numbers = _columns()
        numbers.read_at_s.append(context.last_good_s)
        numbers.percent_bp.append(context.percent_bp)
        numbers.bytes_transferred.append(context.bytes_transferred)
        for run in runs:
            numbers.moved_bytes.append(run.raw_bytes)
            numbers.total_bytes.append(run.total_bytes)
            numbers.percent.append(nan if run.percent is None else run.percent)
            numbers.speed_bps.append(run.speed_bps)
        sync_type = next((run.sync_type for run in runs if run.sync_type), "")
        disk_ids = tuple(disk.id for disk in job.disks)
        words = tuple((run.phase or run.operation or run.word, run.phase) for run in runs)
        words = self._shared.setdefault(words, words)
        return self.take(Member(context, disk_ids, words, job.born, sync_type), numbers)

    def hand_over(self, place: int, other: "Cohort") -> int | None:
        """Have a job join another cohort with its numbers; return its place there, None where it has left."""
        member = self._members[place]
        if member is None:
            return None
        numbers = _columns()
        _keep(numbers, self._columns, place, self._disks[place])
        return other.take(member, numbers)

    def take(self, member: Member, numbers: "_Columns") -> int:
        """Take a job with its numbers from another cohort; return its place."""
        first, disks = len(self._columns.moved_bytes), len(numbers.moved_bytes)
        _keep(self._columns, numbers, 0, range(disks))
        self._disks.append(range(first, first + disks))
        self._members.append(member)
        self._count += 1
        return len(self._members) - 1

    def leave(self, place: int) -> None:
        """Let go of a job; its place stays empty."""
        if self._members[place] is not None:
            self._members[place] = None
            self._count -= 1

    def context(self, place: int) -> PollingContext | None:
        """Return what is known of a job; None where its place is empty. On any thread."""
        columns, member = self._columns, self._members[place]
        if member is None:
            return None
        now_s = columns.read_at_s[place]
        if now_s == member.context.last_good_s:
            return member.context
        disks = zip(member.context.runs, self._disks[place], strict=True)
        runs = tuple(run and _run(run, now_s, columns, disk) for run, disk in disks)
        return replace(
            member.context,
            last_poll_s=now_s,
            last_good_s=now_s,
            runs=runs,
            percent_bp=columns.percent_bp[place],
            bytes_transferred=columns.bytes_transferred[place],
        )

    def read_at_s(self, place: int) -> float:
        """Return when a job was read last, monotonic seconds. On any thread."""
        return self._columns.read_at_s[place]

    def renew(self, place: int) -> PollingContext | None:
        """Make the context of a job anew, so that less is to be made of it the next time; return it."""
        context, member = self.context(place), self._members[place]
        if member is not None and context is not None:
            member.context = context
        return context

    def decide(self, told: Told, now_s: float) -> list[Update | None]:
        """Return the update of each place; None for one that is to be decided by itself, or has left."""
        last = self._columns
        step = _Step(last, _columns(), told, now_s, self._policy.interval_s, self._status)
        updates: list[Update | None] = []
        moved = told.bytes_transferred
        longest_s = GAP_INTERVALS * self._policy.interval_s
        for place, (member, disks) in enumerate(zip(self._members, self._disks, strict=True)):
            first, end = disks.start, disks.stop
            update = None
            if (
                member is not None
                and 0.0 < now_s - last.read_at_s[place] <= longest_s
                and all(map(gt, moved[first:end], last.moved_bytes[first:end]))
            ):
                update = step.went_on(member, place, disks)
            else:
                _keep(step.columns, last, place, disks)
            updates.append(update)
        self._columns = step.columns
        return updates


class _Step(Struct):
    """One poll of a cohort: the columns before it, those after it, and what came between."""

    last: _Columns
    columns: _Columns
    told: Told
    now_s: float
    interval_s: float
    status: str | None
    elapsed_s: float = 0.0
    weight: float = 0.0
    """Of a sample of `elapsed_s`: most jobs of a cohort were read at one moment."""

    def went_on(self, member: Member, place: int, disks: range) -> Update:
        """Add a job that went on to the columns; return its update. See `core/steady.py`."""
        last, columns = self.last, self.columns
        elapsed_s = self.now_s - last.read_at_s[place]
        if elapsed_s != self.elapsed_s:
            self.elapsed_s, self.weight = elapsed_s, weight_of_sample(elapsed_s, self.interval_s)
        moved, total, speed_bps, least, rows = self._disks(member, disks)
        percent_bp = min(FULL_BP - 1, max(last.percent_bp[place], moved * FULL_BP // total))
        bytes_transferred = max(last.bytes_transferred[place], min(BIGINT_MAX, moved))
        columns.read_at_s.append(self.now_s)
        columns.percent_bp.append(percent_bp)
        columns.bytes_transferred.append(bytes_transferred)
        context, whole_bps = member.context, min(BIGINT_MAX, int(speed_bps))
        operation, phase = member.words[least]
        # By position, in the order of the fields, as there.
        progress = Progress(
            percent_bp,
            operation,
            bytes_transferred,
            min(BIGINT_MAX, total),
            whole_bps,
            phase,
            member.sync_type,
            None,
            eta_s(total - moved, float(whole_bps)),
            rows,
        )
        return Update(context.job_id, context.sighting, 0, progress, self.status, None, member.born, True)  # noqa: FBT003 - as above

    def _disks(self, member: Member, disks: range) -> tuple[int, int, float, int, tuple[DiskUpdate, ...]]:
        """Add the disks of a job; return the sums of their bytes, totals and speeds, and their rows.

        Between these stands which is furthest behind; of equal ones the first.
        """
        columns, told, last, disk_ids = self.columns, self.told, self.last, member.disk_ids
        means_bps, moved_before = last.speed_bps, last.moved_bytes
        elapsed_s, weight, first, least, least_bp = self.elapsed_s, self.weight, disks.start, 0, FULL_BP + 1
        rows: list[DiskUpdate] = []
        moved_bytes, total_bytes, sum_bps = 0, 0, 0.0
        for disk in disks:
            moved, total, mean_bps = told.bytes_transferred[disk], told.total_bytes[disk], means_bps[disk]
            speed_bps = mean_bps + ((moved - moved_before[disk]) / elapsed_s - mean_bps) * weight
            share_bp = moved * FULL_BP // total if moved < total else FULL_BP
            moved_bytes += moved
            total_bytes += total
            sum_bps += speed_bps
            if share_bp < least_bp:
                least, least_bp = disk - first, share_bp
            columns.speed_bps.append(speed_bps)
            shown_bp = share_bp if moved < total else FULL_BP - 1
            rows.append(DiskUpdate(disk_ids[disk - first], "syncing", shown_bp, moved))
        end = disks.stop
        columns.moved_bytes.fromlist(told.bytes_transferred[first:end])
        columns.total_bytes.fromlist(told.total_bytes[first:end])
        columns.percent.fromlist(told.percent[first:end])
        return moved_bytes, total_bytes, sum_bps, least, tuple(rows)


def _columns() -> _Columns:
    return _Columns(array("d"), array("q"), array("q"), array("q"), array("q"), array("d"), array("d"))


def _keep(columns: _Columns, last: _Columns, place: int, disks: range) -> None:
    """Add a job as it was."""
    columns.read_at_s.append(last.read_at_s[place])
    columns.percent_bp.append(last.percent_bp[place])
    columns.bytes_transferred.append(last.bytes_transferred[place])
    first, end = disks.start, disks.stop
    columns.moved_bytes += last.moved_bytes[first:end]
    columns.total_bytes += last.total_bytes[first:end]
    columns.percent += last.percent[first:end]
    columns.speed_bps += last.speed_bps[first:end]


def _run(run: KeyRun, now_s: float, columns: _Columns, disk: int) -> KeyRun:
    """Return the run of a disk that moved at its last poll."""
    percent = columns.percent[disk]
    return replace(
        run,
        read_at_s=now_s,
        moved_at_s=now_s,
        changed_at_s=now_s,
        raw_bytes=columns.moved_bytes[disk],
        bytes_transferred=columns.moved_bytes[disk],
        total_bytes=columns.total_bytes[disk],
        percent=None if isnan(percent) else percent,
        speed_bps=columns.speed_bps[disk],
    )
