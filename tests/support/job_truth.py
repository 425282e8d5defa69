"""What really happened to each job, so that what the database says can be held against it."""

from collections import Counter, defaultdict
from threading import Lock


class JobTruth:
    """Filled by whoever makes things happen, before they show; asked by whoever watches the rows."""

    def __init__(self) -> None:
        self._ends: defaultdict[str, set[str]] = defaultdict(set)
        self._falls: Counter[str] = Counter()
        self._lock = Lock()

    def may_end(self, job_id: str, status: str) -> None:
        """A job may have this end from now on."""
        with self._lock:
            self._ends[job_id].add(status)

    def new_run(self, job_id: str) -> None:
        """A job's numbers may go back once."""
        with self._lock:
            self._falls[job_id] += 1

    def allows_end(self, job_id: str, status: str) -> bool:
        """Whether the job may have this end."""
        with self._lock:
            return status in self._ends[job_id]

    def takes_fall(self, job_id: str) -> bool:
        """Whether numbers that went back may; that is used up."""
        with self._lock:
            if not self._falls[job_id]:
                return False
            self._falls[job_id] -= 1
            return True
