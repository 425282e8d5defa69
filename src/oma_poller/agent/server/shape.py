"""An entry as it stands on the wire: shape C, field by field in the order of the recorded replies."""

import msgspec

from oma_poller.agent.server.entry import Entry
from oma_poller.agent.server.meter import current_bps
from oma_poller.agent.server.moment import Moment, elapsed_ms, stamp
from oma_poller.agent.server.number import mib_per_s, wire_float
from oma_poller.agent.server.part import Part
from oma_poller.agent.server.phase import Phase
from oma_poller.agent.server.words import operation

STALLED = "stalled"
"""The status of a run whose lease ran out. No poller's vocabulary has it, so none takes it for an end."""
_OVER = "completed"
_UNKNOWN = "unknown"
_BYTES_PER_GIB = 2**30
_ETA_LIMIT_S = 2**31 - 1


_ENCODER = msgspec.json.Encoder()


def encoded(entry: Entry, now_s: float) -> bytes:
    """Return the entry's JSON as it looks at `now_s`, without a line end."""
    return _ENCODER.encode(_wire_entry(entry, now_s))


def encoded_status(entry: Entry, now_s: float) -> bytes:
    """Return the short form's JSON, without a line end."""
    stalled = entry.stalled(now_s)
    return _ENCODER.encode(
        {
            "key": entry.key,
            "status": STALLED if stalled else entry.status,
            "phase": entry.stage,
            "percent": wire_float(entry.percent),
            "bytes_transferred": entry.moved_bytes,
            "total_bytes": entry.total_bytes,
            "stalled": stalled,
        }
    )


def _wire_entry(entry: Entry, now_s: float) -> dict[str, object]:
    moved, total = entry.moved_bytes, entry.total_bytes
    speed_bps = entry.current_bps(now_s)
    stalled = entry.stalled(now_s)
    status = STALLED if stalled else entry.status
    fields: dict[str, object] = {
        "job_id": entry.key,
        "status": status,
        "sync_type": entry.sync_type,
        "phase": entry.stage,
        "percentage": wire_float(entry.percent),
        "current_operation": operation(entry.stage, status),
        "bytes_transferred": moved,
        "total_bytes": total,
        "throughput": _throughput(entry, speed_bps),
        "timing": _timing(entry, _eta_s(total - moved, speed_bps)),
        "vm_info": _machine(entry, total),
        "phases": _phases(entry, status),
        "errors": entry.errors,
        "last_error": _last_error(entry, stalled=stalled),
    }
    if entry.disks:
        fields["disk_progresses"] = [_disk(disk, entry, now_s) for disk in entry.disks]
    return fields


def _throughput(entry: Entry, speed_bps: float) -> dict[str, object]:
    """Return three different speeds, MiB a second."""
    return {
        "current_mbps": mib_per_s(speed_bps),
        "average_mbps": mib_per_s(entry.average_bps),
        "peak_mbps": mib_per_s(entry.peak_bps),
        "last_update": stamp(entry.updated.utc_s),
    }


def _timing(entry: Entry, eta_s: int) -> dict[str, object]:
    """Return the times; everything that elapses ends at `last_update`, or at the run's end."""
    phase = entry.phases[-1]
    end = phase.ended or entry.updated
    return {
        "start_time": stamp(entry.started.utc_s),
        "last_update": stamp(entry.updated.utc_s),
        "elapsed_ms": elapsed_ms(entry.started, end),
        "phase_start": stamp(phase.started.utc_s),
        "phase_elapsed_ms": elapsed_ms(phase.started, end),
        "eta_seconds": eta_s,
    }


def _machine(entry: Entry, total_bytes: int) -> dict[str, object]:
    """Return the machine that is copied; a copier does not tell its name."""
    return {
        "name": _UNKNOWN,
        "path": _UNKNOWN,
        "disk_size_gb": total_bytes // _BYTES_PER_GIB,
        "disk_size_bytes": total_bytes,
        "cbt_enabled": bool(entry.sync_type),
    }


def _phases(entry: Entry, status: str) -> list[dict[str, object]]:
    """Return the phases; the last one is the current and has the run's status."""
    *over, current = entry.phases
    return [*(_phase(phase, _OVER, entry.updated) for phase in over), _phase(current, status, entry.updated)]


def _phase(phase: Phase, status: str, updated: Moment) -> dict[str, object]:
    """Return one phase; `end_time` is empty while it goes on."""
    return {
        "name": phase.name,
        "status": status,
        "start_time": stamp(phase.started.utc_s),
        "end_time": stamp(phase.ended.utc_s) if phase.ended else "",
        "duration_ms": elapsed_ms(phase.started, phase.ended or updated),
    }


def _disk(disk: Part, entry: Entry, now_s: float) -> dict[str, object]:
    silent = disk.ended or entry.ended or entry.stalled(now_s)
    return {
        "disk_id": disk.disk_id,
        "label": disk.label,
        "bytes_transferred": disk.moved_bytes,
        "total_bytes": disk.total_bytes,
        "percent": wire_float(disk.percent),
        "throughput_mbps": mib_per_s(0.0 if silent else current_bps(disk.meter, now_s)),
        "status": disk.status,
    }


def _eta_s(remaining_bytes: int, speed_bps: float) -> int:
    """Return the seconds to go at the current speed, at least 1; 0 when unknown or done."""
    if remaining_bytes <= 0 or speed_bps <= 0:
        return 0
    seconds = remaining_bytes / speed_bps
    return max(1, int(seconds)) if seconds <= _ETA_LIMIT_S else 0


def _last_error(entry: Entry, *, stalled: bool) -> str | None:
    if stalled:
        since = stamp(entry.updated.utc_s)
        return f"no report since {since}; the copier's lease of {entry.lease_s:g} s ran out"
    return entry.errors[-1] if entry.errors else None
