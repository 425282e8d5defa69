"""When each job is due (P3). Times are monotonic seconds."""

from heapq import heapify, heappop, heappush
from zlib import crc32

TICK_S = 0.05
"""Places in the interval are whole ticks, so that what is due comes in groups: groups cost less CPU."""


class Timetable:
    """A heap of due times. A job stands in it at most once; one that is being polled does not.

    Every call costs O(log n) or less for each job it touches.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._places = max(1, round(interval_s / TICK_S))
        self._due_s: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._due_s)

    def offset_s(self, job_id: str) -> float:
        """Return the job's place in the interval: a stable hash of its id."""
        return crc32(job_id.encode()) % self._places * (self._interval_s / self._places)

    def slot_after(self, job_id: str, after_s: float) -> float:
        """Return the first time later than *after_s* at the job's own place in the interval.

        Slots stand on a fixed grid, so the rate does not drift however late a poll was.
        """
        offset_s = self.offset_s(job_id)
        turns = (after_s - offset_s) // self._interval_s + 1
        return float(turns * self._interval_s + offset_s)

    def place(self, job_id: str, due_s: float) -> None:
        """Make *job_id* due at *due_s*, wherever it stood before."""
        self._due_s[job_id] = due_s
        heappush(self._heap, (due_s, job_id))
        if len(self._heap) > 2 * len(self._due_s) + 64:
            self._heap = [(due, job) for job, due in self._due_s.items()]
            heapify(self._heap)

    def remove(self, job_id: str) -> None:
        """Forget *job_id*; it may be unknown."""
        self._due_s.pop(job_id, None)

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
        return due

    def _drop_outdated(self) -> None:
        """Drop entries at the top that were moved or removed since."""
        while self._heap and self._due_s.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
