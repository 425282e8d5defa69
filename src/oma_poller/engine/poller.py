"""Polls the VMAs for every watched job: what is due goes out, what comes back is decided and posted."""

from collections.abc import Iterable, Sequence
from itertools import count

from msgspec import Struct

from oma_poller.clock import Clock
from oma_poller.core.decide import Poll, begin, decide
from oma_poller.core.keys import is_unknown
from oma_poller.core.mailbox import Mailbox
from oma_poller.core.routing import vma_for
from oma_poller.core.timetable import Timetable
from oma_poller.engine.journal import Journal
from oma_poller.engine.ports import KeyAnswer, KeyRequest, ProgressFetcher
from oma_poller.engine.tally import Tally
from oma_poller.engine.watch import Round, Watch, key_plan, replan, start_round
from oma_poller.model.decision import Decision, EventKind
from oma_poller.model.job import ActiveJob, Job
from oma_poller.model.policy import Policy
from oma_poller.model.reading import Missing, Outcome, Reading
from oma_poller.model.vma import VmaRule

FEW_NEWCOMERS = 100
"""So many new jobs at once are polled right away; more of them are spread over the interval."""


class Parts(Struct, eq=False):
    """What a poller is made of."""

    fetcher: ProgressFetcher
    mailbox: Mailbox
    policy: Policy
    clock: Clock
    journal: Journal
    tally: Tally
    rules: tuple[VmaRule, ...] = ()
    max_concurrent: int = 10


class VMAProgressPoller:
    """Watches jobs. Every method returns at once and belongs to one thread, the engine's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._timetable = Timetable(parts.policy.interval_s)
        self._watches: dict[str, Watch] = {}
        self._rounds: dict[int, Round] = {}
        self._tickets = count(1)

    def __len__(self) -> int:
        """Number of jobs watched."""
        return len(self._watches)

    @property
    def in_flight(self) -> int:
        """Number of polls under way."""
        return len(self._rounds)

    def watch_of(self, job_id: str) -> Watch | None:
        """Return what is held of a job; None when it is not watched."""
        return self._watches.get(job_id)

    def unknown_of(self, active: Iterable[ActiveJob]) -> list[str]:
        """Return the ids among *active* that are not watched yet."""
        return [job.id for job in active if job.id not in self._watches]

    def doubtful(self) -> list[str]:
        """Return the jobs whose keys stopped answering since they were last read from the database."""
        return [job_id for job_id, watch in self._watches.items() if watch.doubtful]

    def sync(self, active: Sequence[ActiveJob], details: Sequence[Job], asked_at_s: float) -> None:
        """Take the full set of active jobs, and the details of some: watch what began, drop what left.

        *asked_at_s* is when the database was asked: a job that ended later than that is not taken up again.
        """
        active_ids = {job.id for job in active}
        for job_id in [job_id for job_id in self._watches if job_id not in active_ids]:
            self._drop(job_id)
        newcomers = []
        for job in details:
            if job.id not in active_ids:
                continue
            watch = self._watches.get(job.id)
            if watch is not None and self._is_same(watch, job, asked_at_s):
                replan(watch, job)
                watch.vma, watch.doubtful = vma_for(job, self._parts.rules), False
            else:
                newcomers.append(job)
        self._take_up(newcomers)

    def tick(self) -> int:
        """Begin every poll that is due, as far as `max_concurrent` allows; return how many began."""
        now_s = self._parts.clock.monotonic()
        due = self._timetable.pop_due(now_s, self._parts.max_concurrent - len(self._rounds))
        requests: list[KeyRequest] = []
        for job_id, due_s in due:
            watch = self._watches[job_id]
            self._parts.tally.began(now_s - due_s)
            if watch.refusal is not None:
                self._finish(watch, 0, (watch.refusal,))
                continue
            watch.polling = True
            requests.extend(self._ask(next(self._tickets), start_round(watch)))
        if requests:
            self._parts.fetcher.submit(requests)
        return len(due)

    def next_due_s(self) -> float | None:
        """Return when the next poll can begin, monotonic seconds; None while nothing can."""
        if len(self._rounds) >= self._parts.max_concurrent:
            return None
        return self._timetable.next_due_s()

    def receive(self, answers: Sequence[KeyAnswer]) -> None:
        """Take a batch of answers: a poll whose last key answered is decided."""
        follow_ups: list[KeyRequest] = []
        for answer in answers:
            ticket = answer.request.ticket
            round_ = self._rounds.get(ticket)
            if round_ is None:
                continue
            round_.outcomes[answer.request.key] = answer.outcome
            if round_.is_answered:
                follow_ups.extend(self._close(ticket, round_))
        if follow_ups:
            self._parts.fetcher.submit(follow_ups)

    def confirm_end(self, job_id: str) -> None:
        """Note that the database has the end of a job."""
        watch = self._watches.get(job_id)
        if watch is not None:
            watch.ended_at_s = self._parts.clock.monotonic()
            watch.doubtful = True  # should the database still call it active, it is to be read anew

    def abandon(self) -> int:
        """Forget all polls under way, their jobs unchanged; return how many there were."""
        abandoned = len(self._rounds)
        self._rounds.clear()
        return abandoned

    def _is_same(self, watch: Watch, job: Job, asked_at_s: float) -> bool:
        """Whether *job* is the one that is watched, not one made anew under its id or set active again."""
        ended = watch.ended_at_s is not None and asked_at_s > watch.ended_at_s
        return job.created_at == watch.job.created_at and not (ended and self._parts.policy.write_status)

    def _take_up(self, newcomers: Sequence[Job]) -> None:
        now_s, now = self._parts.clock.monotonic(), self._parts.clock.utc()
        for job in newcomers:
            self._drop(job.id)
            plan, refusal = key_plan(job)
            context = begin(job, self._parts.policy, now)
            self._watches[job.id] = Watch(job, vma_for(job, self._parts.rules), plan, context, refusal)
            at_once = len(newcomers) <= FEW_NEWCOMERS
            self._timetable.place(job.id, now_s if at_once else self._timetable.slot_after(job.id, now_s))
            self._parts.journal.taken_up(job, plan)

    def _drop(self, job_id: str) -> None:
        watch = self._watches.pop(job_id, None)
        if watch is None:
            return
        self._timetable.remove(job_id)
        self._parts.mailbox.forget(job_id)
        for ticket in [ticket for ticket, round_ in self._rounds.items() if round_.watch is watch]:
            del self._rounds[ticket]
        self._parts.journal.dropped(watch.context)

    def _ask(self, ticket: int, round_: Round) -> list[KeyRequest]:
        self._rounds[ticket] = round_
        return [KeyRequest(round_.watch.vma, key, ticket) for key in round_.keys]

    def _close(self, ticket: int, round_: Round) -> list[KeyRequest]:
        """Decide an answered round, or return the requests of its next tier (P2)."""
        outcomes = tuple(round_.outcomes[key] for key in round_.keys)
        round_.first = round_.first or outcomes
        unknown = is_unknown(outcomes)
        if unknown and round_.turn + 1 < len(round_.order):
            round_.turn += 1
            round_.outcomes = {}
            return self._ask(ticket, round_)
        del self._rounds[ticket]
        watch = round_.watch
        watch.polling = False
        if watch.plan.tiers != round_.plan.tiers:  # its keys changed while they were asked
            self._timetable.place(watch.job.id, self._parts.clock.monotonic())
        elif unknown:
            self._finish(watch, round_.order[0], round_.first)
        else:
            self._finish(watch, round_.tier, outcomes)
        return []

    def _finish(self, watch: Watch, tier: int, outcomes: tuple[Outcome, ...]) -> None:
        parts = self._parts
        now_s = parts.clock.monotonic()
        poll = Poll(watch.job, watch.plan, parts.policy, tier, outcomes, now_s, parts.clock.utc())
        decision = decide(watch.context, poll)
        watch.context = decision.context
        watch.doubtful = watch.doubtful or any(isinstance(outcome, Missing) for outcome in outcomes)
        parts.mailbox.put(decision.update, now_s)
        self._place(watch, decision, now_s)
        self._count(decision, outcomes)
        parts.journal.decided(watch, poll, decision)

    def _place(self, watch: Watch, decision: Decision, now_s: float) -> None:
        job_id = watch.job.id
        if decision.delay_s is None:
            return
        if decision.delay_s > 0:
            self._timetable.place(job_id, now_s + decision.delay_s)
            return
        half_s = self._parts.policy.interval_s / 2  # a late poll is skipped, not made up for (P3)
        self._timetable.place(job_id, self._timetable.slot_after(job_id, now_s + half_s))

    def _count(self, decision: Decision, outcomes: Sequence[Outcome]) -> None:
        self._parts.tally.polls[decision.result] += 1
        self._parts.tally.regressions += sum(event.kind is EventKind.REGRESSION for event in decision.events)
        for outcome in outcomes:
            if isinstance(outcome, Reading):
                for word in outcome.unknown_words:
                    self._parts.tally.unknown_words[word.partition("=")[0]] += 1
