"""One job as the poller holds it, and one poll of it under way."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.keys import KeyPlan, plan_keys, tier_order
from oma_poller.errors import VolumeNameError
from oma_poller.model.context import PollingContext
from oma_poller.model.job import Job
from oma_poller.model.reading import Failure, FailureKind, Outcome


class Watch(Struct, eq=False):
    """A watched job. The context is replaced by every decision."""

    job: Job
    vma: str
    plan: KeyPlan
    context: PollingContext
    refusal: Failure | None = None
    """Why the job cannot be asked for at all; on this job alone."""
    polling: bool = False
    doubtful: bool = False
    """Whether its keys stopped answering, so that the database should be asked for them again."""
    ended_at_s: float | None = None
    """When the database confirmed the job's end; monotonic seconds."""


class Round(Struct, eq=False):
    """One poll under way: the tiers of keys in the order they are asked."""

    watch: Watch
    plan: KeyPlan
    order: tuple[int, ...]
    turn: int = 0
    outcomes: dict[str, Outcome] = {}  # msgspec copies an empty default
    first: tuple[Outcome, ...] = ()
    """What the first tier answered: where none knows the job, that is what counts."""
    raw: dict[str, bytes] = {}  # as above

    @property
    def tier(self) -> int:
        """The tier being asked."""
        return self.order[self.turn]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys being asked."""
        return self.plan.tiers[self.tier]

    @property
    def is_answered(self) -> bool:
        """Whether every key of the tier has its outcome."""
        return len(self.outcomes) == len(self.keys)


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


def start_round(watch: Watch) -> Round:
    """Return a new poll of *watch*: what answered last is asked first (P2)."""
    return Round(watch, watch.plan, tier_order(len(watch.plan.tiers), watch.context.tier))


def replan(watch: Watch, job: Job) -> None:
    """Give *watch* the job's newest keys; the runs of keys that stay are kept."""
    plan, refusal = key_plan(job)
    context = watch.context
    if plan.tiers != watch.plan.tiers and context.tier is not None:
        runs = dict(zip(watch.plan.tiers[context.tier], context.runs, strict=True))
        kept = next((tier for tier, keys in enumerate(plan.tiers) if any(key in runs for key in keys)), None)
        keys = () if kept is None else plan.tiers[kept]
        watch.context = replace(context, tier=kept, runs=tuple(runs.get(key) for key in keys))
    watch.job, watch.plan, watch.refusal = job, plan, refusal
