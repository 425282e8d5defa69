"""Which jobs changed since somebody looked last: for the API, which lives on another thread."""

from collections.abc import Iterable
from threading import Lock

from msgspec import Struct

from oma_poller.engine.watch import Watch
from oma_poller.model.update import Update

MOST_LEFT = 10_000
"""So many jobs that left are kept while nobody looks. Whoever takes as many must look at all jobs anew."""


class Gone(Struct, frozen=True, gc=False):
    """A job that is watched no more, as it was at the last."""

    watch: Watch
    last: Update | None
    """What the database was last given for it; None where it never was."""


class Changes:
    """Ids of jobs, each once however often it changed, so their number is bounded by that of the jobs.

    Of jobs that left, those that did last are kept.

    Nothing is noted before `listen`: a program without an API pays nothing. Any method on any thread.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._listens = False
        self._changed: set[str] = set()
        self._left: dict[str, Gone] = {}

    def listen(self) -> None:
        """Begin to note what changes."""
        self._listens = True

    def note(self, job_ids: Iterable[str]) -> None:
        """Note jobs of which the database has something new, or that are watched from now on."""
        if self._listens:
            with self._lock:
                self._changed.update(job_ids)

    def left(self, watch: Watch, last: Update | None) -> None:
        """Note a job that is watched no more: soon nobody else knows how it ended."""
        if self._listens:
            with self._lock:
                self._changed.discard(watch.job.id)
                self._left.pop(watch.job.id, None)
                self._left[watch.job.id] = Gone(watch, last)
                if len(self._left) > MOST_LEFT:
                    del self._left[next(iter(self._left))]

    def take(self) -> tuple[set[str], dict[str, Gone]]:
        """Return (changed, left) since the last call. A job that left and came back is in both."""
        with self._lock:
            changed, left = self._changed, self._left
            self._changed, self._left = set(), {}
        return changed, left
