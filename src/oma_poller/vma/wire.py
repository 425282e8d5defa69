"""The JSON of a VMA's progress entry, in any of its three shapes, into a Reading. Nowhere else.

The shapes are told apart by their fields: B has `stage` or `aggregate`; A has errors that are objects, a
`disk_size_gb` with a fraction, or a start time in the year 1; everything else is C.
"""

import msgspec

from oma_poller.model.reading import DiskReading, Failure, FailureKind, Missing, Reading
from oma_poller.vma.entry import WireAggregate, WireDisk, WireEntry, WireThroughput, WireTiming, WireTracking
from oma_poller.vma.moment import read_moment
from oma_poller.vma.number import BYTES_PER_MIB, NumberRefusedError, eta_s, finite, speed_bps, whole_bytes
from oma_poller.vma.refusal import refusal, says_not_found
from oma_poller.vma.text import one_line, shared_line
from oma_poller.vma.vocabulary import judge

WORD_LIMIT = 50
"""Characters of a sync type or disk id that are kept; as wide as the sync type's column."""
OPERATION_LIMIT = 255
"""Characters of `current_operation` that are kept; as wide as its column."""
ERROR_LIMIT = 1000
"""Characters of an error text that are kept."""

_DECODER = msgspec.json.Decoder(WireEntry)
_ENCODER = msgspec.json.Encoder()
_NO_TIMING = WireTiming()
_NO_THROUGHPUT = WireThroughput()
_NO_AGGREGATE = WireAggregate()
_NO_TRACKING = WireTracking()


def decode(body: bytes, key: str, *, clock_skew_s: float = 0.0) -> Reading | Missing | Failure:
    """Read the body of a 200 reply to `key`. Never raises, whatever the bytes.

    Missing is a body that says "job not found". Failure has one of the kinds not_json, wrong_type,
    out_of_range and wrong_job. `clock_skew_s` is passed on into the Reading.
    """
    entry = entry_of(body)
    return read(entry, key, clock_skew_s=clock_skew_s) if isinstance(entry, WireEntry) else entry


def entry_of(body: bytes) -> WireEntry | Missing | Failure:
    """Return the entry in a body, for `read`; or what the body says where it holds none. As `decode`."""
    try:
        if not body.isascii():
            body.decode()  # the decoder skips what it does not read, invalid UTF-8 included
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return refusal(body, error)


def read(entry: WireEntry, key: str, *, clock_skew_s: float = 0.0) -> Reading | Missing | Failure:
    """Read an entry that was decoded before; as `decode`."""
    try:
        if (entry.error is not None or entry.message is not None) and _is_missing(entry):
            return Missing()
        if not entry.is_progress:
            return Failure(FailureKind.WRONG_TYPE, "wrong type: a JSON object, but not a progress entry")
        if entry.job_id and entry.job_id != key:
            return Failure(FailureKind.WRONG_JOB, f"reply for another job: {one_line(entry.job_id, 100)}")
        return _nested(entry, clock_skew_s) if entry.is_nested else _flat(entry, clock_skew_s)
    except NumberRefusedError as error:
        return Failure(error.kind, str(error))
    except RecursionError:
        return Failure(FailureKind.NOT_JSON, "not JSON: an error text is nested too deep")


def _is_missing(entry: WireEntry) -> bool:
    """Whether the reply says "job not found". In a progress entry that is said of something else."""
    if any(
        field is not None for field in (entry.phase, entry.stage, entry.percentage, entry.bytes_transferred)
    ):
        return False
    return says_not_found(entry.error) or says_not_found(entry.message)


def _flat(entry: WireEntry, clock_skew_s: float) -> Reading:
    """Shapes A and C."""
    timing = entry.timing or _NO_TIMING
    throughput = entry.throughput or _NO_THROUGHPUT
    moved_bytes = whole_bytes(entry.bytes_transferred, "bytes_transferred")
    verdict = judge(entry.status or "", entry.phase or "", has_bytes=moved_bytes > 0)
    disks, disk_words = _disks(entry.disk_progresses) if entry.disk_progresses else ((), ())
    # By position, in the order of Reading's fields: names cost a fifth of the time of all this.
    return Reading(
        verdict.state,
        verdict.word,
        verdict.phase,
        shared_line(entry.current_operation or "", OPERATION_LIMIT),
        finite(entry.percentage, "percentage"),
        moved_bytes,
        whole_bytes(entry.total_bytes, "total_bytes"),
        speed_bps(throughput.current_mbps, "throughput.current_mbps", scale=BYTES_PER_MIB),
        eta_s(timing.eta_seconds, "timing.eta_seconds"),
        read_moment(timing.start_time),
        shared_line(entry.sync_type or "", WORD_LIMIT),
        _error(entry) if entry.last_error or entry.errors else None,
        disks,
        "A" if _is_oldest(entry, timing) else "C",
        clock_skew_s,
        _merged(verdict.unknown_words, disk_words),
    )


def _nested(entry: WireEntry, clock_skew_s: float) -> Reading:
    """Shape B. It names no operation of its own, so the stage stands for it."""
    aggregate = entry.aggregate or _NO_AGGREGATE
    tracking = entry.cbt or _NO_TRACKING
    moved_bytes = whole_bytes(aggregate.bytes_transferred, "aggregate.bytes_transferred")
    stage = entry.stage or ""
    verdict = judge(entry.status or "", stage, has_bytes=moved_bytes > 0)
    disks, disk_words = _disks(entry.disks)
    return Reading(
        state=verdict.state,
        word=verdict.word,
        phase=verdict.phase,
        operation=one_line(entry.current_operation or stage, OPERATION_LIMIT),
        percent=finite(aggregate.percent, "aggregate.percent"),
        bytes_transferred=moved_bytes,
        total_bytes=whole_bytes(aggregate.total_bytes, "aggregate.total_bytes"),
        speed_bps=speed_bps(aggregate.throughput_bps, "aggregate.throughput_bps"),
        started_at=read_moment(entry.started_at),
        sync_type=one_line(tracking.type or entry.sync_type or "", WORD_LIMIT),
        error=_error(entry),
        disks=disks,
        shape="B",
        clock_skew_s=clock_skew_s,
        unknown_words=_merged(verdict.unknown_words, disk_words),
    )


def _disks(wire_disks: list[WireDisk | None] | None) -> tuple[tuple[DiskReading, ...], tuple[str, ...]]:
    """Return the disks, and the status words the vocabulary lacks."""
    if not wire_disks:
        return (), ()
    read = [_disk(disk) for disk in wire_disks if disk is not None]
    return tuple(disk for disk, _ in read), tuple(word for _, words in read for word in words)


def _disk(disk: WireDisk) -> tuple[DiskReading, tuple[str, ...]]:
    moved_bytes = whole_bytes(disk.bytes_transferred, "disk bytes_transferred")
    verdict = judge(disk.status or "", "", has_bytes=moved_bytes > 0)
    total = disk.planned_bytes if disk.total_bytes is None else disk.total_bytes
    if disk.throughput_bps is None:
        speed = speed_bps(disk.throughput_mbps, "disk throughput_mbps", scale=BYTES_PER_MIB)
    else:
        speed = speed_bps(disk.throughput_bps, "disk throughput_bps")
    reading = DiskReading(
        disk_id=one_line(str(disk.id or "" if disk.disk_id is None else disk.disk_id), WORD_LIMIT),
        label=one_line(disk.label or "", OPERATION_LIMIT),
        state=verdict.state,
        bytes_transferred=moved_bytes,
        total_bytes=whole_bytes(total, "disk total_bytes"),
        percent=finite(disk.percent, "disk percent"),
        speed_bps=speed,
    )
    return reading, verdict.unknown_words


def _merged(words: tuple[str, ...], disk_words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words + disk_words)) if disk_words else words


def _is_oldest(entry: WireEntry, timing: WireTiming) -> bool:
    """Whether a flat entry is of shape A."""
    if entry.vm_info is not None and isinstance(entry.vm_info.disk_size_gb, float):
        return True
    if isinstance(entry.last_error, dict) or (entry.errors and isinstance(entry.errors[-1], dict)):
        return True
    return isinstance(timing.start_time, str) and timing.start_time.startswith("0001-")


def _error(entry: WireEntry) -> str | None:
    """Return the most recent error as one line: `last_error`, else the last of `errors`."""
    error = entry.last_error or (entry.errors[-1] if entry.errors else None)
    if not error:
        return None
    if isinstance(error, dict):
        named = (error.get(field) for field in ("message", "details", "error_type"))
        error = next((text for text in named if isinstance(text, str) and text.strip()), error)
    text = error if isinstance(error, str) else _ENCODER.encode(error).decode()
    return one_line(text.strip(), ERROR_LIMIT) or None
