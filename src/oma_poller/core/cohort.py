"""Jobs whose copies only go on, decided together: the short way of `core/steady.py`, a column at a time.

What is said of one job there holds here for each: it is the same decision, which a property holds
(`tests/core/test_cohort.py`). A job of which no disk moved on, or one went back or said anything else, is to
be decided by itself.
"""

from math import isnan
from operator import ge

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.columns import Columns, no_columns
from oma_poller.core.parts import FULL_BP
from oma_poller.core.speed import GAP_INTERVALS, STANDSTILL_INTERVALS, eta_s, weight_of_sample
from oma_poller.model.context import PollingContext
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
        self.spans: list[range] = []
        """Where the disks of each place stand in the columns of disks."""
        self._columns = no_columns()
        self._shared: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {}
        """The words of members, held once."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def places(self) -> int:
        """Number of places, those that were left included."""
        return len(self._members)

    def join(self, context: PollingContext, job: Job) -> int | None:
        """Give a job a place whose last poll went the short way; None where that is not so."""
        runs = [run for run in context.runs if run is not None]
        if len(runs) != len(context.runs) or context.last_good_s is None:
            return None
        numbers = no_columns()
        numbers.read_at_s.append(context.last_good_s)
        numbers.percent_bp.append(context.percent_bp)
        numbers.bytes_transferred.append(context.bytes_transferred)
        for run in runs:
            numbers.add_run(run)
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
        numbers = no_columns()
        numbers.add(self._columns, place, self.spans[place])
        return other.take(member, numbers)

    def take(self, member: Member, numbers: Columns) -> int:
        """Take a job with its numbers from another cohort; return its place."""
        first, disks = len(self._columns.moved_bytes), len(numbers.moved_bytes)
        self._columns.add(numbers, 0, range(disks))
        self.spans.append(range(first, first + disks))
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
        disks = zip(member.context.runs, self.spans[place], strict=True)
        runs = tuple(run and columns.run(run, now_s, disk) for run, disk in disks)
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
        step = _Step(last, no_columns(), told, now_s, self._policy.interval_s, self._status)
        updates: list[Update | None] = []
        longest_s = GAP_INTERVALS * self._policy.interval_s
        for place, (member, disks) in enumerate(zip(self._members, self.spans, strict=True)):
            moved = told.bytes_transferred[disks.start : disks.stop]
            before = last.moved_bytes[disks.start : disks.stop].tolist()
            update = None
            if (
                member is not None
                and moved != before  # one that stands altogether may be stalled, or failed by time
                and all(map(ge, moved, before))
                and 0.0 < now_s - last.read_at_s[place] <= longest_s
            ):
                update = step.went_on(member, place, disks)
            else:
                step.columns.add(last, place, disks)
            updates.append(update)
        self._columns = step.columns
        return updates


class _Step(Struct):
    """One poll of a cohort: the columns before it, those after it, and what came between."""

    last: Columns
    columns: Columns
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
        means_bps, moved_before, now_s = last.speed_bps, last.moved_bytes, self.now_s
        elapsed_s, weight, first, least, least_bp = self.elapsed_s, self.weight, disks.start, 0, FULL_BP + 1
        rows: list[DiskUpdate] = []
        moved_bytes, total_bytes, sum_bps = 0, 0, 0.0
        for disk in disks:
            moved, total, mean_bps = told.bytes_transferred[disk], told.total_bytes[disk], means_bps[disk]
            step_bytes = moved - moved_before[disk]
            speed_bps = mean_bps + (step_bytes / elapsed_s - mean_bps) * weight
            if step_bytes:
                columns.moved_at_s.append(now_s)
                columns.changed_at_s.append(now_s)
            else:
                speed_bps = self._standing(disk, speed_bps)
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

    def _standing(self, disk: int, speed_bps: float) -> float:
        """Add the moments of a disk that stood while another moved; return its speed."""
        last, now_s = self.last, self.now_s
        moved_at_s, percent, before = last.moved_at_s[disk], self.told.percent[disk], last.percent[disk]
        is_other = percent != before and not (isnan(percent) and isnan(before))
        self.columns.moved_at_s.append(moved_at_s)
        self.columns.changed_at_s.append(now_s if is_other else last.changed_at_s[disk])
        return 0.0 if now_s - moved_at_s >= STANDSTILL_INTERVALS * self.interval_s else speed_bps
