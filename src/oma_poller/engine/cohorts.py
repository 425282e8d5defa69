"""Polls jobs together whose copies only go on and whose VMA answers in bulk: one request, one decision."""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import count

from msgspec import Struct

from oma_poller.core.cohort import Cohort, Told
from oma_poller.core.notebook import PACE_S
from oma_poller.engine.cohort_request import CohortAnswer, CohortRequest, only_goes_on
from oma_poller.engine.lanes import MOST_A_TICK, Lanes
from oma_poller.engine.parts import Parts
from oma_poller.engine.watch import Answered, Round, Seat, Slot, Watch, start_round
from oma_poller.model.reading import Failure, Reading
from oma_poller.model.update import Update

FEWEST_JOBS = 60
"""A VMA with fewer jobs has its jobs polled by themselves: a cohort of one or two spares nothing."""
ALONE_S = 20.0
"""A job that did not simply go on is polled by itself for so long, at least: it may be so again and again."""
DECLINED_S = 300.0
"""The same where the VMA was not asked in bulk after all."""
_GAPS = 8
"""A cohort of which one place in so many is empty is made anew; those of fewer are asked for in vain."""


class Group(Struct, eq=False):
    """A cohort of one VMA whose jobs share their place in the interval."""

    vma: str
    cohort: Cohort
    slot: Slot
    watches: list[Watch] = []
    """By place in the cohort."""
    keys: list[str] = []
    """Those of all, one after the other."""
    readings: list[Reading] = []
    """What each key said when its job joined."""
    began_s: float = 0.0
    late_s: float = 0.0
    """How long after it was due it was asked."""
    turn: int = 0
    """Those whose places are so many, and so many turns, after the first are made anew next."""

    def seated(self) -> Iterator[Watch]:
        """Yield the jobs that have not left."""
        return (watch for place, watch in enumerate(self.watches) if self.holds(watch, place))

    def holds(self, watch: Watch, place: int) -> bool:
        """Whether a job has this place still."""
        seat = watch.seat
        return seat is not None and seat.cohort is self.cohort and seat.place == place


class Cohorts:
    """All cohorts, by when they are due.

    A job that joins is polled with its cohort until a poll brings anything else of it, or somebody sets its
    context (`Watch.context`): then it has left, and is to be placed in its VMA's lane again.
    """

    def __init__(self, parts: Parts, lanes: Lanes) -> None:
        self._parts = parts
        self._lanes = lanes
        self._is_off = parts.journal.tells_each_poll
        self._turns = max(1, int(PACE_S / parts.policy.interval_s))
        """In so many polls the context of each job is made anew once, for its memory."""
        self._by_due: dict[tuple[str, float], Group] = {}
        self._heap: list[tuple[float, int, Group]] = []
        self._asked: dict[int, Group] = {}
        self._numbers = count(1)

    def __len__(self) -> int:
        """Number of polls under way. On any thread."""
        return sum(len(group.cohort) for group in list(self._asked.values()))

    def join(self, watch: Watch, answered: Answered, began_s: float, now_s: float) -> bool:
        """Have a job that went on polled with others from now on; return whether it is. Never raises."""
        if self._is_off or watch.doubts or now_s < watch.alone_until_s:
            return False
        is_worth_it = len(self._lanes.of(watch.vma).job_ids) >= FEWEST_JOBS
        if not (is_worth_it and self._parts.fetcher.in_bulk(watch.vma)):
            return False
        try:
            return self._join(watch, answered, self._next_slot_s(watch, began_s, now_s))
        except Exception as error:  # noqa: BLE001 - a defect here must not keep the job from being polled
            self._parts.journal.defect(watch.job.id, error)
            watch.alone_until_s = now_s + DECLINED_S
            return False

    def tick(self, now_s: float) -> list[CohortRequest]:
        """Return the requests of the cohorts that are due, few enough for one tick."""
        requests: list[CohortRequest] = []
        jobs = 0
        while self._heap and self._heap[0][0] <= now_s and jobs < MOST_A_TICK:
            group = heappop(self._heap)[2]
            due_s = self._take_out(group)
            if self._lanes.of(group.vma).is_open or not self._parts.fetcher.in_bulk(group.vma):
                self._disband(group, due_s)
                continue
            if len(group.cohort) * _GAPS < group.cohort.places * (_GAPS - 1):
                group = self._without_gaps(group)
            if len(group.cohort):
                jobs += len(group.cohort)
                group.began_s, group.late_s = now_s, now_s - due_s
                ticket = next(self._numbers)
                self._asked[ticket] = group
                requests.append(CohortRequest(group.vma, group.keys, group.readings, ticket))
        return requests

    def next_due_s(self) -> float | None:
        """Return when the first cohort is due; None where there is none."""
        return self._heap[0][0] if self._heap else None

    def overdue_s(self, now_s: float) -> float:
        """Return how long the most overdue cohort has waited; 0 where none is due."""
        return max(0.0, now_s - self._heap[0][0]) if self._heap else 0.0

    def answered(self, answer: CohortAnswer, now_s: float) -> Sequence[Round]:
        """Take an answer; return the polls that are to go on by themselves, one a job.

        They have their outcome where the answer is a failure; where the job did not simply go on they are
        to be asked.
        """
        group = self._asked.pop(answer.request.ticket, None)
        if group is None:
            return ()
        if answer.is_declined:
            self._disband(group, now_s, alone_s=DECLINED_S)
            return ()
        tally, jobs = self._parts.tally, len(group.cohort)
        tally.lateness.observe(group.late_s, jobs)
        if answer.failure is not None:
            return self._failed(group, answer.failure)
        try:
            updates = group.cohort.decide(_told(answer), now_s)
            moved = [update for update in updates if update is not None]
            self._parts.mailbox.put_moved(moved, now_s)
        except Exception as error:  # noqa: BLE001 - as above
            self._parts.journal.defect(group.watches[0].job.id, error)
            self._disband(group, now_s, alone_s=DECLINED_S)
            return ()
        tally.polls["ok"] += len(moved)
        tally.poll_duration.observe(now_s - group.began_s, len(moved))
        alone = self._alone(group, updates, now_s) if len(moved) < len(updates) else ()
        self._renew(group, now_s)
        first = next(group.seated(), None)
        if first is not None:
            self._place(group, self._next_slot_s(first, group.began_s, now_s))
        return alone

    def clear(self) -> int:
        """Wait for no answers any longer; return how many polls waited."""
        waited = len(self)
        self._asked.clear()
        return waited

    def _join(self, watch: Watch, answered: Answered, due_s: float) -> bool:
        readings = [one for one in answered.outcomes if isinstance(one, Reading) and only_goes_on(one)]
        if len(readings) < len(answered.outcomes):
            return False
        group = self._by_due.get((watch.vma, due_s))
        if group is None:
            group = Group(watch.vma, Cohort(self._parts.policy), Slot())
        place = group.cohort.join(watch.decided, watch.job)
        if place is None:
            return False
        group.watches.append(watch)
        group.keys += watch.decided.keys
        group.readings += readings
        watch.seat = Seat(group.cohort, place, group.slot)
        if group.slot.due_s is None:
            self._place(group, due_s)
        return True

    def _next_slot_s(self, watch: Watch, began_s: float, now_s: float) -> float:
        return self._lanes.slot_after_poll(watch.vma, watch.job.id, began_s, now_s)

    def _alone(self, group: Group, updates: Sequence[Update | None], now_s: float) -> list[Round]:
        """Have those leave that did not simply go on; return their polls."""
        rounds = []
        for place, (watch, update) in enumerate(zip(group.watches, updates, strict=True)):
            if update is None and group.holds(watch, place):
                watch.alone_until_s = now_s + ALONE_S
                watch.leave_cohort()
                rounds.append(start_round(watch, group.began_s))
        return rounds

    def _renew(self, group: Group, now_s: float) -> None:
        """Make the contexts of some jobs anew for their memories, and let the flight recorder see others.

        It looks at polls that are decided by themselves, so such a job leaves until its next one.
        """
        recorder = self._parts.recorder
        group.turn = (group.turn + 1) % self._turns
        for place in range(group.turn, len(group.watches), self._turns):
            watch = group.watches[place]
            context = group.cohort.renew(place)
            if context is None:
                continue
            watch.decided = context  # so that it is held once
            self._parts.mailbox.remember(context, now_s)
            if recorder is not None and recorder.wants(watch, now_s):
                self._let_go(watch, self._next_slot_s(watch, group.began_s, now_s))

    def _failed(self, group: Group, failure: Failure) -> list[Round]:
        rounds = []
        for watch in list(group.seated()):
            watch.leave_cohort()
            round_ = start_round(watch, group.began_s)
            round_.outcomes = (failure,) * len(round_.keys)
            rounds.append(round_)
        return rounds

    def _disband(self, group: Group, due_s: float, alone_s: float = 0.0) -> None:
        for watch in list(group.seated()):
            watch.alone_until_s = due_s + alone_s
            self._let_go(watch, due_s)

    def _let_go(self, watch: Watch, due_s: float) -> None:
        """Have a job polled by itself."""
        watch.leave_cohort()
        self._lanes.place(watch.vma, watch.job.id, due_s)

    def _place(self, group: Group, due_s: float) -> None:
        """Make a cohort due; of two with the same place the younger is let in by the other."""
        key = (group.vma, due_s)
        other = self._by_due.get(key)
        if other is not None:
            self._move(group, other)
            return
        group.slot.due_s = due_s
        self._by_due[key] = group
        heappush(self._heap, (due_s, next(self._numbers), group))

    def _take_out(self, group: Group) -> float:
        """Let a cohort not be due any more; return when it was."""
        due_s, group.slot.due_s = group.slot.due_s or 0.0, None
        del self._by_due[group.vma, due_s]
        return due_s

    def _without_gaps(self, group: Group) -> Group:
        """Return a cohort of the jobs that have not left."""
        whole = Group(group.vma, Cohort(self._parts.policy), Slot(), turn=group.turn)
        self._move(group, whole)
        return whole

    def _move(self, group: Group, other: Group) -> None:
        """Have those who have not left a cohort join another."""
        for place, watch in enumerate(group.watches):
            disks = group.cohort.disks(place)
            new_place = group.cohort.hand_over(place, other.cohort) if group.holds(watch, place) else None
            if new_place is not None:
                other.watches.append(watch)
                other.keys += group.keys[disks.start : disks.stop]
                other.readings += group.readings[disks.start : disks.stop]
                watch.seat = Seat(other.cohort, new_place, other.slot)


def _told(answer: CohortAnswer) -> Told:
    return Told(answer.bytes_transferred, answer.total_bytes, answer.percent)
