"""A job polled again and again: each call is one round, and the decision is what a test looks at."""

from datetime import timedelta
from typing import Any

from core_values import NOW, NOW_S, POLICY, a_disk, a_job, a_reading
from msgspec.structs import replace

from oma_poller.core.decide import begin, decide, decide_by_all_rules
from oma_poller.core.keys import plan_keys
from oma_poller.core.poll import Poll
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision, EventKind
from oma_poller.model.job import Job
from oma_poller.model.observation import Observation
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, FailureKind, Missing, Outcome, Reading, State
from oma_poller.model.update import Progress

MISSING = Missing()
REFUSED = Failure(FailureKind.UNREACHABLE, "connection refused")
BROKEN = Failure(FailureKind.SERVER_ERROR, "HTTP 500")


class Story:
    """One job from its first poll on. *decision* is the newest."""

    def __init__(self, job: Job | None = None, policy: Policy = POLICY, tier: int = 0) -> None:
        self.job = job or a_job()
        self.policy = policy
        self.tier = tier
        self.passed_s = 0.0
        self.context: PollingContext = begin(self.job, policy, NOW)
        self.decision: Decision | None = None
        self.last_poll: Poll | None = None

    def poll(self, *outcomes: Outcome, after_s: float = 5.0) -> Decision:
        """Let *after_s* pass, decide a round with *outcomes* and return the decision."""
        self.passed_s += after_s
        poll = Poll(
            job=self.job,
            plan=plan_keys(self.job),
            policy=self.policy,
            tier=self.tier,
            outcomes=outcomes,
            now_s=NOW_S + self.passed_s,
            now=NOW + timedelta(seconds=self.passed_s),
        )
        self.last_poll = poll
        self.decision = decide(self.context, poll)
        by_all_rules = decide_by_all_rules(self.context, poll)
        assert replace(self.decision, went_on=False) == by_all_rules, "the short way says something else"
        self.context = self.decision.context
        return self.decision

    def numbers(self, *outcomes: Outcome, after_s: float = 5.0) -> Progress:
        """Poll, and return the numbers that are written; fail where none are."""
        progress = self.poll(*outcomes, after_s=after_s).update.progress
        assert progress is not None
        return progress

    def told(self, kind: EventKind) -> list[str]:
        """Return what the newest decision tells of this kind."""
        assert self.decision is not None
        return [event.detail for event in self.decision.events if event.kind is kind]

    def observation(self) -> Observation:
        """How the job is seen now."""
        return self.context.sighting.observation

    @property
    def reason(self) -> str:
        """Why it is seen so."""
        return self.context.sighting.reason

    @property
    def status(self) -> str | None:
        """The status that is written now."""
        assert self.decision is not None
        return self.decision.update.status


def by_exports(disks: int = 2, **fields: Any) -> Job:  # noqa: ANN401 - as in core_values
    """Return a job with an export for each of its disks, of 100 bytes."""
    return a_job(*(a_disk(number, capacity_bytes=100) for number in range(1, disks + 1)), **fields)


def by_job_id(disks: int = 2, capacity_bytes: int = 100) -> Job:
    """Return a job whose disks have no volumes, so that its id is the only key."""
    rows = (a_disk(number, volume_id=None, capacity_bytes=capacity_bytes) for number in range(1, disks + 1))
    return a_job(disks=tuple(rows))


def copying(moved_bytes: int, total_bytes: int = 100, **fields: Any) -> Reading:  # noqa: ANN401 - as in core_values
    """Return a replicating entry of the job's own run, of 100 bytes in all."""
    return a_reading(moved_bytes, total_bytes, **fields)


def completed(moved_bytes: int = 100, total_bytes: int | None = None, **fields: Any) -> Reading:  # noqa: ANN401 - as in core_values
    """Return a completed entry, with all its bytes unless told otherwise."""
    total_bytes = moved_bytes if total_bytes is None else total_bytes
    ended = {"state": State.COMPLETED, "word": "completed", "percent": 100.0} | fields
    return a_reading(moved_bytes, total_bytes, **ended)


def failed(moved_bytes: int = 50, **fields: Any) -> Reading:  # noqa: ANN401 - as in core_values
    """Return a failed entry of 100 bytes in all."""
    ended = {"state": State.FAILED, "word": "failed", "error": "disk read error"} | fields
    return a_reading(moved_bytes, 100, **ended)


def cancelled(moved_bytes: int = 50, **fields: Any) -> Reading:  # noqa: ANN401 - as in core_values
    """Return a cancelled entry of 100 bytes in all."""
    return a_reading(moved_bytes, 100, **({"state": State.CANCELLED, "word": "cancelled"} | fields))
