"""The mailbox against a database and a plain list of what was put into it (D4, D7)."""

from core_values import a_progress, a_sighting
from database_row import DatabaseRow
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from oma_poller.core.batch import Batch
from oma_poller.core.mailbox import HEARTBEAT_S, RETRY_END_S, RETRY_HELD_S, Mailbox
from oma_poller.model.observation import Observation
from oma_poller.model.update import DiskUpdate, Progress, Update

JOB_IDS = [f"job-{number}" for number in range(2)]
JOBS = st.sampled_from(JOB_IDS)
ROWS = st.builds(DiskUpdate, st.integers(1, 2), st.just("syncing"), st.integers(0, 1), st.none() | st.just(7))
DISKS = st.lists(ROWS, max_size=2, unique_by=lambda row: row.id).map(tuple)


def progress(percent_bp: int, disks: tuple[DiskUpdate, ...]) -> Progress:
    """Return numbers of a job and its disks."""
    return a_progress(percent_bp, disks=disks)


UPDATES = st.builds(
    Update,
    job_id=JOBS,
    sighting=st.sampled_from([a_sighting(), a_sighting(Observation.BLIND, "refused")]),
    consecutive_errors=st.integers(0, 1),
    progress=st.none() | st.builds(progress, st.integers(0, 2), DISKS),
    status=st.sampled_from([None, None, "replicating", "replicating", "completed", "failed", "cancelled"]),
    error_message=st.none() | st.just("lost"),
)


class MailboxModel(RuleBasedStateMachine):
    """Jobs come, are polled, end and go; the database takes, fails, refuses, or fails after the commit."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = Mailbox()
        self.now_s = 0.0
        self.rows = {job_id: DatabaseRow() for job_id in JOB_IDS}
        self.wanted = {job_id: DatabaseRow() for job_id in JOB_IDS}
        """The rows as they would be, had every update been written at once."""
        self.watched = set(JOB_IDS)
        self.unsure: set[str] = set()
        """Jobs whose row the mailbox cannot know, so that it may write what is there already."""
        self.refused: set[str] = set()
        """Jobs whose values the database did not take: their rows are behind."""
        self.refused_ends: dict[str, float] = {}
        self.held_until: dict[str, float] = {}
        self.touched_s: dict[str, float] = {}
        self.batch: Batch | None = None
        self.moved = 10**6

    @rule(seconds=st.sampled_from([0.2, 5.0, 31.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds

    @rule(updates=st.lists(UPDATES, min_size=1, max_size=5))
    def put(self, updates: list[Update]) -> None:
        """Poll watched jobs."""
        for update in updates:
            if update.job_id in self.watched:
                self.mailbox.put(update, self.now_s)
                self.wanted[update.job_id].write(update)

    @rule(job_id=JOBS)
    def put_unchanged(self, job_id: str) -> None:
        """Poll a job that stands still: an update that names nothing new."""
        self.put([Update(job_id, a_sighting())])

    @rule(job_id=JOBS)
    def put_moved(self, job_id: str) -> None:
        """Poll a job of which nothing but its copy moved."""
        if job_id not in self.watched or self.wanted[job_id].is_terminal:
            return
        self.moved += 1
        disks = tuple(DiskUpdate(number, "syncing", 1, self.moved) for number in (1, 2))
        numbers = a_progress(3, bytes_transferred=self.moved, disks=disks)
        update = Update(job_id, a_sighting(), 0, numbers, "replicating", whole=True)
        self.mailbox.put_moved([update], self.now_s)
        self.wanted[job_id].write(update)

    @precondition(lambda self: self.batch is None)
    @rule(limit=st.integers(1, 8), written=st.booleans())
    def take(self, limit: int, *, written: bool) -> None:
        """Begin a flush; *written* is whether the database gets it, whatever it answers later."""
        batch = self.mailbox.take(limit, self.now_s)
        assert len(batch.updates) + len(batch.heartbeat_ids) <= limit
        self.check_order(batch)
        for update in batch.updates:
            self.check_update(update, written=written)
        for job_id in batch.heartbeat_ids:
            assert self.now_s - self.touched_s[job_id] >= HEARTBEAT_S
        self.batch = batch
        self.batch_is_written = written

    def check_order(self, batch: Batch) -> None:
        """Ends come first, and no row twice."""
        terminal = [update.is_terminal for update in batch.updates]
        assert terminal == sorted(terminal, reverse=True)
        if not all(terminal) or batch.heartbeat_ids:
            assert not self.mailbox._ends
        job_ids = [update.job_id for update in batch.updates] + list(batch.heartbeat_ids)
        assert len(job_ids) == len(set(job_ids))

    def check_update(self, update: Update, *, written: bool) -> None:
        """A row is written only where that changes it, and a refused end not too soon."""
        job_id = update.job_id
        row = self.rows[job_id].copy()
        row.write(update)
        assert row != self.rows[job_id] or job_id in self.unsure | self.refused
        if job_id in self.refused_ends:
            assert self.now_s >= self.refused_ends.pop(job_id)
        assert self.now_s >= self.held_until.pop(job_id, 0.0)
        if written:
            self.rows[job_id] = row

    @precondition(lambda self: self.batch is not None and self.batch_is_written)
    @rule()
    def confirm(self) -> None:
        """The database says it has the batch."""
        assert self.batch is not None
        for update in self.mailbox.confirm(self.batch, self.now_s):
            self.touched_s[update.job_id] = self.now_s
            self.unsure.discard(update.job_id)
        self.touched_s |= dict.fromkeys(self.batch.heartbeat_ids, self.now_s)
        self.batch = None

    @precondition(lambda self: self.batch is not None)
    @rule()
    def give_back(self) -> None:
        """The connection broke, before or after the commit."""
        assert self.batch is not None
        self.mailbox.give_back(self.batch)
        self.unsure |= {update.job_id for update in self.batch.updates}
        self.batch = None

    @precondition(lambda self: self.batch is not None and self.batch.updates and not self.batch_is_written)
    @rule()
    def refuse(self) -> None:
        """The database refuses the first row for what is in it, and takes all others."""
        assert self.batch is not None
        refused, *others = self.batch.updates
        self.mailbox.drop([refused.job_id], self.now_s)
        if refused.job_id in self.watched and refused.is_terminal:
            self.refused_ends[refused.job_id] = self.now_s + RETRY_END_S
        self.refused.add(refused.job_id)
        for update in others:
            self.rows[update.job_id].write(update)
        self.touched_s[refused.job_id] = self.now_s
        self.batch_is_written = True
        self.confirm()

    @precondition(lambda self: self.batch is not None and self.batch.updates and not self.batch_is_written)
    @rule()
    def find_held(self) -> None:
        """Another program has locked the first row; the database takes all others."""
        assert self.batch is not None
        locked, *others = self.batch.updates
        held = locked.job_id in self.mailbox._flying
        self.mailbox.keep([locked.job_id], self.now_s)
        if held:
            self.held_until[locked.job_id] = self.now_s + RETRY_HELD_S
        for update in others:
            self.rows[update.job_id].write(update)
        self.batch_is_written = True
        self.confirm()

    @rule(job_id=JOBS)
    def leave(self, job_id: str) -> None:
        """A job is no longer active."""
        self.mailbox.forget(job_id)
        self.watched.discard(job_id)
        self.refused_ends.pop(job_id, None)

    @precondition(lambda self: self.batch is None)
    @rule(job_id=JOBS)
    def begin(self, job_id: str) -> None:
        """A job is made anew under the id of an earlier one."""
        self.mailbox.begin(job_id)
        self.rows[job_id], self.wanted[job_id] = DatabaseRow(), DatabaseRow()
        self.watched.add(job_id)
        for known in (self.unsure, self.refused):
            known.discard(job_id)
        self.refused_ends.pop(job_id, None)
        self.held_until.pop(job_id, None)

    @invariant()
    def memory_is_bounded_by_the_jobs(self) -> None:
        """Nothing is held twice, and nothing of a job that left but its end."""
        box = self.mailbox
        refused, held = ({update.job_id for update in aside} for aside in (box._refused_ends, box._held))
        queues = (box._ends, box._waiting, box._heartbeats, refused, held)
        assert sum(len(queue) for queue in queues) == len({job_id for queue in queues for job_id in queue})
        assert box._waiting.keys() | box._heartbeats.keys() | box._rows._written.keys() <= self.watched
        assert refused <= self.watched
        flying_ends = {job_id for job_id, update in box._flying.items() if update.is_terminal}
        locked_ends = {update.job_id for update in box._held if update.is_terminal}
        assert held - self.watched <= locked_ends
        assert box._left == (box._ends.keys() | flying_ends | locked_ends) - self.watched

    def teardown(self) -> None:
        """The database is back: everything that counts is in it."""
        if self.batch is not None:
            self.give_back()
        self.now_s += RETRY_END_S
        while len(self.mailbox) or self.mailbox._refused_ends or self.mailbox.has_held:
            self.take(3, written=True)
            self.confirm()
        for job_id, wanted in self.wanted.items():
            if wanted.is_terminal and job_id in self.watched:
                assert self.rows[job_id].columns["status"] == wanted.columns["status"]
            if job_id in self.watched - self.refused:
                assert self.rows[job_id] == wanted


MailboxModel.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestMailboxModel = MailboxModel.TestCase
