"""When each job is due (P3). Times are monotonic seconds."""

from heapq import heapify, heappop, heappush
from itertools import islice
from math import floor
from zlib import crc32

TICK_S = 0.05
"""Places in the interval are whole ticks, so that what is due comes in groups: groups cost less CPU."""
BULK_TICKS = 10
"""So many places next to each other are one for a VMA that answers many keys in one request."""
_BUSY_TICKS = 2
_SHARING_JOBS = 200
_BUSY_JOBS = 2000
FEW_OUTDATED = 64
"""So many outdated entries are not worth making the groups anew."""


def neighbours(jobs: int, *, in_bulk: bool) -> int:
    """Return how many places next to each other are one for a VMA of so many jobs.

    Where each key takes a request of its own they are as few as give each place some fifty jobs or more.
    """
    if in_bulk or _SHARING_JOBS <= jobs < _BUSY_JOBS:
        return BULK_TICKS
    return _BUSY_TICKS if jobs >= _BUSY_JOBS else 1


class Timetable:
    """Jobs in groups by their due time, and a heap of these times. A job that is being polled is in none.

    Jobs share places, so there are few groups, and a call costs the same whatever the number of jobs; where
    every job has a time of its own it costs O(log n). Moving or removing a job leaves its old entry behind,
    to be dropped when it comes up, or together with others: that is so on average over many calls.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._places = max(1, round(interval_s / TICK_S))
        self._slots = [(0.0, 0.0)] * self._places
        """Of each place the two slots that were worked out last: the jobs of a place share them."""
        self._due_s: dict[str, float] = {}
        self._groups: dict[float, list[str]] = {}
        self._times: list[float] = []
        """A heap of the keys of the groups."""
        self._entries = 0
        """Entries of all groups, outdated ones included."""

    def __len__(self) -> int:
        return len(self._due_s)

    def slot_after(self, job_id: str, after_s: float, ticks: int = 1) -> float:
        """Return the first time later than *after_s* at the job's own place in the interval.

        The place is a stable hash of the id, so that jobs are spread evenly; with *ticks* it is the first
        of so many neighbours, which share one. Slots stand on a fixed grid, so the rate does not drift
        however late a poll was.
        """
        place = crc32(job_id.encode()) % self._places
        place -= place % ticks
        last_s, slot_s = self._slots[place]
        if not last_s <= after_s < slot_s:
            last_s, slot_s = self._slots[place] = self._slots_around(place, after_s)
        return slot_s

    def place(self, job_id: str, due_s: float) -> None:
        """Make *job_id* due at *due_s*, wherever it stood before."""
        self._due_s[job_id] = due_s
        group = self._groups.get(due_s)
        if group is None:
            self._groups[due_s] = [job_id]
            heappush(self._times, due_s)
        else:
            group.append(job_id)
        self._entries += 1
        self._shrink()

    def remove(self, job_id: str) -> None:
        """Forget *job_id*; it may be unknown."""
        self._due_s.pop(job_id, None)
        self._shrink()

    def due_s_of(self, job_id: str) -> float | None:
        """Return when a job is due; None where it does not stand here. On any thread."""
        return self._due_s.get(job_id)

    def next_due_s(self) -> float | None:
        """Return when the first job is due; None when the timetable is empty."""
        while self._times:
            due_s = self._times[0]
            group = self._groups[due_s]
            outdated = next((at for at, one in enumerate(group) if self._due_s.get(one) == due_s), len(group))
            self._cut(group, outdated)
            if group:
                return due_s
            del self._groups[heappop(self._times)]
        return None

    def pop_due(self, now_s: float, limit: int) -> list[tuple[str, float]]:
        """Take out at most *limit* jobs that are due, the most overdue first, as (job id, due time)."""
        due: list[tuple[str, float]] = []
        while len(due) < limit:
            due_s = self.next_due_s()
            if due_s is None or due_s > now_s:
                break
            group = self._groups[due_s]
            taken = list(islice(group, limit - len(due)))
            for job_id in taken:
                if self._due_s.get(job_id) == due_s:
                    del self._due_s[job_id]
                    due.append((job_id, due_s))
            self._cut(group, len(taken))
        self._shrink()
        return due

    def _slots_around(self, place: int, after_s: float) -> tuple[float, float]:
        """Return the last slot of a place that is not later than *after_s*, and the first that is."""
        turn = floor(after_s / self._interval_s)
        # The division is rounded, and so is each slot: step to the first one that is later as a float.
        while self._slot_s(turn, place) > after_s:
            turn -= 1
        while self._slot_s(turn, place) <= after_s:
            turn += 1
        return self._slot_s(turn - 1, place), self._slot_s(turn, place)

    def _slot_s(self, turn: int, place: int) -> float:
        """Return the time of a place in the n-th interval: one formula, so equal slots are equal floats."""
        return (turn * self._places + place) * self._interval_s / self._places

    def _cut(self, group: list[str], entries: int) -> None:
        """Drop the first entries of a group."""
        del group[:entries]
        self._entries -= entries

    def _shrink(self) -> None:
        """Make the groups anew once most entries are outdated: at most twice the jobs, and a few."""
        if self._entries <= 2 * len(self._due_s) + FEW_OUTDATED:
            return
        self._groups = {}
        for job_id, due_s in self._due_s.items():
            self._groups.setdefault(due_s, []).append(job_id)
        self._times = list(self._groups)
        heapify(self._times)
        self._entries = len(self._due_s)
