"""Messages of an event stream as bytes."""

from collections.abc import Collection, Iterator

from msgspec import Struct

from oma_poller.web.fleet import Delta, Entry, Fleet


class Chunk(Struct, frozen=True):
    """Whole messages, and the version they lead to."""

    version: int
    body: bytes


def message(event: str, data: bytes, event_id: str = "") -> bytes:
    """Return one message; *data* is one line of JSON."""
    head = f"id: {event_id}\nevent: {event}\n" if event_id else f"event: {event}\n"
    return head.encode() + b"data: " + data + b"\n\n"


def chunk_of(fleet: Fleet, version: int, job_ids: Collection[str] = ()) -> Chunk:
    """Return what changed after a version, of some jobs or of all; `reset` where that is not known.

    Only the last message has an id: a reader that loses the connection in the middle begins with this chunk
    again.
    """
    delta = fleet.since(version)
    if delta is None:
        return Chunk(fleet.version, message("reset", b"{}", f"{fleet.epoch}-{fleet.version}"))
    event_id = f"{fleet.epoch}-{delta.version}"
    pieces = list(_messages(delta, version, job_ids))
    if pieces:
        pieces[-1] = f"id: {event_id}\n".encode() + pieces[-1]
    return Chunk(delta.version, b"".join(pieces))


def _messages(delta: Delta, version: int, job_ids: Collection[str]) -> Iterator[bytes]:
    for gone in delta.left:
        if not job_ids or gone.job_id in job_ids:
            yield message("left", gone.encoded)
    for entry in delta.entries:
        if not job_ids or entry.row.job_id in job_ids:
            yield from _of_entry(entry, version)


def _of_entry(entry: Entry, version: int) -> Iterator[bytes]:
    """Yield a message for each kind of thing that changed, so that a reader can listen to one kind alone."""
    for kind, changed_at in (
        (b"state", entry.state),
        (b"observation", entry.observation),
        (b"progress", entry.progress),
    ):
        if changed_at > version:
            yield b"event: " + kind + b"\ndata: " + entry.encoded + b"\n\n"
