"""The newest result of each job, until the database has it (D4, D7)."""

from collections import ChainMap, OrderedDict
from collections.abc import Container, Iterable, Sequence
from datetime import datetime

from oma_poller.core.aside import Aside
from oma_poller.core.batch import Batch, Unwritten
from oma_poller.core.merge import changes, merged
from oma_poller.core.notebook import Notebook
from oma_poller.core.rows import Rows
from oma_poller.model.context import PollingContext
from oma_poller.model.memory import JobMemory
from oma_poller.model.update import Update

HEARTBEAT_S = 30.0
"""A row whose values did not change is touched at most this often."""
RETRY_END_S = 30.0
"""An end that the database refused is tried again this much later."""
RETRY_HELD_S = 1.0
"""A row that another program holds locked is tried again this much later."""
DISKS_A_ROW = 4
"""So many disks a job, on average, are written at once at most: a statement must not become too long."""


class Mailbox:
    """Holds at most one update a job, so an outage of any length stays bounded by the number of jobs.

    A batch that was taken must be given to `confirm` or `give_back` before the next one is taken; rows that
    the database refused go to `drop` first. Times are monotonic seconds. Every call costs the same whatever
    the number of jobs, but for the rows it hands over.
    """

    def __init__(self) -> None:
        # Ordered, because these are emptied from the front: a plain dict would walk over what was there.
        self._ends: OrderedDict[str, Update] = OrderedDict()
        self._waiting: OrderedDict[str, Update] = OrderedDict()
        self._heartbeats: OrderedDict[str, None] = OrderedDict()
        self._flying: dict[str, Update] = {}
        self._flying_heartbeats: set[str] = set()
        self._refused_ends = Aside()
        self._held = Aside()
        """Rows that another program holds locked."""
        self._busy = (self._waiting, self._flying, self._held, self._ends, self._refused_ends)
        """Where something of a job may be that is not written yet."""
        self._rows = Rows()
        self._notebook = Notebook()
        self._left: set[str] = set()
        """Jobs that were forgotten and whose end is not written yet; nothing else is held of them."""

    def __len__(self) -> int:
        """Number of rows to write now; what was refused or held counts again once it is tried again."""
        queued = len(self._ends) + len(self._waiting) + len(self._heartbeats)
        return queued + len(self._flying) + len(self._flying_heartbeats) + len(self._notebook)

    @property
    def unwritten(self) -> Unwritten:
        """What is not written, or not known to be, whatever it waits for."""
        aside = [*self._refused_ends, *self._held]
        ends = sum(update.is_terminal for update in (*aside, *self._flying.values()))
        return Unwritten(rows=len(self) + len(aside), ends=len(self._ends) + ends)

    @property
    def has_held(self) -> bool:
        """Whether rows wait for another program to let them go."""
        return len(self._held) > 0

    def put(
        self,
        update: Update,
        now_s: float,
        context: PollingContext | None = None,
        *,
        went_on: bool = False,
    ) -> None:
        """Take a job's newest update, merged into one that waits. Nothing replaces an end.

        With the *context* that it came of, the database is given what is to be remembered, too; *went_on* as
        in `Decision`.
        """
        job_id = update.job_id
        with_row = went_on and self._is_next_of_written(job_id, update)
        if with_row:
            self._heartbeats.pop(job_id, None)
            self._waiting[job_id] = update
        else:
            known = self._rows.with_next(job_id, self._flying.get(job_id))
            ended = known is not None and known.is_terminal
            held = self._held.get(job_id)
            ends_later = job_id in self._refused_ends or (held is not None and held.is_terminal)
            if ended or job_id in self._ends or ends_later:
                return
            with_row = self._queue(update, known, now_s)
        if context is not None:
            self._notebook.put(context, now_s, with_row=with_row, went_on=went_on)

    def put_moved(self, updates: Sequence[Update], now_s: float) -> None:
        """Take the updates of jobs of which nothing but their copies moved; see `Update.whole`.

        What the database has of them need not be looked at: they are other rows for certain.
        """
        fresh = {update.job_id: update for update in updates}
        for queue in self._busy:
            for job_id in fresh.keys() & queue.keys() if queue else ():
                self.put(fresh.pop(job_id), now_s, went_on=True)
        for job_id in fresh.keys() & self._heartbeats.keys() if self._heartbeats else ():
            del self._heartbeats[job_id]
        self._waiting.update(fresh)

    def remember(self, context: PollingContext, now_s: float) -> None:
        """Take the newest context of a job whose row is to be written."""
        self._notebook.put(context, now_s, with_row=True, went_on=True)

    def take(self, limit: int, now_s: float, now: datetime | None = None) -> Batch:
        """Return at most *limit* rows to write, ends first (D7), then what has waited longest.

        They are fewer where jobs have very many disks, each of which is a row too.

        With *now*, the same moment, aware, UTC, also the memories to write.
        """
        self._requeue_due(now_s)
        disks = 0
        for queue in (self._ends, self._waiting):
            while queue and len(self._flying) < limit and disks < DISKS_A_ROW * limit:
                job_id, update = queue.popitem(last=False)
                self._flying[job_id] = update
                disks += 0 if update.progress is None else len(update.progress.disks)
        room = limit - len(self._flying)
        heartbeat_ids = [
            self._heartbeats.popitem(last=False)[0] for _ in range(min(room, len(self._heartbeats)))
        ]
        self._flying_heartbeats.update(heartbeat_ids)
        memories: tuple[JobMemory, ...] = ()
        if now is not None:
            memories = self._notebook.take(self._flying, room - len(heartbeat_ids), now_s, now)
        return Batch(tuple(self._flying.values()), tuple(heartbeat_ids), memories)

    def confirm(
        self, batch: Batch, now_s: float, withheld: Container[str] = frozenset()
    ) -> tuple[Update, ...]:
        """Note that the database has *batch*; return its updates, but for what was dropped or forgotten.

        An end of *withheld* was not written, since the row has another: it is over with, and never shown.
        """
        confirmed = tuple(update for update in batch.updates if self._flying.get(update.job_id) is update)
        for update in confirmed:
            if update.job_id in withheld:
                self._rows.withhold(update.job_id)
            self._note_written(update, now_s)
        for job_id in self._flying_heartbeats:
            self._rows.touch(job_id, now_s)
        self._notebook.confirm()
        self._flying.clear()
        self._flying_heartbeats.clear()
        return confirmed

    def give_back(self, batch: Batch) -> None:
        """Take *batch* back unwritten; what came in since is newer and is merged into it.

        What the database has of these rows is not known any more: a connection can break after the commit.
        """
        for update in reversed(batch.updates):
            if self._flying.get(update.job_id) is update:
                self._requeue(update)
        for job_id in batch.heartbeat_ids:
            if job_id in self._flying_heartbeats and job_id not in self._waiting and job_id not in self._ends:
                self._heartbeats[job_id] = None
        self._notebook.give_back(ChainMap(self._ends, self._waiting))
        self._flying.clear()
        self._flying_heartbeats.clear()

    def last_of(self, job_id: str) -> Update | None:
        """Return the same with what is just being written: of a job that left, the database has that too."""
        if self._rows.is_withheld(job_id):
            return self._rows.held_of(job_id)
        return self._rows.with_next(job_id, self._flying.get(job_id))

    def keep(self, job_ids: Iterable[str], now_s: float) -> None:
        """Let rows among those taken wait until another program lets them go; they are tried again at a pace.

        What the database has of them is what it had before. A heartbeat comes again with the next poll.
        """
        for job_id in job_ids:
            update = self._flying.pop(job_id, None)
            self._flying_heartbeats.discard(job_id)
            self._notebook.drop(job_id, again=True)
            if update is not None:
                self._held.put(self._with_newer(update), now_s + RETRY_HELD_S)

    def drop(self, job_ids: Iterable[str], now_s: float) -> None:
        """Let go of the rows among those taken that the database refuses for what is in them.

        Their values are not tried again until they change. An end is, every 30 s: it must not be lost.
        """
        for job_id in job_ids:
            update = self._flying.pop(job_id, None)
            if job_id in self._flying_heartbeats:
                self._flying_heartbeats.discard(job_id)
                self._rows.touch(job_id, now_s)
            again = update is not None and update.is_terminal and job_id not in self._left
            self._notebook.drop(job_id, again=again)
            if update is None:
                continue
            if again:
                self._refused_ends.put(update, now_s + RETRY_END_S)
            else:
                self._note_written(update, now_s)

    def written_of(self, job_id: str) -> Update | None:
        """Return what the database was last given for a job; on any thread."""
        return self._rows.held_of(job_id)

    def forget(self, job_id: str) -> None:
        """Drop what is held for a job that is no longer active; an end that waits is still written."""
        self._notebook.forget(job_id)
        self._waiting.pop(job_id, None)
        self._heartbeats.pop(job_id, None)
        self._flying_heartbeats.discard(job_id)
        self._refused_ends.pop(job_id)
        self._rows.forget(job_id)
        flying = self._flying.get(job_id)
        if flying is not None and not flying.is_terminal:
            del self._flying[job_id]
        held = self._held.get(job_id)
        if held is not None and not held.is_terminal:
            self._held.pop(job_id)
        if job_id in self._ends or job_id in self._flying or job_id in self._held:
            self._left.add(job_id)

    def begin(self, job_id: str) -> None:
        """Start anew for a job that is taken up: what an earlier life of it left is not written any more."""
        self.forget(job_id)
        self._ends.pop(job_id, None)
        self._flying.pop(job_id, None)
        self._held.pop(job_id)
        self._left.discard(job_id)

    def _is_next_of_written(self, job_id: str, update: Update) -> bool:
        """Whether the database has all that came of a job before, and this changes it: nearly always so."""
        written = self._rows.get(job_id)
        return (
            written is not None
            and not written.update.is_terminal
            and not any(job_id in queue for queue in self._busy)
            and changes(written.update, update)
        )

    def _queue(self, update: Update, known: Update | None, now_s: float) -> bool:
        """Have the row written where *update* changes what is *known* of it; return whether it does."""
        job_id = update.job_id
        held = self._held.get(job_id)
        if held is not None:
            self._held.change(merged(held, update))
            return True
        flying, written = self._flying.get(job_id), self._rows.get(job_id)
        waiting = self._waiting.get(job_id)
        newest = update if waiting is None else merged(waiting, update)
        if newest.is_terminal:
            self._waiting.pop(job_id, None)
            self._heartbeats.pop(job_id, None)
            self._ends[job_id] = newest
            return True
        if known is None or changes(known, newest):
            self._heartbeats.pop(job_id, None)
            self._waiting[job_id] = newest
            return True
        self._waiting.pop(job_id, None)
        touched = flying is not None or job_id in self._flying_heartbeats
        if not touched and written is not None and now_s - written.at_s >= HEARTBEAT_S:
            self._heartbeats[job_id] = None
        return False

    def _requeue(self, update: Update) -> None:
        """Put an unwritten update in front of its queue, with what came in since."""
        job_id = update.job_id
        self._rows.doubt(job_id)
        newest = self._with_newer(update)
        queue = self._ends if newest.is_terminal else self._waiting
        queue[job_id] = newest
        queue.move_to_end(job_id, last=False)

    def _with_newer(self, update: Update) -> Update:
        """Return an unwritten update with what came in since, which waits no more; an end stays as it is."""
        newer = self._ends.pop(update.job_id, None) or self._waiting.pop(update.job_id, None)
        return update if newer is None or update.is_terminal else merged(update, newer)

    def _requeue_due(self, now_s: float) -> None:
        for aside in (self._refused_ends, self._held):
            for update in aside.take_due(now_s):
                (self._ends if update.is_terminal else self._waiting)[update.job_id] = update

    def _note_written(self, update: Update, now_s: float) -> None:
        """Remember *update* on top of what was written before; of a job that left, nothing."""
        job_id = update.job_id
        if job_id in self._left:
            self._left.discard(job_id)
        else:
            self._rows.note(update, now_s)
