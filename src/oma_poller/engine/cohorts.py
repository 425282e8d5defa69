"""Polls jobs together whose copies only go on: one request, one answer, one decision."""

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count

from oma_poller.core.cohort import Cohort, Told
from oma_poller.core.notebook import PACE_S
from oma_poller.engine.cohort_request import CohortAnswer, CohortRequest
from oma_poller.engine.group import Group, Parted
from oma_poller.engine.lanes import MOST_A_TICK, Lanes
from oma_poller.engine.parts import Parts
from oma_poller.engine.watch import Answered, Slot, Watch
from oma_poller.model.update import Update

FEWEST_JOBS = 60
FEWEST_SINGLY = 200
"""A VMA with fewer jobs, where it answers in bulk and where it does not, has its jobs polled by themselves: a
cohort of one or two spares nothing."""
ALONE_S = 20.0
"""A job that did not simply go on is polled by itself for so long, at least: it may be so again and again."""
SLOW_S = 300.0
"""The same where the VMA took too long to answer about it among others, or there was a defect."""
_GAPS = 8
"""A cohort in bulk of which one place in so many is empty is made anew; fewer are asked for in vain."""


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
        self._waiting: list[tuple[float, int, Group]] = []
        """Those that are due and whose VMA has no place in flight left."""
        self._numbers = count(1)

    def __len__(self) -> int:
        """Number of polls under way. On any thread."""
        return sum(group.places or len(group) for group in list(self._asked.values()))

    def join(self, watch: Watch, answered: Answered, began_s: float, now_s: float) -> bool:
        """Have a job that went on polled with others from now on; return whether it is. Never raises."""
        if self._is_off or watch.doubts or now_s < watch.alone_until_s:
            return False
        fewest = FEWEST_JOBS if self._parts.fetcher.in_bulk(watch.vma) else FEWEST_SINGLY
        if len(self._lanes.of(watch.vma).job_ids) < fewest:
            return False
        try:
            return self._join(watch, answered, self._next_slot_s(watch, began_s, now_s))
        except Exception as error:  # noqa: BLE001 - a defect here must not keep the job from being polled
            self._parts.journal.defect(watch.job.id, error)
            watch.alone_until_s = now_s + SLOW_S
            return False

    def tick(self, now_s: float) -> list[CohortRequest]:
        """Return the requests of the cohorts that are due, few enough for one tick."""
        requests: list[CohortRequest] = []
        jobs = 0
        waiting, self._waiting = self._waiting, []
        for entry in waiting:
            heappush(self._heap, entry)
        while self._heap and self._heap[0][0] <= now_s and jobs < MOST_A_TICK:
            entry = heappop(self._heap)
            room = self._lanes.room(entry[2].vma)
            if not room:
                self._waiting.append(entry)
                continue
            group = self._ready(entry[2])
            if group is not None:
                jobs += len(group)
                requests.append(self._request(group, room, now_s))
        return requests

    def _ready(self, group: Group) -> Group | None:
        """Let a cohort not be due any more; return it as it is to be asked, or None where it is not."""
        due_s = self._take_out(group)
        if self._lanes.of(group.vma).is_open or self._parts.fetcher.in_bulk(group.vma) is not group.in_bulk:
            self._disband(group, due_s)
            return None
        kept, places = len(group), group.cohort.places
        # A request for a key of a job that has left would be the second one at once.
        if kept * _GAPS < places * (_GAPS - 1) or (kept < places and not group.in_bulk):
            group = self._without_gaps(group)
        group.due_s = due_s
        return group if kept else None

    def _request(self, group: Group, room: int, now_s: float) -> CohortRequest:
        at_most = min(room, len(group))
        if not group.in_bulk:
            group.places = at_most
            self._lanes.take_places(group.vma, at_most)
        group.began_s = now_s
        ticket = next(self._numbers)
        self._asked[ticket] = group
        return group.request(at_most, ticket)

    def next_due_s(self) -> float | None:
        """Return when the first cohort is due; None where there is none."""
        return self._heap[0][0] if self._heap else None

    def overdue_s(self, now_s: float) -> float:
        """Return how long the most overdue cohort has waited; 0 where none is due."""
        dues_s = [entry[0] for entry in (*self._heap[:1], *self._waiting)]
        return max(0.0, now_s - min(dues_s, default=now_s))

    def answered(self, answer: CohortAnswer, now_s: float) -> Sequence[Parted]:
        """Take an answer; return the polls that are to go on by themselves, one a job."""
        group = self._asked.pop(answer.request.ticket, None)
        if group is None:
            return ()
        if group.places:
            self._lanes.take_places(group.vma, -group.places)
            group.places = 0
        lateness = self._parts.tally.lateness
        if answer.failure is not None or not answer.begun_s:
            lateness.observe(group.began_s - group.due_s, len(group))
        if answer.failure is not None:
            return group.fail(answer.failure)
        try:
            updates = group.cohort.decide(_told(answer), now_s)
            moved = [update for update in updates if update is not None]
            self._parts.mailbox.put_moved(moved, now_s)
        except Exception as error:  # noqa: BLE001 - as above
            self._parts.journal.defect(group.watches[0].job.id, error)
            self._disband(group, now_s, alone_s=SLOW_S)
            return ()
        for late_s, polls in group.late_s(answer, updates).items():
            lateness.observe(late_s, polls)
        tally = self._parts.tally
        tally.polls["ok"] += len(moved)
        tally.poll_duration.observe(now_s - group.began_s, len(moved))
        alone = self._alone(group, answer, updates, now_s) if len(moved) < len(updates) else ()
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
        group = self._by_due.get((watch.vma, due_s))
        if group is None:
            group = self._new_group(watch.vma)
        if not group.join(watch, answered):
            return False
        if group.slot.due_s is None:
            self._place(group, due_s)
        return True

    def _new_group(self, vma: str, turn: int = 0) -> Group:
        in_bulk = self._parts.fetcher.in_bulk(vma)
        return Group(vma, Cohort(self._parts.policy), Slot(), in_bulk, turn=turn)

    def _next_slot_s(self, watch: Watch, began_s: float, now_s: float) -> float:
        return self._lanes.slot_after_poll(watch.vma, watch.job.id, began_s, now_s)

    def _alone(
        self, group: Group, answer: CohortAnswer, updates: Sequence[Update | None], now_s: float
    ) -> list[Parted]:
        """Have those leave that did not simply go on; return their polls, as their answers came."""
        parted = []
        for place in group.places_of(answer):
            watch = group.watches[place]
            if updates[place] is None and group.holds(watch, place):
                apart = answer.apart.get(place)
                is_slow = apart is None and answer.is_cut
                watch.alone_until_s = now_s + (SLOW_S if is_slow else ALONE_S)
                parted.append(group.part(place, apart))
        return parted

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
            group.move(other)
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
        whole = self._new_group(group.vma, group.turn)
        group.move(whole)
        return whole


def _told(answer: CohortAnswer) -> Told:
    return Told(answer.bytes_transferred, answer.total_bytes, answer.percent)
