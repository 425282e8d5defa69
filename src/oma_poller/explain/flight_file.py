"""Flights in a file: `explain --save` writes it, `replay` reads it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from oma_poller.errors import OmaPollerError, UsageError
from oma_poller.model.flight import Flight

_LIMIT_BYTES = 256 * 2**20


class FlightFile(Struct, frozen=True, tag_field="format", tag="oma-poller flights 1"):
    """The polls of one job, oldest first."""

    job_id: str
    flights: tuple[Flight, ...]


def save(path: Path, job_id: str, flights: Sequence[Flight]) -> None:
    """Write a file. Raises UsageError where that cannot be."""
    content = msgspec.json.format(msgspec.json.encode(FlightFile(job_id, tuple(flights))), indent=1)
    try:
        path.write_bytes(content + b"\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def load(path: Path) -> FlightFile:
    """Read a file. Raises UsageError where it cannot be read, OmaPollerError where it holds no flights."""
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _LIMIT_BYTES:
        raise OmaPollerError(f"{path} holds no flights: it has more than {_LIMIT_BYTES} bytes")
    try:
        return msgspec.json.decode(content, type=FlightFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise OmaPollerError(f"{path} holds no flights that this version can read: {why}") from None
