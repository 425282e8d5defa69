"""Polls the VMAs for every watched job: what is due goes out, what comes back is decided and posted."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from oma_poller.core.breaker import is_answer
from oma_poller.core.keys import is_unknown
from oma_poller.core.punctuality import Punctuality
from oma_poller.engine.cohort_request import CohortAnswer, CohortRequest
from oma_poller.engine.cohorts import Cohorts
from oma_poller.engine.judge import Judge
from oma_poller.engine.lanes import Lane, Lanes
from oma_poller.engine.moment import Moment, moment_of
from oma_poller.engine.outages import Outages, is_unanswered
from oma_poller.engine.parts import Parts
from oma_poller.engine.ports import Answer, ProbeAnswer, TierRequest
from oma_poller.engine.presence import Presence
from oma_poller.engine.roster import Roster
from oma_poller.engine.rounds import Rounds
from oma_poller.engine.watch import Answered, Round, Watch, start_round
from oma_poller.model.context import PollingContext
from oma_poller.model.job import Job
from oma_poller.model.reading import Reading


class VMAProgressPoller:
    """Watches jobs. Every method returns at once and belongs to one thread, the engine's."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._judge = Judge(parts.mailbox, parts.policy, parts.clock, parts.journal, parts.tally)
        self._rounds = Rounds(parts.fetcher.in_bulk)
        self._lanes = Lanes(self.interval_s, parts.max_concurrent, self._rounds, self._presence_of)
        self._roster = Roster(parts, self._lanes, self._judge)
        self._watches = self._roster.watches
        self._cohorts = Cohorts(parts, self._lanes)
        self._outages = Outages(self._lanes, self._watches, self._judge, parts.fetcher, parts.clock)
        self._punctuality = Punctuality(self.interval_s)
        self.changes = self._roster.changes
        """Which jobs changed, for whoever shows them."""
        self.rereads = self._roster.rereads
        """Which rows are to be read from the database again."""

    def __len__(self) -> int:
        """Number of jobs watched."""
        return len(self._watches)

    @property
    def interval_s(self) -> float:
        """Seconds between two polls of a job."""
        return self._parts.policy.interval_s

    @property
    def in_flight(self) -> int:
        """Number of polls under way. On any thread.

        Those of jobs that have left count until they are answered, but for those that were asked together.
        """
        return len(self._rounds) + len(self._cohorts)

    def watch_of(self, job_id: str) -> Watch | None:
        """Return what is held of a job; None when it is not watched."""
        return self._watches.get(job_id)

    def unknown_of(self, active_ids: AbstractSet[str]) -> list[str]:
        """Return those of *active_ids* that are not watched yet."""
        return list(active_ids - self._watches.keys())

    def drop_all_but(self, active_ids: AbstractSet[str]) -> list[PollingContext]:
        """Drop every job that is not among *active_ids*, and everything held for it."""
        return self._roster.drop_all_but(active_ids)

    def refresh(self, jobs: Iterable[Job], asked_at_s: float) -> list[Job]:
        """Take the newest rows of watched jobs; see `Roster`."""
        return self._roster.refresh(jobs, asked_at_s)

    def take_up(self, dues: Iterable[tuple[Job, float]]) -> list[Watch]:
        """Watch jobs, each from its due time on; see `Roster`."""
        return self._roster.take_up(dues)

    def tick(self) -> None:
        """Begin what is due: polls, as far as each VMA's share of `max_concurrent` allows, and probes."""
        now_s = self._parts.clock.monotonic()
        self._outages.tick(now_s)
        if self._punctuality.looks(now_s):
            overdue_s = max(self._lanes.overdue_s(now_s), self._cohorts.overdue_s(now_s))
            if self._punctuality.note(overdue_s, now_s):
                self._parts.journal.punctual(overdue_s, len(self), is_late=self._punctuality.is_late)
        requests: list[TierRequest | CohortRequest] = []
        requests += self._cohorts.tick(now_s)
        for vma, due in self._lanes.pop_due(now_s):
            away = self._lanes.of(vma).is_open
            for job_id, due_s in due:
                watch = self._watches[job_id]
                if not (away and self._outages.sets_aside(watch)):
                    request = self._begin(watch, due_s, now_s)
                    if request is not None:
                        requests.append(request)
        if requests:
            self._parts.fetcher.submit(requests)

    def next_due_s(self) -> float | None:
        """Return when `tick` can do something next, monotonic seconds; None while it cannot."""
        dues_s = self._lanes.next_due_s(), self._cohorts.next_due_s()
        return min((due_s for due_s in dues_s if due_s is not None), default=None)

    def _begin(self, watch: Watch, due_s: float, now_s: float) -> TierRequest | None:
        """Begin the poll of a job that is due; return its request."""
        self._parts.tally.began(now_s - due_s)
        if watch.refusal is not None:
            self._finish(watch, Answered(0, (watch.refusal,)), now_s, moment_of(self._parts.clock))
            return None
        return self._rounds.ask(start_round(watch, now_s))

    def receive(self, answers: Iterable[Answer]) -> None:
        """Take answers: each decides its poll, or has it ask its next tier. Others are ignored."""
        moment = moment_of(self._parts.clock)
        follow_ups: list[TierRequest] = []
        heard: str | None = None
        for answer in answers:
            if isinstance(answer, ProbeAnswer):
                self._outages.probed(answer)
                continue
            if isinstance(answer, CohortAnswer):
                heard = None  # it may be that the VMA was lost with it
                follow_ups += self._receive_cohort(answer, moment)
                continue
            vma = answer.request.vma
            if not any(map(is_answer, answer.outcomes)):
                heard = None
            elif vma != heard:
                heard = vma  # until a request to it fails, its next answers say nothing new of the VMA
                self._hear(vma, moment)
            round_ = self._rounds.answered(answer)
            follow_up = None if round_ is None else self._close(round_, moment)
            if follow_up is not None:
                follow_ups.append(follow_up)
        if follow_ups:
            self._parts.fetcher.submit(follow_ups)

    def _receive_cohort(self, answer: CohortAnswer, moment: Moment) -> list[TierRequest]:
        """Take the answer to many jobs; return the requests of those that are to be asked by themselves now.

        A failure is as if each had been asked by itself.
        """
        vma, follow_ups = answer.request.vma, []
        if answer.is_heard and (answer.failure is None or is_answer(answer.failure)):
            self._hear(vma, moment)
        for parted in self._cohorts.answered(answer, moment.monotonic_s):
            round_ = parted.round
            if not (round_.outcomes or self._rounds.in_bulk(vma)):
                self._ask_anew(round_, moment)  # there may be no place left for it
                continue
            follow_up = self._close(round_, moment) if round_.outcomes else self._rounds.ask(round_)
            if follow_up is not None:
                follow_ups.append(follow_up)
            if parted.is_followed:
                self._hear(vma, moment)
        return follow_ups

    def _hear(self, vma: str, moment: Moment) -> None:
        """Note an HTTP reply of a VMA: polls in doubt are their jobs' own errors."""
        for failed in self._outages.answered(vma):
            self._finish(failed.watch, _answered(failed), failed.began_s, moment)

    def confirm_end(self, job_id: str) -> None:
        """Note that the database has the end of a job."""
        watch = self._watches.get(job_id)
        if watch is not None:
            watch.ended_at_s = self._parts.clock.monotonic()
            self.rereads.doubt(job_id)  # should the database still call it active, it is to be read anew

    def stop(self, job_id: str) -> bool:
        """Poll a job no more until it is started; return whether it is watched."""
        watch = self._watches.get(job_id)
        if watch is not None and not self._judge.is_over(watch):
            self._judge.stop(watch)
            self._lanes.set_aside(watch.vma, job_id)
        return watch is not None

    def start(self, job_id: str) -> bool:
        """Poll a job at once, also one that is parked or stopped; return whether it is watched."""
        watch = self._watches.get(job_id)
        if watch is not None and not self._judge.has_ended(watch):
            self._judge.start(watch)
            self._lanes.place(watch.vma, job_id, self._parts.clock.monotonic())
        return watch is not None

    def watches(self) -> list[Watch]:
        """Return what is held of every job; on any thread."""
        return list(self._watches.values())

    def lanes(self) -> dict[str, Lane]:
        """Return the lane of each VMA that ever had a job; on any thread."""
        return dict(self._lanes.items())

    def due_s_of(self, watch: Watch) -> float | None:
        """Return when a job is polled next, monotonic seconds; None while it is not. On any thread."""
        seat = watch.seat
        return self._lanes.due_s_of(watch.vma, watch.job.id) if seat is None else seat.slot.due_s

    def abandon(self) -> int:
        """Forget all polls under way, their jobs unchanged; return how many there were."""
        return self._rounds.clear() + self._cohorts.clear()

    def _presence_of(self, vma: str) -> Presence:
        return Presence(vma, self.interval_s, self._parts.journal, self._parts.tally)

    def _close(self, round_: Round, moment: Moment) -> TierRequest | None:
        """Decide an answered round, or return the request of its next tier (P2)."""
        if Reading not in map(type, round_.outcomes):
            return self._close_without_reading(round_, moment)
        if self._outages.is_current(round_):
            self._finish(round_.watch, _answered(round_), round_.began_s, moment)
        else:
            self._ask_anew(round_, moment)
        return None

    def _close_without_reading(self, round_: Round, moment: Moment) -> TierRequest | None:
        """Do the same where no key brought an entry."""
        outcomes = round_.outcomes
        failed = is_unanswered(outcomes)
        if failed:
            self._outages.unanswered(round_)
        if not self._outages.is_current(round_):
            self._ask_anew(round_, moment)
            return None
        if failed:
            return None
        round_.first = round_.first or outcomes
        unknown = is_unknown(outcomes)
        if unknown and round_.turn_to_next():
            return self._rounds.ask(round_)
        answered = Answered(round_.order[0], round_.first) if unknown else _answered(round_)
        self._finish(round_.watch, answered, round_.began_s, moment)
        return None

    def _ask_anew(self, round_: Round, moment: Moment) -> None:
        """Make a job due whose poll asked what it is not asked any more, or which was another job then."""
        current = self._watches.get(round_.job_id)
        if current is not None and not self._judge.is_over(current):
            self._lanes.place(current.vma, current.job.id, moment.monotonic_s)

    def _finish(self, watch: Watch, answered: Answered, began_s: float, moment: Moment) -> None:
        """Decide a poll, and show it to the flight recorder; drop it where the job was stopped meanwhile."""
        if watch.context.stopped_at is not None:
            return
        poll, before = self._judge.poll_of(watch, answered, moment), watch.context
        recorder = self._parts.recorder
        decision = self._judge.decided(watch, poll)
        if recorder is not None:
            recorder.see(watch, before, poll, decision, answered.bodies)
        if watch.doubts or not decision.went_on:
            self.rereads.polled(watch, answered.outcomes)
        now_s = moment.monotonic_s
        self._parts.tally.poll_duration.observe(now_s - began_s)
        joins = decision.went_on and self._cohorts.join(watch, answered, began_s, now_s)
        if decision.delay_s is not None and not joins:
            self._lanes.place_after(watch.vma, watch.job.id, decision.delay_s, began_s, now_s)


def _answered(round_: Round) -> Answered:
    """Return what the tier that was asked last answered."""
    return Answered(round_.tier, round_.outcomes, round_.bodies)
