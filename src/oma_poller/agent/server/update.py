"""What a copier reports, read from the body of a request and checked. Nothing unchecked gets past here."""

import msgspec
from msgspec import Struct

from oma_poller.agent.server.refusal import RefusedError
from oma_poller.agent.server.words import one_line

BIGINT_MAX = 2**63 - 1
WORD_LIMIT = 64
"""Characters of a stage or status word that are kept."""
SYNC_TYPE_LIMIT = 50
ERROR_LIMIT = 1000
NAME_LIMIT = 100
"""Characters that a disk id, a label or a run id may have."""
DISKS_LIMIT = 256
"""Disks that one entry may have; a VM has at most 256."""
LEASE_LIMIT_S = 86_400
PERCENT_LIMIT = 100
_PREFIX = "invalid request body: "


class AnnouncedDisk(Struct, frozen=True):
    """A disk that will be copied under the key."""

    disk_id: str
    label: str = ""
    total_bytes: int | None = None


class Update(Struct, frozen=True):
    """One report. A field that is missing, null or (for a text) empty was not said: None or ""."""

    stage: str | None = None
    status: str | None = None
    bytes_transferred: int | None = None
    total_bytes: int | None = None
    """More than 0, or None for unknown."""
    throughput_bps: float | None = None
    percent: float | None = None
    disk_id: str | None = None
    sync_type: str | None = None
    error_message: str | None = None
    run_id: str | None = None
    lease_seconds: float | None = None
    """How long this report stands without another one; 0 takes the lease away."""
    disks_total: int | None = None
    disks: tuple[AnnouncedDisk, ...] | None = None


_DECODER = msgspec.json.Decoder(Update)


def read_update(body: bytes) -> Update:
    """Return the report in `body`. Raises RefusedError with the reason for anything that is not one."""
    update = _decoded(body)
    _check_range("bytes_transferred", update.bytes_transferred, BIGINT_MAX)
    _check_range("total_bytes", update.total_bytes, BIGINT_MAX)
    _check_range("throughput_bps", update.throughput_bps, BIGINT_MAX)
    _check_range("percent", update.percent, PERCENT_LIMIT)
    _check_range("lease_seconds", update.lease_seconds, LEASE_LIMIT_S)
    _check_range("disks_total", update.disks_total, DISKS_LIMIT)
    _check_not_beyond(update.bytes_transferred, update.total_bytes)
    return Update(
        stage=one_line(update.stage or "", WORD_LIMIT),
        status=one_line(update.status or "", WORD_LIMIT),
        bytes_transferred=update.bytes_transferred,
        total_bytes=update.total_bytes or None,
        throughput_bps=update.throughput_bps,
        percent=None if update.percent is None else update.percent + 0.0,  # -0.0 becomes 0.0
        disk_id=_name("disk_id", update.disk_id),
        sync_type=one_line(update.sync_type or "", SYNC_TYPE_LIMIT),
        error_message=one_line(update.error_message or "", ERROR_LIMIT),
        run_id=_name("run_id", update.run_id),
        lease_seconds=update.lease_seconds,
        disks_total=update.disks_total,
        disks=_announced(update.disks or ()),
    )


def _decoded(body: bytes) -> Update:
    if not body.strip():
        raise RefusedError(f"{_PREFIX}it is empty, a JSON object is expected")
    try:
        body.decode()  # the decoder skips what it does not read, invalid UTF-8 included
        return _DECODER.decode(body)
    except UnicodeDecodeError as error:
        raise RefusedError(f"{_PREFIX}not UTF-8 at byte {error.start}") from error
    except msgspec.DecodeError as error:
        raise RefusedError(f"{_PREFIX}{one_line(str(error), ERROR_LIMIT)}") from error
    except RecursionError as error:
        raise RefusedError(f"{_PREFIX}nested too deeply") from error


def _check_range(field: str, value: float | None, most: int) -> None:
    if value is not None and not 0 <= value <= most:
        shown = one_line(str(value), 40)
        raise RefusedError(f"{_PREFIX}{field} is {shown}, allowed are 0 to {most}")


def _check_not_beyond(moved_bytes: int | None, total_bytes: int | None) -> None:
    if moved_bytes and total_bytes and moved_bytes > total_bytes:
        raise RefusedError(f"{_PREFIX}bytes_transferred {moved_bytes} is more than total_bytes {total_bytes}")


def _name(field: str, text: str | None) -> str:
    if not text:
        return ""
    if len(text) > NAME_LIMIT or not text.isprintable():
        raise RefusedError(f"{_PREFIX}{field} must be at most {NAME_LIMIT} printable characters")
    return text


def _announced(disks: tuple[AnnouncedDisk, ...]) -> tuple[AnnouncedDisk, ...]:
    if len(disks) > DISKS_LIMIT:
        raise RefusedError(f"{_PREFIX}disks lists {len(disks)}, allowed are {DISKS_LIMIT}")
    for disk in disks:
        _check_range("total_bytes of disks", disk.total_bytes, BIGINT_MAX)
        if not _name("disk_id of disks", disk.disk_id):
            raise RefusedError(f"{_PREFIX}disk_id of disks is empty")
    return tuple(
        AnnouncedDisk(disk.disk_id, one_line(disk.label, NAME_LIMIT), disk.total_bytes) for disk in disks
    )
