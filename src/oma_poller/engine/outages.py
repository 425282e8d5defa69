"""What is done with the jobs of a VMA that cannot be reached, and when it is back (P7, P8)."""

from collections.abc import Iterable, Iterator, Mapping

from oma_poller.clock import Clock
from oma_poller.core.blind import welcomed
from oma_poller.core.breaker import is_transport
from oma_poller.engine.judge import Judge
from oma_poller.engine.lanes import Lanes
from oma_poller.engine.ports import ProbeAnswer, ProgressFetcher
from oma_poller.engine.presence import Outage
from oma_poller.engine.watch import Round, Watch
from oma_poller.model.reading import Failure, Outcome


class Outages:
    """Takes what comes of polls and probes to the VMA's lane, and to the jobs what follows from it."""

    def __init__(
        self, lanes: Lanes, watches: Mapping[str, Watch], judge: Judge, fetcher: ProgressFetcher, clock: Clock
    ) -> None:
        self._lanes = lanes
        self._watches = watches
        self._judge = judge
        self._fetcher = fetcher
        self._clock = clock

    def tick(self, now_s: float) -> None:
        """Begin the probes that are due, and take the jobs of VMAs back that can be reached again."""
        for vma, lane in self._lanes.items():
            if lane.tick(now_s):
                self._fetcher.probe(vma)
        for job_id in self._lanes.returning():
            self._take_back(self._watches[job_id], now_s)

    def sets_aside(self, watch: Watch) -> bool:
        """Whether a job that is due is not asked: it is blind then, and not due before its VMA is back."""
        lane = self._lanes.of(watch.vma)
        away = lane.away
        if away is None or watch.refusal is not None or not lane.is_open:
            return False
        self._judge.blind(watch, away)
        return True

    def probed(self, answer: ProbeAnswer) -> None:
        """Take what a probe brought."""
        self._lanes.of(answer.vma).probed(answer, self._clock.monotonic())

    def answered(self, vma: str) -> Iterator[Round]:
        """Note an HTTP reply; yield the failed polls that are their jobs' own errors, because of it (P5)."""
        for round_ in self._lanes.of(vma).answered(self._clock.monotonic()):
            if self.is_current(round_):
                yield round_

    def unanswered(self, round_: Round) -> None:
        """Take a poll that got no HTTP reply. Whether it is counted against its job, an answer will show.

        Where none comes, but more such polls do, it is the VMA that cannot be reached.
        """
        reason = f"the VMA cannot be reached: {_failure_of(round_).detail}"
        outage = Outage(self._clock.monotonic(), self._clock.utc(), reason)
        spared = self._lanes.of(round_.vma).failed(round_, outage)
        for one in spared:
            self._spare(one)
        if self.is_current(round_) and not self._lanes.of(round_.vma).is_open:
            # Every other job is asked before one in doubt: alone it must not make the VMA look unreachable.
            wait_s = 0.0 if round_ in spared else self._lanes.interval_s
            self._lanes.place_in_slot(round_.vma, round_.job_id, outage.since_s + wait_s)

    def is_current(self, round_: Round) -> bool:
        """Whether a poll tells something of a job that is watched: it has the same keys and VMA still.

        Nor is anything to be told of one that was stopped meanwhile.
        """
        watch = round_.watch
        is_watched = self._watches.get(round_.job_id) is watch and watch.context.stopped_at is None
        return is_watched and not round_.is_outdated

    def _spare(self, round_: Round) -> None:
        """End a poll that tells nothing of its job, because the VMA cannot be reached."""
        if not self.is_current(round_):
            return
        self._judge.spared(_failure_of(round_))
        away = self._lanes.of(round_.vma).away
        if away is not None:
            self._judge.blind(round_.watch, away)

    def _take_back(self, watch: Watch, now_s: float) -> None:
        """Have a job polled again, at its own place in the interval, also one that is parked."""
        if watch.refusal is None and not self._judge.is_over(watch):
            watch.context = welcomed(watch.context)
            self._lanes.place_in_slot(watch.vma, watch.job.id, now_s)


def _failure_of(round_: Round) -> Failure:
    return next(outcome for outcome in round_.outcomes if isinstance(outcome, Failure))


def is_unanswered(outcomes: Iterable[Outcome]) -> bool:
    """Whether no key of a poll got an HTTP reply."""
    return all(is_transport(outcome) for outcome in outcomes)
