"""What the engine stands on, in memory: a log, a fetcher, a database and its threads."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor, Future
from math import ceil, nan
from typing import Any, TypeVar

from key_views import Asked, each_key
from msgspec.structs import replace

from oma_poller.core.breaker import is_answer
from oma_poller.engine.cohort_request import (
    ELSE,
    Apart,
    CohortAnswer,
    CohortRequest,
    only_goes_on,
    says_the_same,
)
from oma_poller.engine.ports import Deliver, Flushed, ProbeAnswer, TierAnswer, TierRequest
from oma_poller.errors import DatabaseError, DatabaseRefusedError
from oma_poller.model.job import Job
from oma_poller.model.memory import JobMemory, Past
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Failure, Missing, Outcome, Reading
from oma_poller.model.update import Update
from oma_poller.vma.walk import LONGEST_S

T = TypeVar("T")

Script = Callable[[Asked], Outcome]


class FakeLog:
    """Keeps what was said as (level, event, fields)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def debug(self, event: str, **fields: object) -> None:
        """Keep a detail."""
        self.lines.append(("debug", event, fields))

    def info(self, event: str, **fields: object) -> None:
        """Keep what an operator may want to know."""
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        """Keep what an operator should know."""
        self.lines.append(("warning", event, fields))

    def error(self, event: str, **fields: object) -> None:
        """Keep what an operator has to act on."""
        self.lines.append(("error", event, fields))

    def shown(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the fields of the lines that are seen at level info, of one event or of all."""
        return [fields for level, said, fields in self.lines if level != "debug" and event in {None, said}]

    def details(self, event: str) -> list[dict[str, Any]]:
        """Return the fields of an event's lines at level debug."""
        return [fields for level, said, fields in self.lines if level == "debug" and said == event]


class QuietFetcher:
    """Keeps the requests; a test delivers the answers."""

    def __init__(self) -> None:
        self.requests: list[TierRequest] = []
        self.cohorts: list[CohortRequest] = []
        self._open: dict[int, tuple[TierRequest, dict[str, Outcome]]] = {}
        self.probed: list[str] = []
        """The VMAs of which the health was asked."""
        self.bulk: set[str] = set()
        """The VMAs that answer in bulk."""
        self.defect: Exception | None = None

    def start(self, deliver: Deliver) -> None:
        """Nothing is delivered."""

    def submit(self, requests: Iterable[TierRequest | CohortRequest]) -> None:
        """Keep requests."""
        for request in requests:
            if isinstance(request, CohortRequest):
                self.cohorts.append(request)
                continue
            self.requests.append(request)
            self._open[request.ticket] = request, {}

    def probe(self, vma: str) -> None:
        """Keep a probe."""
        self.probed.append(vma)

    def in_bulk(self, vma: str) -> bool:
        """Whether a VMA answers in bulk."""
        return vma in self.bulk

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> list[Asked]:
        """Return the requests since the last call, key by key."""
        requests, self.requests = self.requests, []
        return [asked for request in requests for asked in each_key(request)]

    def gathered(self, asked: Asked, outcome: Outcome) -> list[TierAnswer]:
        """Take what a key brings; return the answer to its request once all keys have answered."""
        request, outcomes = self._open[asked.ticket]
        outcomes[asked.key] = outcome
        if len(outcomes) < len(request.keys):
            return []
        return [TierAnswer(request, tuple(outcomes[key] for key in request.keys), 0.1)]


def answer_of(request: CohortRequest, outcomes: Sequence[Outcome] | None) -> CohortAnswer:
    """Return the answer to a cohort whose keys brought these; None where all of them are too slow."""
    count = len(request.keys)
    moved, total, percent = [ELSE] * count, [0] * count, [nan] * count
    if outcomes is None:
        return CohortAnswer(request, 0.1, moved, total, percent, is_heard=False, is_cut=True)
    for place, (said, outcome) in enumerate(zip(request.said, outcomes, strict=True)):
        if isinstance(outcome, Reading) and only_goes_on(outcome) and says_the_same(said.reading, outcome):
            moved[place], total[place] = outcome.bytes_transferred, outcome.total_bytes
            percent[place] = nan if outcome.percent is None else outcome.percent
    apart = {
        job: Apart(tuple(outcomes[span.start : span.stop]), (b"",) * len(span), is_followed=False)
        for job, span in enumerate(request.spans)
        if ELSE in moved[span.start : span.stop]
    }
    is_heard = any(map(is_answer, outcomes))
    return CohortAnswer(request, 0.1, moved, total, percent, apart=apart, is_heard=is_heard)


class ScriptedFetcher:
    """Answers each request by a script, after a delay, on the running loop."""

    def __init__(self, script: Script | None = None, delay_s: float = 0.01) -> None:
        self.script: Script = script or (lambda _: Missing())
        self.defect: Exception | None = None
        self.delay_s = delay_s
        self.away: dict[str, Failure] = {}
        """VMAs that cannot be reached, and what comes of any request to them that begins from now on."""
        self.delays_s: dict[str, float] = {}
        """Delays of single VMAs, in place of the one of all."""
        self.health = "healthy"
        """The word of every health page."""
        self.probed: list[tuple[float, str]] = []
        """(time, VMA) of every probe."""
        self.hangs = False
        """Whether requests stay without an answer until the fetcher is closed."""
        self.asked: list[tuple[float, str]] = []
        """(time, key) of every request."""
        self.under_way: Counter[str] = Counter()
        self.most_under_way = 0
        self.twice_at_once: set[str] = set()
        self._open: dict[int, tuple[TierRequest | CohortRequest, Failure | None]] = {}
        self._deliver: Deliver | None = None

    def start(self, deliver: Deliver) -> None:
        """Take the receiver of all answers."""
        self._deliver = deliver

    def submit(self, requests: Iterable[TierRequest | CohortRequest]) -> None:
        """Answer these later. Of a cohort that is too slow those are asked for that there is time for."""
        loop = asyncio.get_running_loop()
        for request in requests:
            keys, took_s = request.keys, self._delay_s(request.vma)
            if isinstance(request, CohortRequest):
                in_time = request.at_most * max(1, int(LONGEST_S / took_s))
                keys, took_s = keys[:in_time], took_s * ceil(len(keys) / request.at_most)
            for key in keys:
                self.asked.append((loop.time(), key))
                if self.under_way[key]:
                    self.twice_at_once.add(key)
                self.under_way[key] += 1
            self.most_under_way = max(self.most_under_way, self.under_way.total())
            number = len(self.asked)
            self._open[number] = (request, self.away.get(request.vma))
            if self.hangs:
                continue
            if isinstance(request, TierRequest):
                loop.call_later(took_s, self._answer, number)
            else:
                is_cut = took_s > LONGEST_S
                loop.call_later(min(took_s, LONGEST_S), self._answer_cohort, number, keys, is_cut)

    def probe(self, vma: str) -> None:
        """Answer this later."""
        loop = asyncio.get_running_loop()
        self.probed.append((loop.time(), vma))
        duration_s, failure = self._delay_s(vma), self.away.get(vma)
        answer = ProbeAnswer(vma, duration_s, "" if failure else self.health, failure)
        loop.call_later(duration_s, self._answer_probe, answer)

    def in_bulk(self, vma: str) -> bool:  # noqa: ARG002 - as the port has it
        """Every request goes singly."""
        return False

    def close(self) -> None:
        """Forget what is open."""
        self._open.clear()

    def times(self, key: str) -> list[float]:
        """Return when *key* was asked for."""
        return [at_s for at_s, asked in self.asked if asked == key]

    def _answer(self, number: int) -> None:
        request, failure = self._open.pop(number, (None, None))
        if isinstance(request, TierRequest) and self._deliver is not None:
            self.under_way.subtract(request.keys)
            outcomes = tuple(failure or self.script(asked) for asked in each_key(request))
            self._deliver([TierAnswer(request, outcomes, self._delay_s(request.vma))])

    def _answer_cohort(self, number: int, begun: Sequence[str], is_cut: bool) -> None:  # noqa: FBT001 - of a call_later
        request, failure = self._open.pop(number, (None, None))
        if isinstance(request, CohortRequest) and self._deliver is not None:
            self.under_way.subtract(begun)
            asked = [Asked(request.vma, key, request.ticket) for key in request.keys]
            outcomes = [failure or self.script(one) for one in asked] if not is_cut else None
            self._deliver([answer_of(request, outcomes)])

    def _answer_probe(self, answer: ProbeAnswer) -> None:
        if self._deliver is not None:
            self._deliver([answer])

    def _delay_s(self, vma: str) -> float:
        return self.delays_s.get(vma, self.delay_s)


class FakeDatabase:
    """Rows in memory, guarded as the real ones are: a row whose status is not active is not touched."""

    def __init__(self, *jobs: Job, active: frozenset[str] = Policy().active_statuses) -> None:
        self.jobs = {job.id: job for job in jobs}
        self.rows: dict[str, Update] = {}
        """The newest update of each job, with the newest numbers that were written."""
        self.memories: dict[str, JobMemory] = {}
        """What is remembered of each job."""
        self.writes: list[tuple[Update, ...]] = []
        self.heartbeats: Counter[str] = Counter()
        self.queries: list[tuple[str, ...] | None] = []
        """Per query the ids it asked for; None for the list of active jobs."""
        self.reading_fails: Exception | None = None
        self.details_fail: Exception | None = None
        self.writing_fails: Exception | None = None
        self.refuses: set[str] = set()
        self.holds: set[str] = set()
        """Jobs whose rows somebody else holds locked."""
        self.withholds: set[str] = set()
        """Jobs whose ends are told as not written."""
        self._active = active

    def add(self, *jobs: Job) -> None:
        """Put rows in, in place of those with the same id."""
        self.jobs.update({job.id: job for job in jobs})

    def active(self) -> frozenset[str]:
        """Return the active rows."""
        self.queries.append(None)
        _raise(self.reading_fails)
        return frozenset(job.id for job in self.jobs.values() if job.status in self._active)

    def newest(self, limit: int) -> list[str]:
        """Return the ids of the newest active rows."""
        self.queries.append(("newest",))
        _raise(self.reading_fails)
        active = [job for job in self.jobs.values() if job.status in self._active]
        dated = [(job.created_at, job.id) for job in active if job.created_at is not None]
        return [job_id for _, job_id in sorted(dated, reverse=True)[:limit]]

    def details(self, job_ids: Sequence[str], new_ids: Collection[str] = ()) -> list[Job]:
        """Return these rows, with the past of new ones."""
        self.queries.append(tuple(job_ids))
        _raise(self.reading_fails or self.details_fail)
        found = [self.jobs[job_id] for job_id in job_ids if job_id in self.jobs]
        return [replace(job, past=self._past(job.id)) if job.id in new_ids else job for job in found]

    def write(
        self,
        updates: Sequence[Update],
        heartbeat_ids: Sequence[str] = (),
        memories: Sequence[JobMemory] = (),
    ) -> Flushed:
        """Write to active rows but those of `holds`; refuse those of `refuses` once the others are in."""
        _raise(self.writing_fails)
        held = frozenset(update.job_id for update in updates) & self.holds
        updates = [update for update in updates if update.job_id not in held]
        self.memories |= {memory.context.job_id: memory for memory in memories}
        self.writes.append(tuple(updates))
        self.heartbeats.update(heartbeat_ids)
        for update in updates:
            job = self.jobs.get(update.job_id)
            if update.job_id not in self.refuses and job is not None and job.status in self._active:
                self._set(job, update)
        refused = tuple(update.job_id for update in updates if update.job_id in self.refuses)
        withheld = frozenset(update.job_id for update in updates if update.is_terminal) & self.withholds
        if refused:
            raise DatabaseRefusedError("value out of range", refused, held, withheld)
        return Flushed(held, withheld)

    def close(self) -> None:
        """Nothing is open."""

    def asked_for(self, job_id: str) -> int:
        """Return how many queries read this row in full."""
        return sum(job_id in query for query in self.queries if query)

    def _past(self, job_id: str) -> Past | None:
        memory, row = self.memories.get(job_id), self.rows.get(job_id)
        if memory is None:
            return None
        progress = row.progress if row is not None else None
        if progress is None:
            return Past(memory)
        return Past(memory, progress.percent_bp, progress.bytes_transferred)

    def _set(self, job: Job, update: Update) -> None:
        before = self.rows.get(job.id)
        progress = update.progress or (before.progress if before else None)
        self.rows[job.id] = replace(update, progress=progress)
        self.jobs[job.id] = replace(job, status=update.status or job.status)


class FakeThread(Executor):
    """Runs calls where they are made; while it hangs they wait for `release`."""

    def __init__(self) -> None:
        self.hangs = False
        self.waiting: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401 - any call
        """Run a call now, or keep it."""
        future: Future[T] = Future()

        def call() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - it belongs to who waits for the result
                future.set_exception(error)

        future.set_running_or_notify_cancel()
        if self.hangs:
            self.waiting.append(call)
        else:
            call()
        return future

    def release(self) -> None:
        """Run what hung."""
        self.hangs = False
        while self.waiting:
            self.waiting.pop(0)()


def _raise(error: Exception | None) -> None:
    if isinstance(error, DatabaseError):
        raise type(error)(*error.args)  # an error of its own each time, as a real one is
    if error is not None:
        raise error
