"""What the engine stands on, in memory: a log, a fetcher, a database and its threads."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from msgspec.structs import replace

from oma_poller.engine.ports import Deliver, KeyAnswer, KeyRequest
from oma_poller.errors import DatabaseError, DatabaseRefusedError
from oma_poller.model.job import ActiveJob, Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Missing, Outcome
from oma_poller.model.update import Update

T = TypeVar("T")

Script = Callable[[KeyRequest], Outcome]


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
        self.requests: list[KeyRequest] = []

    def start(self, deliver: Deliver) -> None:
        """Nothing is delivered."""

    def submit(self, requests: Iterable[KeyRequest]) -> None:
        """Keep requests."""
        self.requests.extend(requests)

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> list[KeyRequest]:
        """Return the requests since the last call."""
        requests, self.requests = self.requests, []
        return requests


class ScriptedFetcher:
    """Answers each request by a script, after a delay, on the running loop."""

    def __init__(self, script: Script | None = None, delay_s: float = 0.01) -> None:
        self.script: Script = script or (lambda _: Missing())
        self.delay_s = delay_s
        self.hangs = False
        """Whether requests stay without an answer until the fetcher is closed."""
        self.asked: list[tuple[float, str]] = []
        """(time, key) of every request."""
        self.under_way: Counter[str] = Counter()
        self.most_under_way = 0
        self.twice_at_once: set[str] = set()
        self._open: dict[int, KeyRequest] = {}
        self._deliver: Deliver | None = None

    def start(self, deliver: Deliver) -> None:
        """Take the receiver of all answers."""
        self._deliver = deliver

    def submit(self, requests: Iterable[KeyRequest]) -> None:
        """Answer these later."""
        loop = asyncio.get_running_loop()
        for request in requests:
            self.asked.append((loop.time(), request.key))
            if self.under_way[request.key]:
                self.twice_at_once.add(request.key)
            self.under_way[request.key] += 1
            self.most_under_way = max(self.most_under_way, self.under_way.total())
            number = len(self.asked)
            self._open[number] = request
            if not self.hangs:
                loop.call_later(self.delay_s, self._answer, number)

    def close(self) -> None:
        """Forget what is open."""
        self._open.clear()

    def times(self, key: str) -> list[float]:
        """Return when *key* was asked for."""
        return [at_s for at_s, asked in self.asked if asked == key]

    def _answer(self, number: int) -> None:
        request = self._open.pop(number, None)
        if request is not None and self._deliver is not None:
            self.under_way[request.key] -= 1
            self._deliver([KeyAnswer(request, self.script(request), self.delay_s)])


class FakeDatabase:
    """Rows in memory, guarded as the real ones are: a row whose status is not active is not touched."""

    def __init__(self, *jobs: Job, active: frozenset[str] = Policy().active_statuses) -> None:
        self.jobs = {job.id: job for job in jobs}
        self.rows: dict[str, Update] = {}
        """The newest update of each job, with the newest numbers that were written."""
        self.writes: list[tuple[Update, ...]] = []
        self.heartbeats: Counter[str] = Counter()
        self.queries: list[tuple[str, ...] | None] = []
        """Per query the ids it asked for; None for the list of active jobs."""
        self.reading_fails: Exception | None = None
        self.details_fail: Exception | None = None
        self.writing_fails: Exception | None = None
        self.refuses: set[str] = set()
        self._active = active

    def add(self, *jobs: Job) -> None:
        """Put rows in, in place of those with the same id."""
        self.jobs.update({job.id: job for job in jobs})

    def active(self) -> list[ActiveJob]:
        """Return the active rows."""
        self.queries.append(None)
        _raise(self.reading_fails)
        return [ActiveJob(job.id, job.status) for job in self.jobs.values() if job.status in self._active]

    def details(self, job_ids: Sequence[str]) -> list[Job]:
        """Return these rows."""
        self.queries.append(tuple(job_ids))
        _raise(self.reading_fails or self.details_fail)
        return [self.jobs[job_id] for job_id in job_ids if job_id in self.jobs]

    def write(self, updates: Sequence[Update], heartbeat_ids: Sequence[str] = ()) -> None:
        """Write to active rows; refuse those of `refuses` once the others are in."""
        _raise(self.writing_fails)
        self.writes.append(tuple(updates))
        self.heartbeats.update(heartbeat_ids)
        for update in updates:
            job = self.jobs.get(update.job_id)
            if update.job_id not in self.refuses and job is not None and job.status in self._active:
                self._set(job, update)
        refused = tuple(update.job_id for update in updates if update.job_id in self.refuses)
        if refused:
            raise DatabaseRefusedError("value out of range", refused)

    def close(self) -> None:
        """Nothing is open."""

    def asked_for(self, job_id: str) -> int:
        """Return how many queries read this row in full."""
        return sum(job_id in query for query in self.queries if query)

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
