"""Updates that wait for a moment before they are tried again."""

from collections import OrderedDict
from collections.abc import Iterator, KeysView

from oma_poller.model.update import Update


class Aside:
    """At most one update a job, in the order in which they come due. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._updates: OrderedDict[str, tuple[Update, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._updates)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._updates

    def __iter__(self) -> Iterator[Update]:
        return (update for update, _ in self._updates.values())

    def keys(self) -> KeysView[str]:
        """Return the ids of the jobs."""
        return self._updates.keys()

    def put(self, update: Update, due_s: float) -> None:
        """Keep an update until *due_s*, which is not before that of any other."""
        self._updates[update.job_id] = update, due_s

    def get(self, job_id: str) -> Update | None:
        """Return what waits of a job."""
        found = self._updates.get(job_id)
        return None if found is None else found[0]

    def change(self, update: Update) -> None:
        """Put another update in the place of the one that waits of its job."""
        self._updates[update.job_id] = update, self._updates[update.job_id][1]

    def pop(self, job_id: str) -> Update | None:
        """Let go of what waits of a job; return it."""
        found = self._updates.pop(job_id, None)
        return None if found is None else found[0]

    def take_due(self, now_s: float) -> Iterator[Update]:
        """Take out what is due."""
        while self._updates:
            job_id, (update, due_s) = next(iter(self._updates.items()))
            if due_s > now_s:
                return
            del self._updates[job_id]
            yield update
