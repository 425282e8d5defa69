"""One job as the poller holds it, and one poll of it under way."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.cohort import Cohort
from oma_poller.core.keys import KeyPlan, plan_keys
from oma_poller.core.runs import asking_order
from oma_poller.errors import VolumeNameError
from oma_poller.model.context import PollingContext
from oma_poller.model.job import Job
from oma_poller.model.reading import Failure, FailureKind, Outcome


class Slot(Struct, eq=False, gc=False):
    """When the jobs of a cohort are due."""

    due_s: float | None = None
    """Monotonic seconds; None while they are being asked."""


class Seat(Struct, frozen=True, eq=False, gc=False):
    """A job's place in a cohort."""

    cohort: Cohort
    place: int
    slot: Slot


class Watch(Struct, eq=False, gc=False):
    """A watched job. The context is another after every decision, be it of the job alone or of its cohort."""

    job: Job
    vma: str
    plan: KeyPlan
    decided: PollingContext
    """What is known of it since it was last decided by itself, or made anew in its cohort. But for numbers
    and moments it is so still."""
    refusal: Failure | None = None
    """Why the job cannot be asked for at all; on this job alone."""
    doubts: int = 0
    """Polls in a row that missed a key."""
    ended_at_s: float | None = None
    """When the database confirmed the job's end; monotonic seconds."""
    recorded_at_s: float | None = None
    """When a poll of it was kept last by the flight recorder; monotonic seconds."""
    alone_until_s: float = 0.0
    """It joins no cohort before; monotonic seconds."""
    seat: Seat | None = None
    """Where it is polled and decided with others; None while it is by itself."""

    @property
    def context(self) -> PollingContext:
        """What is known of the job. On any thread."""
        seat = self.seat
        return self.decided if seat is None else seat.cohort.context(seat.place) or self.decided

    @context.setter
    def context(self, context: PollingContext) -> None:
        """Decide the job by itself: it leaves its cohort, and is due no more until somebody places it."""
        self.decided = context
        seat, self.seat = self.seat, None
        if seat is not None:
            seat.cohort.leave(seat.place)

    @property
    def last_good_s(self) -> float | None:
        """When a poll of it went well last, monotonic seconds; None where none has. On any thread."""
        seat = self.seat
        return self.decided.last_good_s if seat is None else seat.cohort.read_at_s(seat.place)

    def leave_cohort(self) -> None:
        """Have the job by itself from now on, as with a context of its own."""
        if self.seat is not None:
            self.context = self.context


class Answered(Struct, eq=False, gc=False):
    """What a poll is decided by."""

    tier: int
    """The tier of keys that was asked last."""
    outcomes: tuple[Outcome, ...]
    """One a key of it, in the plan's order."""
    bodies: tuple[bytes, ...] = ()
    """The raw replies, as in `TierAnswer`."""


class Round(Struct, eq=False, gc=False):
    """One poll under way: the tiers of keys in the order they are asked."""

    watch: Watch
    plan: KeyPlan
    vma: str
    began_s: float
    """Monotonic seconds."""
    order: tuple[int, ...]
    job_id: str
    """The job that is polled."""
    keys: tuple[str, ...]
    """The keys being asked: those of the present tier."""
    turn: int = 0
    place: bool = False
    """Whether it takes one of the places in flight."""
    outcomes: tuple[Outcome, ...] = ()
    """What the keys of the present tier answered, in their order, once they have."""
    bodies: tuple[bytes, ...] = ()
    """The raw replies, likewise, as in `TierAnswer`."""
    first: tuple[Outcome, ...] = ()
    """What the first tier answered: where none knows the job, that is what counts."""

    @property
    def is_outdated(self) -> bool:
        """Whether the job has other keys by now, or another VMA: the answers tell nothing of it."""
        watch = self.watch
        same_plan = watch.plan is self.plan or watch.plan.tiers == self.plan.tiers
        return not same_plan or watch.vma != self.vma

    @property
    def tier(self) -> int:
        """The tier being asked."""
        return self.order[self.turn]

    def turn_to_next(self) -> bool:
        """Have the next tier asked; return whether there is one."""
        if self.turn + 1 >= len(self.order):
            return False
        self.turn += 1
        self.keys, self.outcomes, self.bodies = self.plan.tiers[self.tier], (), ()
        return True


def key_plan(job: Job) -> tuple[KeyPlan, Failure | None]:
    """Return the job's key plan; where it has none that can be asked, also why."""
    try:
        plan = plan_keys(job)
    except VolumeNameError as error:
        return KeyPlan(tiers=((job.id,),), exports=()), Failure(FailureKind.BAD_KEY, str(error))
    if plan.tiers:
        return plan, None
    detail = f"job id {job.id!r} cannot be asked for: it cannot be one segment of a URL path"
    return KeyPlan(tiers=((job.id,),), exports=()), Failure(FailureKind.BAD_KEY, detail)


def start_round(watch: Watch, now_s: float) -> Round:
    """Return a new poll of *watch*: what answered last is asked first (P2)."""
    plan = watch.plan
    order = asking_order(watch.context, len(plan.tiers))
    return Round(watch, plan, watch.vma, now_s, order, watch.job.id, plan.tiers[order[0]])


def replan(watch: Watch, job: Job, vma: str) -> bool:
    """Give *watch* the job's newest row; return whether it is asked elsewhere, or otherwise, than before.

    The runs of keys that stay are kept. Errors that came of a key that could not be asked end with it.
    """
    plan, refusal = key_plan(job)
    context = watch.context
    moved = plan.tiers != watch.plan.tiers
    if moved and context.tier is not None:
        runs = dict(zip(watch.plan.tiers[context.tier], context.runs, strict=True))
        kept = next((tier for tier, keys in enumerate(plan.tiers) if any(key in runs for key in keys)), None)
        keys = () if kept is None else plan.tiers[kept]
        context = replace(context, tier=kept, keys=keys, runs=tuple(runs.get(key) for key in keys))
    if watch.refusal is not None and refusal is None:
        context = replace(context, consecutive_errors=0)
    changed = moved or vma != watch.vma or (watch.refusal is None) != (refusal is None)
    watch.job, watch.vma, watch.plan, watch.refusal, watch.context = job, vma, plan, refusal, context
    return changed
