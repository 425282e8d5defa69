"""Which polls are worth keeping, and the few that wait to be written.

What happened to a job, and how it stood lately, are kept apart: a job that stands for a day must not push
out the poll in which it came to stand.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from enum import Enum

from oma_poller.model.decision import Decision
from oma_poller.model.flight import Recorded

ORDINARY_EVERY_S = 300.0
"""A poll in which nothing happened is kept this long after the last that was kept of its job."""
MOST_OF_A_JOB = 8
"""Flights of one job that wait; the newest stay."""
MOST_WAITING = 2000
"""Flights that wait in all."""
MOST_ORDINARY = 20
"""Of these, polls in which nothing happened: with the pause between two writes, ten a second."""
DEFECT = "defect"
"""Result of a poll whose rules raised."""


class Worth(Enum):
    """Whether a poll is kept."""

    NOT = 0
    ORDINARY = 1
    EVENTFUL = 2


def worth(decision: Decision, kept_at_s: float | None, now_s: float) -> Worth:
    """Return whether a poll is worth keeping; *kept_at_s* is when one of its job was kept last."""
    if decision.events or decision.result == DEFECT:
        return Worth.EVENTFUL
    if kept_at_s is None or now_s - kept_at_s >= ORDINARY_EVERY_S:
        return Worth.ORDINARY
    return Worth.NOT


class Reel:
    """Flights that wait to be written, oldest first, bounded by job and in all.

    Whether there is room is asked before a flight is made, because making one costs more than the rest of
    a poll does. Where it is short, polls in which nothing happened go without first.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, Recorded] = OrderedDict()
        self._ordinary: OrderedDict[int, None] = OrderedDict()
        self._of_job: dict[str, deque[int]] = {}
        self._next = 0
        self.dropped = 0
        """Flights, and polls worth one, that there was no room for."""

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self, job_id: str, *, is_eventful: bool) -> bool:
        """Whether `put` would take a flight of this job; one that it would not is counted as dropped."""
        full = len(self._waiting) >= MOST_WAITING
        if is_eventful:
            room = not full or bool(self._ordinary) or job_id in self._of_job
        else:
            few = len(self._of_job.get(job_id, ())) < MOST_OF_A_JOB
            room = few and not full and len(self._ordinary) < MOST_ORDINARY
        self.dropped += not room
        return room

    @property
    def has_room_for_ordinary(self) -> bool:
        """Whether any more polls in which nothing happened would be taken now."""
        return len(self._waiting) < MOST_WAITING and len(self._ordinary) < MOST_ORDINARY

    def put(self, recorded: Recorded) -> None:
        """Take a flight that there is room for, the newest of its job."""
        job_id = recorded.flight.job.id
        numbers = self._of_job.get(job_id) or deque()
        if len(numbers) >= MOST_OF_A_JOB:
            self._drop(next((one for one in numbers if one in self._ordinary), numbers[0]))
        elif len(self._waiting) >= MOST_WAITING:
            self._drop(next(iter(self._ordinary)) if self._ordinary else numbers[0])
        self._add(recorded)

    def take(self, most: int) -> list[Recorded]:
        """Return at most so many flights, the oldest; they wait no longer."""
        numbers = list(self._waiting)[:most] if most < len(self._waiting) else list(self._waiting)
        return [self._remove(number) for number in numbers]

    def give_back(self, recorded: Iterable[Recorded]) -> None:
        """Take back what `take` returned and could not be written; what came since stays before it."""
        newer = self.take(len(self._waiting))
        for one in (*recorded, *newer):
            if self.has_room(one.flight.job.id, is_eventful=one.is_eventful):
                self.put(one)

    def _add(self, recorded: Recorded) -> None:
        self._next += 1
        self._waiting[self._next] = recorded
        self._of_job.setdefault(recorded.flight.job.id, deque()).append(self._next)
        if not recorded.is_eventful:
            self._ordinary[self._next] = None

    def _drop(self, number: int) -> None:
        self._remove(number)
        self.dropped += 1

    def _remove(self, number: int) -> Recorded:
        recorded = self._waiting.pop(number)
        self._ordinary.pop(number, None)
        job_id = recorded.flight.job.id
        numbers = self._of_job[job_id]
        numbers.remove(number)
        if not numbers:
            del self._of_job[job_id]
        return recorded
