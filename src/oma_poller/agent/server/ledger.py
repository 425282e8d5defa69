"""All entries in memory, each with the number of its last change.

Whatever makes an entry look different is a change: a report, a lease that runs out, a speed that falls to 0.
The last two come by themselves; `advance` finds them without walking the entries that did not change.
"""

from collections import OrderedDict
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import islice
from operator import itemgetter

from oma_poller.agent.server.entry import Entry
from oma_poller.agent.server.refusal import UNAVAILABLE, RefusedError
from oma_poller.agent.server.shape import encoded

TOMBSTONES_LIMIT = 10_000
"""Deleted keys that are remembered; a cursor from before the oldest one gets a full list."""
QUIET_S = 86_400.0
"""An entry that nobody reported to for this long may make room although it has not ended."""


class Slot:
    """One entry as it stands now, and its JSON once somebody asked for it."""

    __slots__ = ("body", "entry", "since_s", "version")

    def __init__(self, entry: Entry, version: int, since_s: float) -> None:
        self.entry = entry
        self.version = version
        self.since_s = since_s
        """Steady time of the last change: the entry looks now as it did then."""
        self.body: bytes | None = None


class Ledger:
    """Entries by key, in the order in which they changed."""

    def __init__(self, max_keys: int) -> None:
        self.max_keys = max_keys
        self.version = 0
        """Number of the last change."""
        self.floor = 0
        """Deletions up to this number are forgotten."""
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self._deleted: OrderedDict[str, int] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._due: list[tuple[float, str]] = []
        self._scheduled: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, key: str) -> Entry | None:
        """Return the entry under a key."""
        slot = self._slots.get(key)
        return slot.entry if slot else None

    def slot(self, key: str) -> Slot | None:
        """Return the entry under a key with its version."""
        return self._slots.get(key)

    def body(self, slot: Slot) -> bytes:
        """Return the entry's JSON, encoded once for each change."""
        if slot.body is None:
            slot.body = encoded(slot.entry, slot.since_s)
        return slot.body

    def put(self, entry: Entry, now_s: float) -> None:
        """Store an entry that changed."""
        self._change(Slot(entry, 0, now_s))
        self._deleted.pop(entry.key, None)
        if entry.ended:
            self._ended[entry.key] = None
        else:
            self._ended.pop(entry.key, None)
        self._schedule(entry, now_s)

    def remove(self, key: str) -> bool:
        """Delete a key; return whether it was there."""
        if self._slots.pop(key, None) is None:
            return False
        self._ended.pop(key, None)
        self._scheduled.pop(key, None)
        self.version += 1
        self._deleted[key] = self.version
        if len(self._deleted) > TOMBSTONES_LIMIT:
            _, self.floor = self._deleted.popitem(last=False)
        return True

    def victims(self, now_s: float) -> tuple[str, ...]:
        """Return the keys that must go so that one more fits; none where there is room.

        Those that ended first go first, then those that were silent for a day. More than one must go only
        where the server was started anew with a lower bound. Raises RefusedError (503) where too few may go.
        """
        surplus = len(self._slots) + 1 - self.max_keys
        if surplus <= 0:
            return ()
        ended = tuple(islice(self._ended, surplus))
        missing = surplus - len(ended)
        silent = tuple(islice(self._silent(now_s), missing)) if missing else ()
        if len(silent) < missing:
            raise RefusedError(f"all {self.max_keys} keys are in use by runs that go on", UNAVAILABLE)
        return ended + silent

    def _silent(self, now_s: float) -> Iterator[str]:
        """Yield the keys of runs that go on but were silent for a day, the longest unchanged first."""
        for key, slot in self._slots.items():
            if slot.entry.ended:
                continue
            if now_s - slot.entry.updated.s < QUIET_S:
                return
            yield key

    def advance(self, now_s: float) -> None:
        """Count as changed every entry that looks different at `now_s` than when it changed last."""
        while self._due and self._due[0][0] <= now_s:
            due_s, key = heappop(self._due)
            if self._scheduled.get(key) != due_s:
                continue
            del self._scheduled[key]
            slot = self._slots[key]
            change_s = slot.entry.next_change_s(slot.since_s)
            if change_s is not None and change_s <= now_s:
                self._change(Slot(slot.entry, 0, now_s))
            self._schedule(slot.entry, now_s)

    def changes(self, after: int, *, deletions: bool) -> list[tuple[int, str, Slot | None]]:
        """Return what changed after a version, oldest first, as (version, key, None where deleted).

        Costs as much as there are changes, not entries.
        """
        found: list[tuple[int, str, Slot | None]] = []
        for slot in reversed(self._slots.values()):
            if slot.version <= after:
                break
            found.append((slot.version, slot.entry.key, slot))
        for key, version in reversed(self._deleted.items()):
            if version <= after or not deletions:
                break
            found.append((version, key, None))
        found.sort(key=itemgetter(0))
        return found

    def _change(self, slot: Slot) -> None:
        self.version += 1
        slot.version = self.version
        self._slots[slot.entry.key] = slot
        self._slots.move_to_end(slot.entry.key)

    def _schedule(self, entry: Entry, now_s: float) -> None:
        """Note when the entry next changes by itself. A later time than noted is found when that comes."""
        due_s = entry.next_change_s(now_s)
        if due_s is None or due_s >= self._scheduled.get(entry.key, due_s + 1):
            return
        self._scheduled[entry.key] = due_s
        heappush(self._due, (due_s, entry.key))
