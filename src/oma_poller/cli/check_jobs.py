"""The part of `oma-poller check` that asks the VMAs for the active jobs' keys."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from oma_poller.cli.finding import Finding, Mark
from oma_poller.clock import Clock
from oma_poller.core.keys import is_unknown, plan_keys
from oma_poller.core.routing import vma_for
from oma_poller.database.source import SqlJobSource
from oma_poller.errors import VolumeNameError
from oma_poller.model.job import Job
from oma_poller.model.reading import Failure, Outcome, Reading
from oma_poller.vma.health import fetch_once
from oma_poller.vma.target import VmaTarget

if TYPE_CHECKING:
    from oma_poller.config import Settings

JOBS_LIMIT = 20
"""Jobs that are asked for; more would make the check slow and tell nothing new."""
_TIMEOUT_S = 5.0
_AT_ONCE = 8
_WAITING = frozenset({"pending", "queued"})
"""A job with such a status need not be known to its VMA yet."""


class JobKeys(Struct, frozen=True):
    """Which keys of one job answer."""

    job_id: str
    status: str
    vma: str
    mark: Mark
    detail: str
    """One line for a person."""
    answering: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    """Shapes of the replies: A, B or C."""


class JobsLook(Struct, frozen=True):
    """All active jobs, and what came of asking for some of them."""

    active: int
    jobs: tuple[JobKeys, ...]
    left_out: dict[str, str] = {}  # msgspec copies an empty default
    """Rows that cannot be polled for what their id is, each with the reason."""


class _Asker:
    """Asks for the keys of one job, in the order of a poll."""

    def __init__(self, settings: "Settings", reachable: Collection[str], clock: Clock) -> None:
        self._settings = settings
        self._targets: Mapping[str, VmaTarget] = {target.name: target for target in settings.targets}
        self._reachable = reachable
        self._clock = clock
        self._timeout_s = min(settings.http_timeout_s, _TIMEOUT_S)

    def ask(self, job: Job) -> JobKeys:
        vma = vma_for(job, self._settings.rules)

        def result(mark: Mark, detail: str, answers: Mapping[str, Outcome] | None = None) -> JobKeys:
            readings = {k: v for k, v in (answers or {}).items() if isinstance(v, Reading)}
            shapes = tuple(sorted({reading.shape for reading in readings.values()}))
            return JobKeys(
                job.id, job.status, vma, mark, detail, tuple(readings), tuple(answers or ()), shapes
            )

        try:
            tiers = plan_keys(job).tiers
        except VolumeNameError as error:
            return result(Mark.WRONG, str(error))
        if vma not in self._reachable:
            return result(Mark.HINT, f"not asked for: its VMA {vma} cannot be reached")
        answers: dict[str, Outcome] = {}
        for tier in tiers:
            of_tier = self._ask_tier(vma, tier)
            answers |= of_tier
            failure = next((v for v in of_tier.values() if isinstance(v, Failure)), None)
            if failure is not None:
                return result(Mark.WRONG, f"{failure.kind.value}: {failure.detail}", answers)
            if not is_unknown(list(of_tier.values())):
                return result(*_answering(of_tier), answers)
        mark, why = self._nothing_known(job)
        return result(mark, f"{vma} knows none of {', '.join(answers)}{why}", answers)

    def _ask_tier(self, vma: str, tier: Sequence[str]) -> dict[str, Outcome]:
        """Ask for the keys of a tier, up to the first that brings no usable answer."""
        answers: dict[str, Outcome] = {}
        for key in tier:
            answers[key] = fetch_once(self._targets[vma], key, self._timeout_s, self._clock).outcome
            if isinstance(answers[key], Failure):
                break
        return answers

    def _nothing_known(self, job: Job) -> tuple[Mark, str]:
        if job.status.lower() in _WAITING:
            return Mark.HINT, f" yet; the job is {job.status}"
        grace = timedelta(seconds=self._settings.policy.startup_grace_s)
        if job.created_at is not None and self._clock.utc() - job.created_at <= grace:
            return Mark.HINT, " yet; the job is only just there"
        return Mark.WRONG, ""


def _answering(answers: Mapping[str, Outcome]) -> tuple[Mark, str]:
    silent = [key for key, outcome in answers.items() if not isinstance(outcome, Reading)]
    count = f"{len(answers) - len(silent)} of {len(answers)} keys answer"
    return (Mark.HINT, f"{count}; unknown to its VMA: {', '.join(silent)}") if silent else (Mark.OK, count)


def look_at_jobs(
    settings: "Settings", source: SqlJobSource, reachable: Collection[str], clock: Clock
) -> JobsLook:
    """Ask for the keys of the newest active jobs.

    Raises DatabaseError where the database does not answer.
    """
    active = source.active()
    jobs = source.details([job_id for job_id in source.newest(JOBS_LIMIT) if job_id in active])
    asker = _Asker(settings, reachable, clock)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="keys") as threads:
        return JobsLook(len(active), tuple(threads.map(asker.ask, jobs)), source.left_out)


def tell_jobs(look: JobsLook) -> Iterator[Finding]:
    """Yield how many jobs answer and in which shape, then one finding a job that does not."""
    for job_id, reason in look.left_out.items():
        yield Finding("jobs", Mark.WRONG, f"{job_id} is left out: {reason}")
    if not look.active:
        yield Finding("jobs", Mark.OK, "no job is active: there is no key to ask for")
        return
    answering = sum(bool(job.answering) for job in look.jobs)
    which = "active jobs" if look.active == len(look.jobs) else f"newest jobs, of {look.active} active ones,"
    shapes = Counter(shape for job in look.jobs for shape in job.shapes)
    shape = f"; replies have the shape {' and '.join(sorted(shapes))}" if shapes else ""
    yield Finding(
        "jobs",
        Mark.OK if answering else Mark.HINT,
        f"{answering} of {len(look.jobs)} {which} answer{shape}",
    )
    for job in look.jobs:
        if job.mark is not Mark.OK:
            yield Finding("jobs", job.mark, f"{job.job_id} ({job.status}): {job.detail}")
