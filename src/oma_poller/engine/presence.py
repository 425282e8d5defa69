"""Whether one VMA is there: its breaker, its probes, and what is told of its outages (P8)."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.core.breaker import Breaker, Reach, Sign, counts, failure_sign, step
from oma_poller.engine.journal import Journal
from oma_poller.engine.ports import ProbeAnswer
from oma_poller.engine.tally import Tally


class Outage(Struct, frozen=True):
    """A time in which a VMA cannot be reached."""

    since_s: float
    """When it began; monotonic seconds."""
    blind_since: datetime
    """Since when its jobs are not seen; aware, UTC. Later than the beginning where it came and went."""
    reason: str
    """One line for a person."""


class Presence:
    """Follows what comes of the requests to one VMA. Times are monotonic seconds.

    An outage is told when it begins, and when the VMA has answered for an interval: one that comes and goes
    within that is in one outage.
    """

    def __init__(self, vma: str, interval_s: float, journal: Journal, tally: Tally) -> None:
        self._vma = vma
        self._interval_s = interval_s
        self._journal = journal
        self._tally = tally
        self._breaker = Breaker()
        self._outage: Outage | None = None
        """The one that lasts, or ended less than an interval ago."""
        self._probe_due_s = float("-inf")
        self._is_probing = False
        self._health = ""

    @property
    def reach(self) -> Reach:
        """What is known of the way to it."""
        return self._breaker.reach

    @property
    def away(self) -> Outage | None:
        """The outage, as long as no job has been answered since."""
        return None if self.reach is Reach.CLOSED else self._outage

    @property
    def is_calm(self) -> bool:
        """Whether an answer tells nothing new."""
        return self._breaker.is_calm

    def answered(self, now_s: float) -> None:
        """Note that a job's request got an HTTP reply."""
        self._breaker = step(self._breaker, Sign.ANSWER, now_s)

    def failed(self, jobs: int, began_s: float, outage: Outage) -> bool:
        """Note that a poll begun then got none, on a VMA of so many jobs; return whether it is in doubt.

        It is as long as the VMA counts as there: the next answer shows that its job is to blame (P5), more
        such polls that the VMA is. *outage* is the one that this would be the beginning of.
        """
        if not counts(self._breaker, began_s):
            return False
        was = self.reach
        self._breaker = step(self._breaker, failure_sign(self._breaker, jobs), outage.since_s)
        if self.reach is Reach.OPEN and was is not Reach.OPEN:
            self._fall(was, jobs, outage)
        return self.reach is Reach.CLOSED

    def probed(self, answer: ProbeAnswer, now_s: float) -> None:
        """Note what a probe brought."""
        self._is_probing = False
        self._health = answer.word
        self._tally.probed(self._vma, answer.duration_s)
        sign = Sign.PROBE_FAILURE if answer.failure is not None else Sign.PROBE_ANSWER
        self._breaker = step(self._breaker, sign, now_s)

    def due_s(self, jobs: int) -> float | None:
        """Return when `tick` has something to do, on a VMA of so many jobs; None while it has not."""
        if self.reach is Reach.OPEN and jobs and not self._is_probing:
            return self._probe_due_s
        if self.reach is Reach.CLOSED and self._outage is not None:
            return self._breaker.since_s + self._interval_s
        return None

    def tick(self, jobs: int, now_s: float) -> bool:
        """Do what is due; return whether the VMA is to be probed now, once."""
        due_s = self.due_s(jobs)
        if due_s is None or due_s > now_s:
            return False
        if self.reach is Reach.CLOSED and self._outage is not None:
            self._tell_end(self._outage, jobs)
            return False
        self._is_probing = True
        self._probe_due_s = now_s + self._interval_s
        return True

    def _fall(self, was: Reach, jobs: int, outage: Outage) -> None:
        """Begin an outage, or go on with the one that lasts."""
        # At once where jobs were answered: if it still answers, little is lost. An interval later where it
        # answers probes and no job.
        delay_s = 0.0 if was is Reach.CLOSED else self._interval_s
        self._probe_due_s = outage.since_s + delay_s
        if self._outage is None:
            self._outage = outage
            self._tally.vmas_down.add(self._vma)
            self._journal.vma_fell(self._vma, jobs, outage.reason)
            return
        blind_since = outage.blind_since if was is Reach.CLOSED else self._outage.blind_since
        self._outage = replace(self._outage, blind_since=blind_since, reason=outage.reason)

    def _tell_end(self, outage: Outage, jobs: int) -> None:
        self._outage = None
        self._tally.vmas_down.discard(self._vma)
        away_s = round(self._breaker.since_s - outage.since_s, 1)
        self._journal.vma_rose(self._vma, jobs, away_s, self._health)
