"""What the engine tells its log: one line when something begins, one when it ends, not one a poll."""

from oma_poller.core.decide import Poll
from oma_poller.core.keys import KeyPlan
from oma_poller.core.states import ENDS
from oma_poller.engine.ports import Log
from oma_poller.engine.watch import Watch
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision, EventKind
from oma_poller.model.job import Job
from oma_poller.model.reading import Reading
from oma_poller.model.update import Update

_WARNINGS = frozenset({EventKind.ERROR, EventKind.PARKED, EventKind.REGRESSION})
_NAMES = {
    EventKind.ANSWERED: "job answers",
    EventKind.ERROR: "job does not answer",
    EventKind.PARKED: "job parked",
    EventKind.REGRESSION: "bytes went back",
    EventKind.RUN_CHANGED: "run changed",
    EventKind.RUN_TRUSTED: "run trusted",
    EventKind.DISK_ENDED: "disk ended",
    EventKind.STATE: "state changed",
    EventKind.OBSERVATION: "observation changed",
}


class Journal:
    """Puts decisions into words, each line with its `job_id`."""

    def __init__(self, log: Log, *, each_poll: bool = False) -> None:
        self._log = log
        self._each_poll = each_poll
        self._down: dict[str, str] = {}

    def taken_up(self, job: Job, plan: KeyPlan) -> None:
        """Say that a job is watched from now on."""
        self._log.info("job taken up", job_id=job.id, name=job.name, disks=len(job.disks), keys=plan.tiers[0])

    def dropped(self, context: PollingContext) -> None:
        """Say that a job is not watched any more."""
        self._log.info("job left", job_id=context.job_id, state=context.state.value)

    def decided(self, watch: Watch, poll: Poll, decision: Decision) -> None:
        """Say what changed with a poll; at debug level say every poll with the key that answered."""
        for event in decision.events:
            say = self._log.warning if event.kind in _WARNINGS else self._log.info
            if event.kind is EventKind.OBSERVATION or (event.kind is EventKind.STATE and _is_end(decision)):
                say = self._log.debug  # the end is told when the database has it
            say(_NAMES[event.kind], job_id=watch.job.id, detail=event.detail)
        if self._each_poll:
            self._poll(watch, poll, decision)

    def written(self, update: Update) -> None:
        """Say the end of a job, once the database has it."""
        progress = update.progress
        self._log.info(
            f"job {update.status}",
            job_id=update.job_id,
            bytes_transferred=progress.bytes_transferred if progress else None,
            error=update.error_message,
        )

    def fell(self, what: str, detail: str) -> None:
        """Say once that something stopped working."""
        if what not in self._down:
            self._log.error(f"{what} away", detail=detail)
        self._down[what] = detail

    def rose(self, what: str) -> None:
        """Say once that it works again."""
        if self._down.pop(what, None) is not None:
            self._log.info(f"{what} back")

    def note(self, event: str, **fields: object) -> None:
        """Say a step of the program's own life."""
        self._log.info(event, **fields)

    def _poll(self, watch: Watch, poll: Poll, decision: Decision) -> None:
        keys = watch.plan.tiers[poll.tier]
        answered = [
            key for key, outcome in zip(keys, poll.outcomes, strict=True) if isinstance(outcome, Reading)
        ]
        progress = decision.update.progress
        self._log.debug(
            "poll",
            job_id=watch.job.id,
            result=decision.result,
            answered=answered,
            asked=list(keys),
            percent=progress.percent_bp / 100 if progress else None,
            bytes_transferred=progress.bytes_transferred if progress else None,
            observation=decision.context.sighting.observation.value,
            next_in_s=decision.delay_s,
        )


def _is_end(decision: Decision) -> bool:
    return decision.context.state in ENDS
