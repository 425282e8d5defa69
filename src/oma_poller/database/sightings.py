"""What our own table has been told of each job, so that it is told only what is new."""

from oma_poller.core.recent import Recent
from oma_poller.database.flush import Entry, Flush
from oma_poller.model.observation import Sighting


class Sightings:
    """How each job is seen, with its errors in a row. News count once they are committed: see `keep`."""

    def __init__(self) -> None:
        self._told: Recent[tuple[Sighting, int]] = Recent()
        self._news: list[Entry] = []

    def clear(self) -> None:
        """Forget it all: another database may have been told something else."""
        self._told.clear()

    def news(self, flush: Flush) -> list[Entry]:
        """Return what our own table does not have yet: how a job is seen now, and each memory."""
        told = self._told.renewed([update.job_id for update in flush.updates])
        known = frozenset(
            update.job_id
            for update, last in zip(flush.updates, told, strict=True)
            if last == (update.sighting, update.consecutive_errors)
        )
        self._news = flush.entries(known)
        return self._news

    def keep(self, flush: Flush, now_s: float) -> None:
        """Note that the database has *flush* and the news of it."""
        news, self._news = self._news, []
        for entry in news:
            if entry.seen is not None:
                self._told.put(entry.job_id, entry.seen)
        for update in flush.updates:
            if update.is_terminal:
                self._told.pop(update.job_id)
        self._told.turn(now_s)
