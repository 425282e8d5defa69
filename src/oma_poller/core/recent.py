"""What is remembered of the jobs that are written, for as long as they are: no number of jobs is too many."""

from collections.abc import Sequence
from typing import Generic, TypeVar

V = TypeVar("V")

KEPT_S = 3600.0
"""A job that nobody told of for this long is forgotten, at the latest after twice as long."""


class Recent(Generic[V]):
    """A value a job, held in two halves: what was not put or renewed since the last turn goes with the next.

    So it is bounded by the jobs of two turns, and a job costs the same whatever their number. Times are
    monotonic seconds.
    """

    def __init__(self) -> None:
        self._young: dict[str, V] = {}
        self._old: dict[str, V] = {}
        self._turned_at_s: float | None = None

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def renewed(self, job_ids: Sequence[str]) -> list[V | None]:
        """Return what is remembered of each of these jobs, as if it were put once more."""
        if self._old:
            for job_id in job_ids:
                old = self._old.pop(job_id, None)
                if old is not None:
                    self._young[job_id] = old
        return list(map(self._young.get, job_ids))

    def put(self, job_id: str, value: V) -> None:
        """Remember *value* of a job, in place of what was remembered."""
        self._old.pop(job_id, None)
        self._young[job_id] = value

    def pop(self, job_id: str) -> V | None:
        """Forget a job; return what was remembered of it."""
        young, old = self._young.pop(job_id, None), self._old.pop(job_id, None)
        return old if young is None else young

    def clear(self) -> None:
        """Forget all jobs."""
        self._young, self._old = {}, {}

    def turn(self, now_s: float) -> None:
        """Forget, once in `KEPT_S`, the jobs that were not put since the last time."""
        if self._turned_at_s is None:
            self._turned_at_s = now_s
        if now_s - self._turned_at_s >= KEPT_S:
            self._young, self._old = {}, self._young
            self._turned_at_s = now_s
