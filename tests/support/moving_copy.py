"""A copy whose numbers are worked out at the moment somebody asks, as a real VMA's are."""

from collections.abc import Callable
from itertools import cycle
from time import monotonic
from typing import Any

from scripted_vma import entry


class Copy:
    """One key's copy of *total_bytes*. It stands until it is told to move."""

    def __init__(self, key: str, total_bytes: int, on_completed: Callable[[], None]) -> None:
        self.key = key
        self.total_bytes = total_bytes
        self.fields: dict[str, Any] = {}
        """What the reply says in place of what follows from the bytes."""
        self._on_completed = on_completed
        self._from_bytes = 0
        self._since_s = 0.0
        self._rate_bps = 0.0

    @property
    def moved_bytes(self) -> int:
        """Bytes transferred by now."""
        moved = self._from_bytes + int(self._rate_bps * (monotonic() - self._since_s))
        return min(moved, self.total_bytes)

    def stands_at(self, moved_bytes: int) -> None:
        """Let it stand at so many bytes."""
        self._from_bytes, self._rate_bps = moved_bytes, 0.0

    def moves(self, takes_s: float) -> None:
        """Let it go on from where it is, and reach its end after *takes_s*."""
        self._from_bytes, self._since_s = self.moved_bytes, monotonic()
        self._rate_bps = (self.total_bytes - self._from_bytes) / takes_s

    def ends(self) -> None:
        """Let it be at its end."""
        self.stands_at(self.total_bytes)

    def entry(self) -> dict[str, Any]:
        """Return the reply's body. It says completed once all bytes are there, and notes that it did."""
        moved_bytes = self.moved_bytes
        done = moved_bytes >= self.total_bytes
        if done and "status" not in self.fields:
            self._on_completed()
        told = {
            "status": "completed" if done else "in_progress",
            "percentage": 100.0 * moved_bytes / self.total_bytes,
            "bytes_transferred": moved_bytes,
            "total_bytes": self.total_bytes,
        }
        return entry(self.key, **(told | self.fields))


class Flapping:
    """An entry that says the next of several words each time, over and over."""

    def __init__(self, copy: Copy, *words: str) -> None:
        self._copy = copy
        self._words = cycle(words)
        self.told = 0
        """How often it was asked."""

    def entry(self) -> dict[str, Any]:
        """Return the reply's body."""
        self.told += 1
        return self._copy.entry() | {"status": next(self._words)}


class KeptEntry:
    """An entry as the field's VMAs keep it: never deleted, dated by its first run, never set to zero (F3)."""

    def __init__(self, key: str, started_at: str) -> None:
        self._key = key
        self._started_at = started_at
        self._told: dict[str, Any] = {"bytes_transferred": 0, "total_bytes": 0, "percentage": 0.0}

    def report(self, status: str, moved_bytes: int, total_bytes: int) -> None:
        """Take a copier's update."""
        told: dict[str, float] = {"bytes_transferred": moved_bytes, "total_bytes": total_bytes}
        told |= {"percentage": 100.0 * moved_bytes / total_bytes if total_bytes else 0.0}
        self._told |= {name: value for name, value in told.items() if value} | {"status": status}

    def entry(self) -> dict[str, Any]:
        """Return the reply's body."""
        made = entry(self._key, **self._told)
        made["timing"]["start_time"] = self._started_at
        return made
