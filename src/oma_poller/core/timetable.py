"""When each job is due (P3). Times are monotonic seconds."""

from heapq import heapify, heappop, heappush
from math import floor
from zlib import crc32

TICK_S = 0.05
"""Places in the interval are whole ticks, so that what is due comes in groups: groups cost less CPU."""
FEW_OUTDATED = 64
"""So many outdated entries are not worth building the heap anew."""


class Timetable:
    """A heap of due times. A job stands in it at most once; one that is being polled does not.

    Moving or removing a job leaves its old entry behind, to be dropped when it comes up, or together with
    others. So every call costs O(log n) for each job it touches, on average over many calls.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._places = max(1, round(interval_s / TICK_S))
        self._due_s: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._due_s)

    def slot_after(self, job_id: str, after_s: float) -> float:
        """Return the first time later than *after_s* at the job's own place in the interval.

        The place is a stable hash of the id, so that jobs are spread evenly. Slots stand on a fixed grid, so
        the rate does not drift however late a poll was.
        """
        place = crc32(job_id.encode()) % self._places
        turn = floor(after_s / self._interval_s)
        # The division is rounded, and so is each slot: step to the first one that is later as a float.
        while self._slot_s(turn, place) > after_s:
            turn -= 1
        while self._slot_s(turn, place) <= after_s:
            turn += 1
        return self._slot_s(turn, place)

    def place(self, job_id: str, due_s: float) -> None:
        """Make *job_id* due at *due_s*, wherever it stood before."""
        self._due_s[job_id] = due_s
        heappush(self._heap, (due_s, job_id))
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
        self._drop_outdated()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now_s: float, limit: int) -> list[tuple[str, float]]:
        """Take out at most *limit* jobs that are due, the most overdue first, as (job id, due time)."""
        due: list[tuple[str, float]] = []
        while len(due) < limit:
            self._drop_outdated()
            if not self._heap or self._heap[0][0] > now_s:
                break
            due_s, job_id = heappop(self._heap)
            del self._due_s[job_id]
            due.append((job_id, due_s))
        self._shrink()
        return due

    def _slot_s(self, turn: int, place: int) -> float:
        """Return the time of a place in the n-th interval: one formula, so equal slots are equal floats."""
        return (turn * self._places + place) * self._interval_s / self._places

    def _shrink(self) -> None:
        """Build the heap anew once most of it is outdated: it holds at most twice the jobs, and a few."""
        if len(self._heap) > 2 * len(self._due_s) + FEW_OUTDATED:
            self._heap = [(due_s, job_id) for job_id, due_s in self._due_s.items()]
            heapify(self._heap)

    def _drop_outdated(self) -> None:
        """Drop entries at the top that were moved or removed since."""
        while self._heap and self._due_s.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
