"""One watched job as the API shows it: what the database has of it, and how it is seen."""

from datetime import datetime, timedelta

from oma_poller.clock import Clock
from oma_poller.engine.watch import Watch
from oma_poller.model.context import KeyRun
from oma_poller.model.update import DiskUpdate, Progress, Update
from oma_poller.web.row import DiskRow, JobDetail, JobRow, KeyRow, PollingRow

_HUNDRED = 100


def row_of(watch: Watch, written: Update | None, clock: Clock) -> JobRow:
    """Return the row of a job, with the numbers that the database has confirmed.

    Before the first flush of this program those that are remembered stand for them, where there are any.
    """
    job, context = watch.job, watch.decided if written is not None else watch.context
    sighting = context.sighting if written is None else written.sighting
    progress = written.progress if written is not None else None
    recalled = context.proven and progress is None
    return JobRow(
        job_id=job.id,
        name=job.name,
        vma=watch.vma,
        status=(written.status if written is not None else None) or job.status,
        state=context.state.value,
        percent=_percent(context.percent_bp if recalled else progress.percent_bp if progress else None),
        bytes_transferred=context.bytes_transferred if recalled else _number(progress, "bytes_transferred"),
        total_bytes=_number(progress, "total_bytes") or None,
        speed_bps=_number(progress, "speed_bps"),
        eta_seconds=_number(progress, "eta_s"),
        operation=progress.operation or None if progress else None,
        phase=progress.phase or None if progress else None,
        sync_type=progress.sync_type or None if progress else None,
        setup_percent=progress.setup_percent if progress else None,
        observation=sighting.observation.value,
        observation_since=sighting.since,
        reason=sighting.reason or None,
        consecutive_errors=(context if written is None else written).consecutive_errors,
        disks=len(job.disks),
        stopped=context.stopped_at is not None,
        created_at=job.created_at,
        polling_since=context.started_at,
        as_of=_moment(watch.last_good_s, clock),
        error_message=written.error_message if written is not None else None,
    )


def detail_of(
    row: JobRow, watch: Watch, written: Update | None, due_s: float | None, clock: Clock
) -> JobDetail:
    """Return everything there is to show of a job; *due_s* is when it is polled next, monotonic seconds."""
    progress = written.progress if written is not None else None
    told = {disk.id: disk for disk in progress.disks} if progress else {}
    pairs = zip(watch.job.disks, watch.plan.exports, strict=False)
    exports = dict(enumerate(export for _, export in pairs))
    disks = tuple(
        _disk(disk.disk_id, disk.volume_id, exports.get(place), disk.capacity_bytes, told.get(disk.id))
        for place, disk in enumerate(watch.job.disks)
    )
    context = watch.context
    keys = tuple(
        _key(key, run) for key, run in zip(context.keys, context.runs, strict=False) if run is not None
    )
    polling = PollingRow(
        started_at=context.started_at,
        last_poll_at=_moment(context.last_poll_s, clock),
        next_poll_at=_moment(due_s, clock),
        consecutive_errors=context.consecutive_errors,
        max_errors=context.max_errors,
        parked=context.is_parked,
        stopped=context.stopped_at is not None,
        error_kind=context.error_kind or None,
        keys_tried_first=context.keys or (watch.plan.tiers[0] if watch.plan.tiers else ()),
    )
    return JobDetail(row, disks, keys, polling)


def _disk(
    disk_id: str, volume_id: str | None, export: str | None, capacity_bytes: int, told: DiskUpdate | None
) -> DiskRow:
    return DiskRow(
        disk_id=disk_id,
        volume_id=volume_id,
        nbd_export_name=export,
        capacity_bytes=capacity_bytes or None,
        sync_status=told.status if told else None,
        percent=_percent(told.percent_bp if told else None),
        bytes_synced=told.bytes_synced if told else None,
    )


def _key(key: str, run: KeyRun) -> KeyRow:
    return KeyRow(
        key=key,
        state=run.state.value,
        word=run.word,
        trusted=run.trusted,
        previous=run.previous,
        started_at=run.started_at,
        raw_bytes=run.raw_bytes,
        bytes_transferred=run.bytes_transferred,
        total_bytes=run.total_bytes,
        raw_percent=run.percent,
    )


def _percent(basis_points: int | None) -> float | None:
    return None if basis_points is None else basis_points / _HUNDRED


def _number(progress: Progress | None, name: str) -> int | None:
    return None if progress is None else getattr(progress, name)


def _moment(at_s: float | None, clock: Clock) -> datetime | None:
    """Return a moment of the monotonic clock as the wall clock has it, to the millisecond."""
    if at_s is None:
        return None
    moment = clock.utc() - timedelta(seconds=clock.monotonic() - at_s)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
