"""What the engine tells its log: one line when something begins, one when it ends, not one a poll."""

from collections.abc import Callable, Sequence

from oma_poller.core.poll import Poll
from oma_poller.core.states import ENDS
from oma_poller.engine.ports import Log
from oma_poller.engine.watch import Watch
from oma_poller.errors import DatabaseError
from oma_poller.model.context import PollingContext
from oma_poller.model.decision import Decision, Event, EventKind
from oma_poller.model.reading import FailureKind, Reading
from oma_poller.model.update import Update

FEW_LINES = 20
"""So many jobs that come or go at once have a line each; more of them share one."""

_TRANSPORT = frozenset({FailureKind.UNREACHABLE.value, FailureKind.TIMEOUT.value, FailureKind.TLS.value})
"""Results that tell of a VMA rather than of one job: it has a line of its own where it is unreachable."""
_WARNINGS = frozenset({EventKind.ERROR, EventKind.PARKED, EventKind.REGRESSION})
_UNTOLD = "an error at debug level"
_WELL = frozenset({"", "healthy", "ok", "up", "http 404"})
"""Words of a health page that need no telling; the oldest builds have no such page."""
_LATE = (
    "there is more to poll than time, or than places in flight; raise VMA_PROGRESS_POLL_INTERVAL or"
    " VMA_PROGRESS_MAX_CONCURRENT"
)
_UNSEEN_EVERY_S = 60.0
_NAMES = {
    EventKind.ANSWERED: "job answers",
    EventKind.ERROR: "job does not answer",
    EventKind.PARKED: "job parked",
    EventKind.REGRESSION: "bytes went back",
    EventKind.RUN_CHANGED: "run changed",
    EventKind.RUN_TRUSTED: "run trusted",
    EventKind.UNSEEN: "moved unseen",
    EventKind.DISK_ENDED: "disk ended",
    EventKind.STATE: "state changed",
    EventKind.OBSERVATION: "observation changed",
}


class Journal:
    """Puts decisions into words, each line with its `job_id`."""

    def __init__(self, log: Log, *, each_poll: bool = False) -> None:
        self._log = log
        self.tells_each_poll = each_poll
        self._down: dict[str, type[DatabaseError]] = {}
        self._held = False
        """Whether rows were locked when it was written last."""
        self._said: dict[str, set[str]] = {}
        """What was told of a job and is not told again, by job id."""
        self._crowd: set[str] = set()
        """Jobs that were taken up with many others and have not answered yet."""
        self._unseen, self._unseen_from_s = 0, float("-inf")
        """Jobs that moved unseen since that moment, monotonic seconds."""
        self._crowded: set[str] = set()
        """VMAs of many jobs that cannot be reached, or that their jobs return to just now."""

    def taken_up(self, watches: Sequence[Watch]) -> None:
        """Say which jobs are watched from now on."""
        few = self._tells_each(len(watches), "jobs taken up")
        if not few:
            self._crowd.update(watch.job.id for watch in watches)
        for watch in watches if few or self.tells_each_poll else ():
            say = self._log.info if few else self._log.debug
            job = watch.job
            say("job taken up", job_id=job.id, name=job.name, disks=len(job.disks), keys=watch.plan.tiers[0])

    def left(self, contexts: Sequence[PollingContext]) -> None:
        """Say which jobs are not watched any more."""
        few = self._tells_each(len(contexts), "jobs left")
        for context in contexts:
            self._said.pop(context.job_id, None)
            self._crowd.discard(context.job_id)
            if few or self.tells_each_poll:
                say = self._log.info if few else self._log.debug
                say("job left", job_id=context.job_id, state=context.state.value)

    def decided(self, watch: Watch, poll: Poll, decision: Decision) -> None:
        """Say what changed with a poll; at debug level say every poll with the key that answered."""
        for event in decision.events:
            say = self._voice(watch, decision, event, poll.now_s)
            say(_NAMES[event.kind], job_id=watch.job.id, detail=event.detail)
        if self.tells_each_poll:
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

    def withheld(self, update: Update) -> None:
        """Say that an end was not written, because the job had ended, or was replaced, before."""
        detail = "its row has ended already, is not active or is gone; it is left as it is"
        self._log.info("end withheld", job_id=update.job_id, status=update.status, detail=detail)

    def punctual(self, overdue_s: float, jobs: int, *, is_late: bool) -> None:
        """Say once that polls begin an interval too late, and once that they do not any more."""
        if is_late:
            self._log.warning("polls late", overdue_s=round(overdue_s, 1), jobs=jobs, detail=_LATE)
        else:
            self._log.info("polls on time again", jobs=jobs)

    def rows_held(self, jobs: int) -> None:
        """Say once that another program holds rows locked, and once that it does not any more."""
        if jobs and not self._held:
            detail = (
                "another program holds these rows locked; all others are written, and these once it lets go"
            )
            self._log.warning("rows locked", jobs=jobs, detail=detail)
        elif self._held and not jobs:
            self._log.info("rows locked no more")
        self._held = bool(jobs)

    def row_refused(self, job_id: str, error: DatabaseError) -> None:
        """Say once of a job that the database does not take its row."""
        if self._first(job_id, "row refused"):
            self._log.error("row refused", job_id=job_id, detail=str(error))

    def defect(self, job_id: str, error: Exception) -> None:
        """Say once of a job that a defect of this program keeps it from being polled."""
        if self._first(job_id, f"defect: {type(error).__name__}"):
            self._log.error("defect of this program", job_id=job_id, detail=repr(error), exc_info=error)

    def unknown_word(self, job_id: str, word: str) -> None:
        """Say that a VMA uses a word that the vocabulary lacks."""
        self._log.warning("unknown word", job_id=job_id, word=word)

    def vma_fell(self, vma: str, jobs: int, reason: str) -> None:
        """Say that a VMA cannot be reached, and how many jobs are not seen for that."""
        self._log.warning("VMA unreachable", vma=vma, jobs=jobs, detail=reason)
        if jobs > FEW_LINES:
            self._crowded.add(vma)

    def vma_rose(self, vma: str, jobs: int, away_s: float, health: str) -> None:
        """Say that a VMA answers again, how long it did not, and its word for its health where not well."""
        fields: dict[str, object] = {} if health.lower() in _WELL else {"health": health}
        self._log.info("VMA answers again", vma=vma, jobs=jobs, away_s=away_s, **fields)
        self._crowded.discard(vma)

    def fell(self, what: str, error: DatabaseError) -> None:
        """Say once that something stopped working, and once more if it then fails in another way."""
        if self._down.get(what) is not type(error):
            self._log.error(f"{what} away", detail=str(error))
        self._down[what] = type(error)

    def rose(self, what: str) -> None:
        """Say once that it works again."""
        if self._down.pop(what, None) is not None:
            self._log.info(f"{what} back")

    def note(self, event: str, **fields: object) -> None:
        """Say a step of the program's own life."""
        self._log.info(event, **fields)

    def warn(self, event: str, **fields: object) -> None:
        """Say a step of the program's own life that left something undone."""
        self._log.warning(event, **fields)

    def _tells_each(self, jobs: int, event: str) -> bool:
        if jobs > FEW_LINES:
            self._log.info(event, jobs=jobs)
        return jobs <= FEW_LINES

    def _first(self, job_id: str, topic: str) -> bool:
        """Whether *topic* is told of the job for the first time."""
        said = self._said.setdefault(job_id, set())
        if topic in said:
            return False
        said.add(topic)
        return True

    def _voice(self, watch: Watch, decision: Decision, event: Event, now_s: float) -> Callable[..., object]:
        """Return the level at which an event is said."""
        if self._is_detail(watch, decision, event, now_s):
            return self._log.debug
        return self._log.warning if event.kind in _WARNINGS else self._log.info

    def _is_one_of_many(self, now_s: float) -> bool:
        """Whether so many jobs moved unseen in this minute that the others share one line."""
        if now_s - self._unseen_from_s >= _UNSEEN_EVERY_S:
            self._unseen_from_s, self._unseen = now_s, 0
        self._unseen += 1
        if self._unseen == FEW_LINES + 1:
            self._log.info("many jobs moved unseen", detail="others of this minute have no line of their own")
        return self._unseen > FEW_LINES

    def _is_detail(self, watch: Watch, decision: Decision, event: Event, now_s: float) -> bool:
        """Whether an event is told otherwise, or has been; so it is not told of this job alone."""
        job_id, kind = watch.job.id, event.kind
        if kind is EventKind.STATE:
            return decision.context.state in ENDS  # that is told when the database has it
        if kind is EventKind.UNSEEN:
            return watch.vma in self._crowded or self._is_one_of_many(now_s)
        if kind is EventKind.ANSWERED:
            return self._was_not_told(job_id)
        if kind is EventKind.REGRESSION:
            return not self._first(job_id, "regression")
        if kind is EventKind.ERROR and decision.result in _TRANSPORT:
            # The VMA has a line of its own; or it answers others, and the parking is told.
            self._said.setdefault(job_id, set()).add(_UNTOLD)
            return True
        return kind is EventKind.OBSERVATION

    def _was_not_told(self, job_id: str) -> bool:
        """Whether what an answer ends was told of this job alone in no line; from now on it is not so."""
        said = self._said.get(job_id, set())
        was = _UNTOLD in said or job_id in self._crowd
        said.discard(_UNTOLD)
        self._crowd.discard(job_id)
        return was

    def _poll(self, watch: Watch, poll: Poll, decision: Decision) -> None:
        keys = watch.plan.tiers[poll.tier]
        outcomes = dict(zip(keys, poll.outcomes, strict=True))
        progress = decision.update.progress
        self._log.debug(
            "poll",
            job_id=watch.job.id,
            result=decision.result,
            answered=[key for key, outcome in outcomes.items() if isinstance(outcome, Reading)],
            asked=list(keys),
            percent=progress.percent_bp / 100 if progress else None,
            bytes_transferred=progress.bytes_transferred if progress else None,
            observation=decision.context.sighting.observation.value,
            next_in_s=decision.delay_s,
        )
