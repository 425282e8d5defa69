"""Values of the model and the core with good defaults, so that a test names only what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from oma_poller.core.decide import begin
from oma_poller.core.keys import plan_keys
from oma_poller.core.parts import Part
from oma_poller.core.poll import Poll
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.job import Disk, Job
from oma_poller.model.observation import Observation, Sighting
from oma_poller.model.policy import Policy
from oma_poller.model.reading import DiskReading, Outcome, Reading, State
from oma_poller.model.update import Progress, Update

GIB = 2**30
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
"""The wall clock when `NOW_S` is the monotonic one."""
NOW_S = 1000.0
JOB_ID = "job-20250905-162427"
CREATED = NOW - timedelta(seconds=20)
"""When the jobs here are created: so lately that no run of theirs can have come and gone unseen."""
STARTED = NOW - timedelta(seconds=10)
"""When the runs here start: after the job's creation, so they are the job's own."""
BEFORE = NOW - timedelta(hours=1)
"""A start before the job's creation."""
POLICY = Policy()


def a_disk(number: int = 1, **fields: Any) -> Disk:  # noqa: ANN401 - the fields of Disk have types of their own
    """Return row *number* of `vm_disks`: 10 GiB, volume `vol-N`, copier's id `2000` on."""
    disk = Disk(id=number, disk_id=str(1999 + number), volume_id=f"vol-{number}", capacity_bytes=10 * GIB)
    return replace(disk, **fields)


def a_job(*disks: Disk, **fields: Any) -> Job:  # noqa: ANN401 - as a_disk
    """Return a running job of *disks*, of one disk where none is given."""
    job = Job(id=JOB_ID, status="replicating", created_at=CREATED, name="web01", disks=disks or (a_disk(),))
    return replace(job, **fields)


def a_reading(moved_bytes: int = 0, total_bytes: int = 10 * GIB, **fields: Any) -> Reading:  # noqa: ANN401 - as a_disk
    """Return a replicating entry of the job's own run."""
    reading = Reading(
        state=State.REPLICATING,
        word="in_progress",
        phase="Transfer",
        operation="Transfer",
        bytes_transferred=moved_bytes,
        total_bytes=total_bytes,
        started_at=STARTED,
        sync_type="full",
    )
    return replace(reading, **fields)


def a_detail(disk_id: str = "2000", moved_bytes: int = 0, **fields: Any) -> DiskReading:  # noqa: ANN401 - as a_disk
    """Return one disk inside a reply that covers several."""
    detail = DiskReading(
        disk_id=disk_id,
        label="",
        state=State.REPLICATING,
        bytes_transferred=moved_bytes,
        total_bytes=10 * GIB,
        percent=None,
        speed_bps=0,
    )
    return replace(detail, **fields)


def a_run(moved_bytes: int = 0, total_bytes: int = 10 * GIB, **fields: Any) -> KeyRun:  # noqa: ANN401 - as a_disk
    """Return a trusted, replicating run that moved just now."""
    run = KeyRun(
        state=State.REPLICATING,
        word="in_progress",
        trusted=True,
        previous=False,
        started_at=STARTED,
        since_s=NOW_S,
        read_at_s=NOW_S,
        moved_at_s=NOW_S,
        raw_bytes=moved_bytes,
        bytes_transferred=moved_bytes,
        total_bytes=total_bytes,
        percent=None,
        operation="Transfer",
        phase="Transfer",
        sync_type="full",
    )
    return replace(run, **fields)


def a_finished_run(moved_bytes: int = 10 * GIB, total_bytes: int | None = None, **fields: Any) -> KeyRun:  # noqa: ANN401 - as a_disk
    """Return a run that says completed, with all bytes unless told otherwise."""
    total_bytes = moved_bytes if total_bytes is None else total_bytes
    ended = {"state": State.COMPLETED, "word": "completed", "percent": 100.0} | fields
    return a_run(moved_bytes, total_bytes, **ended)


def a_part(moved_bytes: int = 0, total_bytes: int = 10 * GIB, **fields: Any) -> Part:  # noqa: ANN401 - as a_disk
    """Return the part of one answering disk, in the middle of its copy."""
    run = a_run(moved_bytes, total_bytes)
    share = min(10_000, moved_bytes * 10_000 // total_bytes) if total_bytes else 0
    part = Part((a_disk(),), State.REPLICATING, moved_bytes, total_bytes, share, done=False, run=run)
    return replace(part, **fields)


def a_sighting(observation: Observation = Observation.FRESH, reason: str = "") -> Sighting:
    """Return an observation that holds since `NOW`."""
    return Sighting(observation, NOW, reason)


def a_context(job: Job | None = None, **fields: Any) -> PollingContext:  # noqa: ANN401 - as a_disk
    """Return the context of a job that was never polled, but for *fields*."""
    return replace(begin(job or a_job(), POLICY, NOW), **fields)


def a_poll(*outcomes: Outcome, job: Job | None = None, **fields: Any) -> Poll:  # noqa: ANN401 - as a_disk
    """Return a round of the job's first tier of keys that ended at `NOW_S` with *outcomes*."""
    job = job or a_job()
    poll = Poll(job=job, plan=plan_keys(job), policy=POLICY, tier=0, outcomes=outcomes, now_s=NOW_S, now=NOW)
    return replace(poll, **fields)


def later(poll: Poll, seconds: float, *outcomes: Outcome) -> Poll:
    """Return the poll that ends *seconds* after *poll*, on both clocks; with *outcomes* where given."""
    now = poll.now + timedelta(seconds=seconds)
    return replace(poll, now_s=poll.now_s + seconds, now=now, outcomes=outcomes or poll.outcomes)


def a_progress(percent_bp: int = 1000, **fields: Any) -> Progress:  # noqa: ANN401 - as a_disk
    """Return the numbers of a row in the middle of its copy."""
    progress = Progress(
        percent_bp=percent_bp,
        operation="Transfer",
        bytes_transferred=percent_bp * GIB // 1000,
        total_bytes=10 * GIB,
        speed_bps=1_000_000,
    )
    return replace(progress, **fields)


def an_update(job_id: str = JOB_ID, **fields: Any) -> Update:  # noqa: ANN401 - as a_disk
    """Return an update with nothing but a fresh sighting, but for *fields*."""
    return replace(Update(job_id=job_id, sighting=a_sighting()), **fields)
