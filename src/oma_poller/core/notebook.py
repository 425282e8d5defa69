"""Which jobs' memories are to be written, and when (P9)."""

from collections import OrderedDict
from collections.abc import Container, Iterable
from datetime import datetime

from msgspec import Struct

from oma_poller.core.memory import remember
from oma_poller.model.context import KeyRun, PollingContext
from oma_poller.model.memory import JobMemory

PACE_S = 30.0
"""The memory of a job that only goes on is written this often: its bytes and when it was last seen."""
CLOSE_PACE_S = 5.0
"""That of a job of which it matters when it was last seen: its end is held, or its run is yet to begin."""

_USUAL: tuple[object, ...] = (frozenset(), True, None, None, (), None, None)
"""Of a job whose own run is seen: absent, proven, vanished, held, ended, accepted and stopped."""


class Noted(Struct, frozen=True, gc=False):
    """What was last written of a job's memory."""

    mark: tuple[object, ...]
    """All of the context that changes what the rules decide, but for numbers and for when it was seen."""
    last_good_s: float | None
    at_s: float
    """When the job was seen so: a memory that is written late is as old as what it tells."""


class Notebook:
    """The newest context of each job, and whether the database has a memory like it.

    A memory goes out with its job's row, or alone where the row does not change. What `take` returns must
    be given to `confirm` or `give_back` before the next call of it. Times are monotonic seconds. Everything
    held is bounded by the number of jobs.
    """

    def __init__(self) -> None:
        self._contexts: dict[str, PollingContext] = {}
        self._noted: dict[str, Noted] = {}
        self._flying: dict[str, Noted] = {}
        self._flying_alone: set[str] = set()
        self._fresh: set[str] = set()
        """Jobs whose newest context is newer than what was last written, or may be."""
        self._unlike: set[str] = set()
        """Jobs whose newest context may have another mark than what was last written."""
        self._alone: OrderedDict[str, None] = OrderedDict()
        """Jobs whose memory is to be written though their row does not change."""

    def __len__(self) -> int:
        """Number of memories that wait to be written without a row."""
        return len(self._alone)

    def put(self, context: PollingContext, now_s: float, *, with_row: bool, went_on: bool = False) -> None:
        """Take a job's newest context; *with_row*: its row is to be written as well.

        *went_on*: it has the mark of the one before, so the two need not be compared.
        """
        job_id = context.job_id
        last = self._contexts.get(job_id)
        self._contexts[job_id] = context
        self._fresh.add(job_id)
        if not went_on or last is None or last.keys is not context.keys:  # it may have other keys by its row
            self._unlike.add(job_id)
        if with_row:
            self._alone.pop(job_id, None)
        elif job_id not in self._alone and self._is_due(context, _mark(context), now_s):
            self._alone[job_id] = None

    def take(self, rows: Iterable[str], room: int, now_s: float, now: datetime) -> tuple[JobMemory, ...]:
        """Return the memories that are due of jobs whose *rows* are written, and at most *room* others."""
        alone = [self._alone.popitem(last=False)[0] for _ in range(min(room, len(self._alone)))]
        self._flying_alone.update(alone)
        taken = []
        for job_id in (*rows, *alone):
            if job_id not in self._fresh:
                continue
            if job_id not in self._unlike:
                noted = self._noted.get(job_id)
                if noted is not None and now_s - noted.at_s < PACE_S:
                    continue
            self._unlike.discard(job_id)
            context = self._contexts.get(job_id)
            mark = () if context is None else _mark(context)
            if context is not None and self._is_due(context, mark, now_s):
                self._fresh.discard(job_id)
                seen_s = now_s if context.last_good_s is None else context.last_good_s
                self._flying[job_id] = Noted(mark, context.last_good_s, seen_s)
                taken.append(remember(context, now_s, now))
        return tuple(taken)

    def confirm(self) -> None:
        """Note that the database has what was taken."""
        self._noted.update(self._flying)
        self._flying.clear()
        self._flying_alone.clear()

    def give_back(self, waiting: Container[str]) -> None:
        """Take back what was taken: whether the database has it is not known.

        Those of jobs whose rows are *waiting* go out with them.
        """
        for job_id in self._flying:
            self._noted.pop(job_id, None)
            self._unlike.add(job_id)
            self._fresh.add(job_id)
        self._alone.update((job_id, None) for job_id in self._flying_alone if job_id not in waiting)
        self._flying.clear()
        self._flying_alone.clear()

    def drop(self, job_id: str, *, again: bool) -> None:
        """Let go of what was taken of a job that the database refuses; *again*: it is tried once more."""
        noted = self._flying.pop(job_id, None)
        self._flying_alone.discard(job_id)
        self._unlike.add(job_id)
        self._fresh.add(job_id)
        if noted is not None and not again:
            self._noted[job_id] = noted

    def forget(self, job_id: str) -> None:
        """Drop what is held for a job."""
        for held in (self._contexts, self._noted, self._flying, self._alone):
            held.pop(job_id, None)
        self._flying_alone.discard(job_id)
        self._unlike.discard(job_id)
        self._fresh.discard(job_id)

    def _is_due(self, context: PollingContext, mark: tuple[object, ...], now_s: float) -> bool:
        flying = self._flying.get(context.job_id)
        if flying is not None:
            return flying.mark != mark
        noted = self._noted.get(context.job_id)
        if noted is None or noted.mark != mark:
            return True
        pace_s = CLOSE_PACE_S if _is_close(context) else PACE_S
        return context.last_good_s != noted.last_good_s and now_s - noted.at_s >= pace_s


def _is_close(context: PollingContext) -> bool:
    waits = any(run is not None and run.previous for run in context.runs)
    return waits or context.held_since_s is not None


def _mark(context: PollingContext) -> tuple[object, ...]:
    """Return a short tuple for an ordinary job: one is held for each. What is unusual stands apart in it."""
    unusual = (
        context.absent,
        context.proven,
        context.vanished_at_s,
        context.held_since_s,
        context.ended,
        context.accepted_at,
        context.stopped_at,
    )
    mark: list[object] = [
        context.sighting,
        context.consecutive_errors,
        context.state,
        context.keys,
        None if unusual == _USUAL else unusual,
    ]
    for run in context.runs:
        _add_run(mark, run)
    return tuple(mark)


def _add_run(mark: list[object], run: KeyRun | None) -> None:
    """Add a run: None, a tuple, or, where it is ordinary, four values of which the first is a text."""
    if run is None:
        mark.append(None)
        return
    told = (run.word, run.state, run.started_at, run.since_s)
    odd = run.previous or run.resumed or run.unwatched or run.ended_polls or run.stale_bytes is not None
    if run.trusted and not odd:
        mark += told
        return
    rest = (run.trusted, run.previous, run.stale_bytes, run.resumed, run.unwatched, run.ended_polls)
    mark.append(told + rest)
