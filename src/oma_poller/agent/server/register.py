"""The server without HTTP: reports in, entries out, on a clock, with a state file."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from oma_poller.agent.server.cursor import read_cursor
from oma_poller.agent.server.entry import Entry, without_speed
from oma_poller.agent.server.ledger import Ledger, Slot
from oma_poller.agent.server.moment import Moment, stamp
from oma_poller.agent.server.page import encoded_page, page
from oma_poller.agent.server.refusal import UNAVAILABLE, RefusedError
from oma_poller.agent.server.report import report
from oma_poller.agent.server.shape import encoded_status
from oma_poller.agent.server.state_file import NoState, State, StateFileError
from oma_poller.agent.server.update import read_update

CAPABILITIES = ("bulk", "since", "etag", "gzip", "delete", "lease", "run_id", "disks")
"""What this server does beyond the protocol of the contract; told by health and in a header."""
KEY_LIMIT = 200
"""Characters of a key."""
_UNDECODABLE = "\ufffd"


class Clock(Protocol):
    """Gives moments."""

    def now(self) -> Moment:
        """Return this instant."""
        ...


class Limits(Struct, frozen=True):
    """What the server allows."""

    max_keys: int = 10_000
    lease_s: float = 0.0
    """Lease of a run that names none; 0 is none."""


class Found(Struct, frozen=True):
    """One entry's JSON, with the tag that changes when it does."""

    body: bytes
    etag: str


class Register:
    """All entries of one server. Not for more than one thread."""

    def __init__(self, clock: Clock, limits: Limits, state: State | None = None) -> None:
        self._clock = clock
        self._limits = limits
        self._state = state or NoState()
        self._ledger = Ledger(limits.max_keys)
        self._epoch = secrets.token_hex(4)
        self._started = clock.now()
        self._trouble = ""

    def restore(self, entries: list[Entry]) -> None:
        """Take entries of an earlier life. No lease ran out while nobody could renew it."""
        now = self._clock.now()
        for entry in entries:
            later = entry.updated.s > now.s  # the wall clock was set back: times of then measure nothing now
            kept = without_speed(entry) if later else entry
            self._ledger.put(replace(kept, renewed_s=now.s), now.s)

    def update(self, key: str, body: bytes) -> bytes:
        """Take a report; return the JSON of the acknowledgement. Raises RefusedError."""
        if not key.isprintable() or len(key) > KEY_LIMIT or _UNDECODABLE in key:
            raise RefusedError(f"a key has 1 to {KEY_LIMIT} printable characters")
        update = read_update(body)
        now = self._clock.now()
        self._ledger.advance(now.s)
        before = self._ledger.get(key)
        entry = report(before, key, update, now, self._limits.lease_s)
        evicted = self._ledger.victims(now.s) if before is None else ()
        with self._written():
            self._state.save(entry, evicted)
        for other in evicted:
            self._ledger.remove(other)
        self._ledger.put(entry, now.s)
        reply: dict[str, object] = {"job_id": key, "status": "success"}
        if before is None:
            reply = {"auto_initialized": True, **reply}
        return msgspec.json.encode(reply) + b"\n"

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Note in the health whether the state file could be written; raise RefusedError (503) where not."""
        try:
            yield
        except StateFileError as error:
            self._trouble = str(error)
            raise RefusedError(self._trouble, UNAVAILABLE) from error
        self._trouble = ""

    def delete(self, key: str) -> bool:
        """Forget a key; return whether it was known. Raises RefusedError (503) where that failed."""
        if self._ledger.get(key) is None:
            return False
        with self._written():
            self._state.remove(key)
        return self._ledger.remove(key)

    def progress(self, key: str) -> Found | None:
        """Return an entry in shape C."""
        slot = self._slot(key)
        if slot is None:
            return None
        return Found(self._ledger.body(slot) + b"\n", f'W/"{self._epoch}-{slot.version}"')

    def status(self, key: str) -> bytes | None:
        """Return an entry in its short form."""
        slot = self._slot(key)
        return None if slot is None else encoded_status(slot.entry, slot.since_s) + b"\n"

    def changes(self, since: str | None, limit: int) -> bytes:
        """Return a page of entries as JSON: all of them, or what changed since a cursor."""
        self._ledger.advance(self._clock.now().s)
        cursor = None if since is None else read_cursor(since)
        return encoded_page(page(self._ledger, self._epoch, cursor, limit))

    def health(self) -> bytes:
        """Return the server's own state as JSON."""
        now = self._clock.now()
        health: dict[str, object] = {
            "status": "degraded" if self._trouble else "healthy",
            "timestamp": stamp(now.utc_s),
            "uptime": duration(now.s - self._started.s),
            "capabilities": CAPABILITIES,
            "keys": len(self._ledger),
        }
        if self._trouble:
            health["reason"] = self._trouble
        return msgspec.json.encode(health) + b"\n"

    def _slot(self, key: str) -> Slot | None:
        self._ledger.advance(self._clock.now().s)
        return self._ledger.slot(key)


def duration(seconds: float) -> str:
    """Return a duration as the recorded servers write it: `2.942639s`, `1h0m3.5s`."""
    minutes, rest_s = divmod(max(0.0, seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    told = f"{rest_s:.6f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{told}"
    return f"{minutes}m{told}" if minutes else told
