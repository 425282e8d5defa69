"""The jobs that are watched: who joins, whose row is read anew, who leaves."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from oma_poller.core.decide import begin
from oma_poller.core.memory import Restart, recall
from oma_poller.core.routing import vma_for
from oma_poller.engine.changes import Changes
from oma_poller.engine.judge import Judge
from oma_poller.engine.lanes import Lanes
from oma_poller.engine.parts import Parts
from oma_poller.engine.rereads import Rereads
from oma_poller.engine.watch import Watch, key_plan, replan
from oma_poller.model.context import PollingContext
from oma_poller.model.job import Job


class Roster:
    """Every watched job, and where it stands in the lane of its VMA."""

    def __init__(self, parts: Parts, lanes: Lanes, judge: Judge) -> None:
        self._parts = parts
        self._lanes = lanes
        self._judge = judge
        self.watches: dict[str, Watch] = {}
        """By job id."""
        self.changes = Changes()
        self.rereads = Rereads()

    def drop_all_but(self, active_ids: AbstractSet[str]) -> list[PollingContext]:
        """Drop every job that is not among *active_ids*, and everything held for it."""
        return [self._drop(job_id).context for job_id in self.watches.keys() - active_ids]

    def refresh(self, jobs: Iterable[Job], asked_at_s: float) -> list[Job]:
        """Take the newest rows of watched jobs; return those among *jobs* that are to be taken up.

        *asked_at_s* is when the database was asked which jobs are active: one that ended later than that
        is not taken up again.
        """
        newcomers = []
        for job in jobs:
            watch = self.watches.get(job.id)
            if watch is None or not self._is_same(watch, job, asked_at_s):
                newcomers.append(job)
                continue
            if replace(watch.job, status=job.status) == job:  # the status is what this program writes
                watch.job = job
                self._was_read(watch)
                continue
            try:
                self._replan(watch, job)
            except Exception as error:  # noqa: BLE001 - a defect with one job must not stop the others
                self._parts.journal.defect(job.id, error)
        return newcomers

    def take_up(self, dues: Iterable[tuple[Job, float]]) -> list[Watch]:
        """Watch jobs, each from its due time on, monotonic seconds; return how they are watched."""
        watches = []
        for job, due_s in dues:
            try:
                watches.append(self._take_up(job, due_s))
            except Exception as error:  # noqa: BLE001 - as in refresh
                self._parts.journal.defect(job.id, error)
        return watches

    def _is_same(self, watch: Watch, job: Job, asked_at_s: float) -> bool:
        """Whether *job* is the one that is watched, not one made anew under its id or set active again."""
        ended = watch.ended_at_s is not None and asked_at_s > watch.ended_at_s
        return job.created_at == watch.job.created_at and not (ended and self._parts.policy.write_status)

    def _take_up(self, job: Job, due_s: float) -> Watch:
        if job.id in self.watches:
            self._drop(job.id)
        self._parts.mailbox.begin(job.id)
        plan, refusal = key_plan(job)
        policy, now_s, now = self._parts.policy, self._parts.clock.monotonic(), self._parts.clock.utc()
        context = recall(job, Restart(plan, policy, now_s, now)) or begin(job, policy, now)
        job = job if job.past is None else replace(job, past=None)  # it is long
        watch = Watch(job, vma_for(job, self._parts.rules), plan, context, refusal)
        self.watches[job.id] = watch
        self._lanes.join(watch.vma, job.id)
        if context.stopped_at is None:
            self._lanes.place(watch.vma, watch.job.id, due_s)
        self.changes.note((job.id,))
        self._was_read(watch)
        return watch

    def _replan(self, watch: Watch, job: Job) -> None:
        last_vma, seat = watch.vma, watch.seat
        due_s = None
        if seat is not None:  # it leaves its cohort
            due_s = self._parts.clock.monotonic() if seat.slot.due_s is None else seat.slot.due_s
        changed = replan(watch, job, vma_for(job, self._parts.rules))
        if watch.vma != last_vma:
            self._lanes.leave(last_vma, job.id)
            self._lanes.join(watch.vma, job.id)
        self._was_read(watch)
        if changed and not self._judge.is_over(watch):
            due_s = self._parts.clock.monotonic()
        if due_s is not None:
            self._lanes.place(watch.vma, watch.job.id, due_s)

    def _was_read(self, watch: Watch) -> None:
        self.rereads.was_read(watch.job.id)
        if watch.refusal is not None:
            self.rereads.doubt(watch.job.id)  # it costs no request, so it is mended as soon as its row is

    def _drop(self, job_id: str) -> Watch:
        watch = self.watches.pop(job_id)
        watch.leave_cohort()
        self._lanes.leave(watch.vma, job_id)
        self.changes.left(watch, self._parts.mailbox.last_of(job_id))
        self._parts.mailbox.forget(job_id)
        self.rereads.forget(job_id)
        return watch
