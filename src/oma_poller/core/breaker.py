"""Whether a VMA can be reached, by what came of the requests to it (P8). Times are monotonic seconds."""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from oma_poller.model.reading import Failure, FailureKind, Outcome

STREAK = 3
"""So many polls in a row that end without any HTTP reply open the breaker; fewer where jobs are fewer."""

_TRANSPORT = frozenset({FailureKind.UNREACHABLE, FailureKind.TIMEOUT, FailureKind.TLS})
_SILENT = _TRANSPORT | {FailureKind.BAD_KEY}
"""Without any HTTP reply; for a bad key no request was even sent."""


class Reach(StrEnum):
    """What is known of the way to a VMA."""

    CLOSED = "closed"
    """It answers: jobs are asked."""
    OPEN = "open"
    """It does not: no job is asked, only its health is."""
    TRIAL = "trial"
    """Its health page answers again: jobs are asked, and none of them has been answered yet."""


class Sign(StrEnum):
    """What a request tells of the VMA."""

    ANSWER = "answer"
    """A job's request was answered over HTTP, with whatever status."""
    FAILURE = "failure"
    """A job's poll ended without any HTTP reply."""
    STREAK = "streak"
    """One more of those, and the last that is borne."""
    PROBE_ANSWER = "probe_answer"
    PROBE_FAILURE = "probe_failure"


STEPS: dict[tuple[Reach, Sign], Reach] = {
    (Reach.CLOSED, Sign.STREAK): Reach.OPEN,
    (Reach.OPEN, Sign.PROBE_ANSWER): Reach.TRIAL,
    (Reach.OPEN, Sign.ANSWER): Reach.CLOSED,  # to a poll that was under way when it opened
    (Reach.TRIAL, Sign.ANSWER): Reach.CLOSED,
    (Reach.TRIAL, Sign.STREAK): Reach.OPEN,
}
"""What a sign changes. Every pair that is not here changes nothing."""


class Breaker(Struct, frozen=True):
    """The state of one VMA."""

    reach: Reach = Reach.CLOSED
    since_s: float = float("-inf")
    """When it came to that."""
    failures: int = 0
    """Polls in a row that ended without any HTTP reply."""

    @property
    def is_calm(self) -> bool:
        """Whether an answer changes nothing."""
        return self.reach is Reach.CLOSED and self.failures == 0


def step(breaker: Breaker, sign: Sign, now_s: float) -> Breaker:
    """Return the breaker after *sign*. What is counted starts again where the state changes."""
    reach = STEPS.get((breaker.reach, sign), breaker.reach)
    if reach is not breaker.reach:
        return Breaker(reach, now_s)
    match sign:
        case Sign.ANSWER:
            return Breaker(reach, breaker.since_s)
        case Sign.FAILURE | Sign.STREAK:
            return Breaker(reach, breaker.since_s, breaker.failures + 1)
        case Sign.PROBE_ANSWER | Sign.PROBE_FAILURE:
            return breaker
        case _:
            assert_never(sign)


def counts(breaker: Breaker, began_s: float) -> bool:
    """Whether the failure of a poll begun then tells anything new.

    A request that was under way when the state last changed, and hung since, does not.
    """
    return began_s >= breaker.since_s


def failure_sign(breaker: Breaker, jobs: int) -> Sign:
    """Return what one more failed poll is, on a VMA of so many jobs."""
    return Sign.STREAK if breaker.failures + 1 >= min(STREAK, jobs) else Sign.FAILURE


def is_answer(outcome: Outcome) -> bool:
    """Whether the VMA answered over HTTP, with whatever status."""
    return not isinstance(outcome, Failure) or outcome.kind not in _SILENT


def is_transport(outcome: Outcome) -> bool:
    """Whether no HTTP reply came to a request that was sent."""
    return isinstance(outcome, Failure) and outcome.kind in _TRANSPORT
