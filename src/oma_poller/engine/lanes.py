"""A lane for each VMA: when its jobs are due, and how many of them may be asked at once (P4, P8)."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import chain, islice
from math import ceil

from oma_poller.core.breaker import Reach
from oma_poller.core.shares import shares
from oma_poller.core.timetable import TICK_S, Timetable, neighbours
from oma_poller.engine.ports import ProbeAnswer
from oma_poller.engine.presence import Outage, Presence
from oma_poller.engine.rounds import Rounds
from oma_poller.engine.watch import Round

MOST_A_TICK = 1000
"""So many jobs are begun, and so many taken back, before the loop may do something else."""


class Lane:
    """The jobs of one VMA, and whether it can be reached. Times are monotonic seconds."""

    def __init__(self, timetable: Timetable, presence: Presence) -> None:
        self.timetable = timetable
        self.presence = presence
        self.job_ids: dict[str, None] = {}
        self._returning: deque[str] = deque()
        self._doubtful: dict[str, Round] = {}
        """The newest of each job's polls that failed since the last answer; too few to open the breaker."""

    @property
    def is_open(self) -> bool:
        """Whether the VMA cannot be reached, so that no job of it is asked."""
        return self.presence.reach is Reach.OPEN

    @property
    def away(self) -> Outage | None:
        """The outage of the VMA, as long as no job has been answered since."""
        return self.presence.away

    def answered(self, now_s: float) -> Sequence[Round]:
        """Note that a job's request got an HTTP reply; return the polls whose jobs are to blame, thus."""
        if self.presence.is_calm:
            return ()
        was_open = self.is_open
        self.presence.answered(now_s)
        self._turn(was_open=was_open)
        return self._out_of_doubt()

    def failed(self, round_: Round, outage: Outage) -> Sequence[Round]:
        """Note that a poll got none; return the polls that say nothing of their jobs, thus."""
        was_open = self.is_open
        is_doubtful = self.presence.failed(len(self.job_ids), round_.began_s, outage)
        self._turn(was_open=was_open)
        if not is_doubtful:
            return (*(self._out_of_doubt() if self.is_open else ()), round_)
        older = self._doubtful.pop(round_.job_id, None)
        self._doubtful[round_.job_id] = round_
        return () if older is None else (older,)

    def probed(self, answer: ProbeAnswer, now_s: float) -> None:
        """Note what a probe brought."""
        was_open = self.is_open
        self.presence.probed(answer, now_s)
        self._turn(was_open=was_open)

    def tick(self, now_s: float) -> bool:
        """Do what is due; return whether the VMA is to be probed now, once."""
        return self.presence.tick(len(self.job_ids), now_s)

    def returning(self) -> Iterator[str]:
        """Yield the jobs to take back now that the VMA can be reached again, each once."""
        while self._returning:
            job_id = self._returning.popleft()
            if job_id in self.job_ids:
                yield job_id

    def due_s(self) -> float | None:
        """Return when there is something to do other than a poll; None while there is not."""
        return float("-inf") if self._returning else self.presence.due_s(len(self.job_ids))

    def _out_of_doubt(self) -> Sequence[Round]:
        rounds, self._doubtful = tuple(self._doubtful.values()), {}
        return rounds

    def _turn(self, *, was_open: bool) -> None:
        """Begin to take back all jobs where the VMA can be reached now, and stop where it cannot."""
        if was_open != self.is_open:
            self._returning = deque(self.job_ids if was_open else ())


class Lanes:
    """The lanes of all VMAs that ever had a job: at most as many as are configured.

    A call costs O(log n) for each job that it touches, and O(1) for each VMA.
    """

    def __init__(
        self, interval_s: float, max_concurrent: int, rounds: Rounds, presence_of: Callable[[str], Presence]
    ) -> None:
        self.interval_s = interval_s
        self._max_concurrent = max_concurrent
        self._rounds = rounds
        self._presence_of = presence_of
        self._lanes: dict[str, Lane] = {}
        self._shares: dict[str, int] | None = None

    def of(self, vma: str) -> Lane:
        """Return the lane of a VMA."""
        lane = self._lanes.get(vma)
        if lane is None:
            lane = self._lanes[vma] = Lane(Timetable(self.interval_s), self._presence_of(vma))
        return lane

    def returning(self) -> Iterator[str]:
        """Yield the jobs to take back, few enough for one tick."""
        return islice(chain.from_iterable(lane.returning() for lane in self._lanes.values()), MOST_A_TICK)

    def items(self) -> list[tuple[str, Lane]]:
        """Return all lanes with the names of their VMAs."""
        return list(self._lanes.items())

    def join(self, vma: str, job_id: str) -> None:
        """Put a job into a VMA's lane; it is due once it is placed."""
        self.of(vma).job_ids[job_id] = None
        self._shares = None

    def leave(self, vma: str, job_id: str) -> None:
        """Take a job out of a VMA's lane."""
        lane = self.of(vma)
        lane.job_ids.pop(job_id, None)
        lane.timetable.remove(job_id)
        self._shares = None

    def set_aside(self, vma: str, job_id: str) -> None:
        """Let a job not be due any more; it stays in its lane."""
        self.of(vma).timetable.remove(job_id)

    def place(self, vma: str, job_id: str, due_s: float) -> None:
        """Make a job due, unless it is being asked by itself: it is due once the answer is there.

        What its cohort is being asked for does not hold it up: it has left that, and is told nothing by it.
        """
        if job_id not in self._rounds:
            self.of(vma).timetable.place(job_id, due_s)

    def due_s_of(self, vma: str, job_id: str) -> float | None:
        """Return when a job is due; None while it is not, or is being asked. On any thread."""
        lane = self._lanes.get(vma)
        return None if lane is None else lane.timetable.due_s_of(job_id)

    def place_in_slot(self, vma: str, job_id: str, after_s: float) -> None:
        """Make a job due at its own place in the interval, the first time later than *after_s*."""
        self.place(vma, job_id, self._slot_after(vma, job_id, after_s))

    def place_after(self, vma: str, job_id: str, delay_s: float, began_s: float, now_s: float) -> None:
        """Make a job due after a poll: after a delay, or in its next slot where there is none."""
        if delay_s > 0:  # in whole ticks, so that those who wait go out in groups
            self.place(vma, job_id, ceil((now_s + delay_s) / TICK_S) * TICK_S)
        else:
            self.place(vma, job_id, self.slot_after_poll(vma, job_id, began_s, now_s))

    def slot_after_poll(self, vma: str, job_id: str, began_s: float, now_s: float) -> float:
        """Return a job's next slot; one that the poll came too close to is skipped (P3)."""
        return self._slot_after(vma, job_id, max(now_s, began_s + self.interval_s / 2))

    def _slot_after(self, vma: str, job_id: str, after_s: float) -> float:
        lane = self.of(vma)
        ticks = neighbours(len(lane.job_ids), in_bulk=self._rounds.in_bulk(vma))
        return lane.timetable.slot_after(job_id, after_s, ticks)

    def pop_due(self, now_s: float) -> Iterator[tuple[str, list[tuple[str, float]]]]:
        """Take out jobs that are due and may begin, the most overdue first, as (VMA, some).

        Whoever takes some begins them before it asks for the next: what is under way counts. Of a VMA that
        cannot be reached all are taken, for they are not asked; of one that answers in bulk, for they take
        no place.
        """
        heads = [(due_s, vma) for vma, due_s in self._heads() if due_s <= now_s]
        heapify(heads)
        left = MOST_A_TICK
        while heads and left:
            vma = heappop(heads)[1]
            room = min(self.room(vma), left)
            if not room:
                continue
            timetable = self._lanes[vma].timetable
            due = timetable.pop_due(heads[0][0] if heads else now_s, room)
            left -= len(due)
            yield vma, due
            next_s = timetable.next_due_s()
            if next_s is not None and next_s <= now_s:
                heappush(heads, (next_s, vma))

    def overdue_s(self, now_s: float) -> float:
        """Return how long the most overdue job of a VMA that is asked has waited; 0 where none is due."""
        dues_s = (lane.timetable.next_due_s() for lane in self._lanes.values() if not lane.is_open)
        return max((now_s - due_s for due_s in dues_s if due_s is not None and due_s < now_s), default=0.0)

    def next_due_s(self) -> float | None:
        """Return when something can be done; None while nothing can."""
        dues_s = [due_s for _, due_s in self._heads()]
        dues_s += [due_s for lane in self._lanes.values() if (due_s := lane.due_s()) is not None]
        return min(dues_s, default=None)

    def _heads(self) -> Iterator[tuple[str, float]]:
        """Yield each VMA of which a job may begin, with when its first one is due."""
        for vma, lane in self._lanes.items():
            due_s = lane.timetable.next_due_s()
            if due_s is not None and self.room(vma):
                yield vma, due_s

    def take_places(self, vma: str, places: int) -> None:
        """Take places for polls that are asked for together, or give them back with a negative number."""
        self._rounds.take_places(vma, places)

    def room(self, vma: str) -> int:
        """Return how many jobs of a VMA may begin now."""
        if self._lanes[vma].is_open or self._rounds.in_bulk(vma):
            return MOST_A_TICK
        return max(
            0, min(self._max_concurrent - self._rounds.places, self._share(vma) - self._rounds.of(vma))
        )

    def _share(self, vma: str) -> int:
        if self._shares is None:
            jobs = {name: len(lane.job_ids) for name, lane in self._lanes.items()}
            self._shares = shares(jobs, self._max_concurrent)
        return self._shares[vma]
