"""The newest result of each job, until the database has it (D4, D7)."""

from itertools import chain, islice

from msgspec import Struct

from oma_poller.model.update import Update

HEARTBEAT_S = 30.0
"""A row whose values did not change is touched at most this often."""


class Batch(Struct, frozen=True):
    """What one flush writes."""

    updates: tuple[Update, ...]
    heartbeat_ids: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.updates or self.heartbeat_ids)


class Mailbox:
    """Holds at most one update a job, so an outage of any length stays bounded by the number of jobs.

    A batch that was taken must be given to `confirm` or `give_back` before the next one is taken.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Update] = {}
        self._heartbeats: set[str] = set()
        self._flying: dict[str, Update] = {}
        self._written: dict[str, Update] = {}
        self._written_at_s: dict[str, float] = {}

    def __len__(self) -> int:
        """Number of rows that wait to be written."""
        return len(self._waiting) + len(self._heartbeats) + len(self._flying)

    def put(self, update: Update, now_s: float) -> None:
        """Take the newest update of a job, in place of an older one; an end is never replaced."""
        job_id = update.job_id
        waiting = self._waiting.get(job_id)
        if waiting is not None and waiting.is_terminal:
            return
        known = self._flying.get(job_id) or self._written.get(job_id)
        if update != known:
            self._heartbeats.discard(job_id)
            self._waiting[job_id] = update
            return
        self._waiting.pop(job_id, None)
        if job_id not in self._flying and now_s - self._written_at_s[job_id] >= HEARTBEAT_S:
            self._heartbeats.add(job_id)

    def take(self, limit: int) -> Batch:
        """Return at most *limit* rows to write, ends first (D7)."""
        ends = [update for update in self._waiting.values() if update.is_terminal]
        others = (update for update in self._waiting.values() if not update.is_terminal)
        updates = tuple(islice(chain(ends, others), limit))
        heartbeat_ids = tuple(islice(self._heartbeats, limit - len(updates)))
        for update in updates:
            del self._waiting[update.job_id]
            self._flying[update.job_id] = update
        self._heartbeats.difference_update(heartbeat_ids)
        return Batch(updates, heartbeat_ids)

    def confirm(self, batch: Batch, now_s: float) -> None:
        """Note that the database has *batch*."""
        for job_id, update in self._flying.items():
            self._written[job_id] = update
            self._written_at_s[job_id] = now_s
        for job_id in batch.heartbeat_ids:
            if job_id in self._written:
                self._written_at_s[job_id] = now_s
        self._flying.clear()

    def give_back(self, batch: Batch) -> None:
        """Take *batch* back unwritten; what came in since is newer and stays, but for an end."""
        for update in batch.updates:
            newer = update.job_id in self._waiting or update.job_id not in self._flying
            if update.is_terminal or not newer:
                self._waiting[update.job_id] = update
        still = (job_id for job_id in batch.heartbeat_ids if job_id in self._written)
        self._heartbeats.update(job_id for job_id in still if job_id not in self._waiting)
        self._flying.clear()

    def forget(self, job_id: str) -> None:
        """Drop what is held for a job that is no longer active; an end that waits is still written."""
        waiting = self._waiting.get(job_id)
        if waiting is not None and not waiting.is_terminal:
            del self._waiting[job_id]
        self._flying.pop(job_id, None)
        self._heartbeats.discard(job_id)
        self._written.pop(job_id, None)
        self._written_at_s.pop(job_id, None)
