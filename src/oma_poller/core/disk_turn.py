"""When one disk ends under a whole-job key and the next one begins (F6)."""

from msgspec.structs import replace

from oma_poller.core.identity import is_later_start
from oma_poller.core.parts import run_part
from oma_poller.core.poll import Poll
from oma_poller.core.run import BAD_ENDS, begin_run, not_yet_moved
from oma_poller.core.runs import Followed, follow_keys, known_runs
from oma_poller.model.context import EndedDisk, KeyRun, PollingContext
from oma_poller.model.decision import Event, EventKind
from oma_poller.model.reading import Reading, State

NEARLY_ALL_PERCENT = 95
"""A disk that was last seen this far, and whose bytes then fall, has ended between two polls."""


def follow_entry(last: PollingContext, poll: Poll, reading: Reading) -> Followed:
    """Fold a whole-job entry into its run; where one disk gave way to the next, its bytes join the base."""
    run = known_runs(last, poll)[0]
    if run is None or not _has_next_disk(last, poll, reading) or not _is_next_disk(run, reading, poll):
        return follow_keys(last, poll)
    end = _end_of(run)
    begun = begin_run(reading, poll.now_s, trusted=True)
    begun = replace(begun, started_at=reading.started_at or run.started_at)
    if reading.bytes_transferred == run.raw_bytes:
        begun = not_yet_moved(begun)  # zeros never overwrite: these are still the ended disk's (F3)
    ended = (*last.ended, end)
    detail = f"disk {len(ended)} ended with {end.bytes_transferred} bytes and the next one began"
    context = replace(last, runs=(begun,), ended=ended, held_since_s=None)
    return Followed(context, (Event(EventKind.DISK_ENDED, detail),))


def _has_next_disk(last: PollingContext, poll: Poll, reading: Reading) -> bool:
    """Whether a further disk may come that the reply would not tell apart from the one before."""
    disks = len(poll.job.disks)
    return not reading.disks and (disks == 0 or len(last.ended) < disks - 1)


def _is_next_disk(run: KeyRun, reading: Reading, poll: Poll) -> bool:
    """Whether *reading* is of the disk after the one that *run* was read from.

    A completed disk whose entry is active again has ended. The next disk mostly starts within one poll
    interval, so `completed` is often never seen: then bytes that fall from nearly all, or fall while the
    total changes, tell. A smaller fall is a regression (T4). A disk that never moved gives way to none:
    its word may just oscillate.
    """
    if not run.trusted or run.stale_bytes is not None or reading.state in BAD_ENDS:
        return False
    fell = reading.bytes_transferred < run.raw_bytes
    other_total = reading.total_bytes not in {0, run.total_bytes}
    if run.state is State.COMPLETED and run_part(run, ()).done:
        active = reading.state not in {State.COMPLETED, State.UNKNOWN}
        return active or fell or other_total
    if not poll.job.disks or is_later_start(run, reading):
        return False
    total_bytes = reading.total_bytes or run.total_bytes
    left_the_end = _is_nearly_all(run.raw_bytes, run.total_bytes) and not _is_nearly_all(
        reading.bytes_transferred, total_bytes
    )
    return fell and (other_total or left_the_end)


def _end_of(run: KeyRun) -> EndedDisk:
    """Return what a disk came to: the bytes it was last seen with, or its total when it was nearly there."""
    nearly = _is_nearly_all(run.bytes_transferred, run.total_bytes)
    moved_bytes = max(run.bytes_transferred, run.total_bytes) if nearly else run.bytes_transferred
    return EndedDisk(moved_bytes, min(moved_bytes, run.total_bytes or moved_bytes))


def _is_nearly_all(moved_bytes: int, total_bytes: int) -> bool:
    return total_bytes > 0 and moved_bytes * 100 >= total_bytes * NEARLY_ALL_PERCENT
