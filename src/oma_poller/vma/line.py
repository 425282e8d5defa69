"""The way to one VMA: what waits for it, how much is under way, and handles to use again."""

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from oma_poller.engine.cohort_request import CohortAnswer, CohortRequest
from oma_poller.vma.exchange import Exchange
from oma_poller.vma.feed import Asked, Feed
from oma_poller.vma.gathering import Single, singles_of
from oma_poller.vma.header_watch import HeaderWatch
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.walk import Step, Walk


class Probe(Struct, frozen=True):
    """A wish to know the health of a VMA."""

    vma: str


Subject = Single | Step | Probe | Feed
"""What a request is made for. A feed stands in the queue for all the requests that wait in it."""


class Line:
    """A queue of its own for each VMA, so that none waits for another."""

    def __init__(self, target: VmaTarget) -> None:
        self.target = target
        self.feed = Feed()
        self.headers = HeaderWatch()
        self.in_flight = 0
        """Requests begun and not answered yet."""
        self.is_listed = False
        """Whether it stands among the lines that are looked at next; for whoever owns that list."""
        self.idle: list[Exchange] = []
        self._queue: deque[Single | Probe | Feed] = deque()
        self._feed_is_queued = False
        self._walks: list[Walk] = []
        """Those that are over stay while a key of theirs is being asked for."""

    def add(self, wish: Asked | Probe) -> None:
        """Queue a request; a probe comes before all others."""
        if isinstance(wish, Probe):
            self._queue.appendleft(wish)
        elif self.feed.is_on:
            self.feed.wait(wish)
            self.queue_feed()
        elif isinstance(wish, CohortRequest):
            self._walks.append(Walk(wish))
        else:
            self._queue.extend(singles_of(wish))

    def add_first(self, requests: Iterable[Asked]) -> None:
        """Queue requests that have waited long enough, key by key."""
        singles: list[Single] = []
        for request in requests:
            if isinstance(request, CohortRequest):
                self._walks.append(Walk(request))
            else:
                singles += singles_of(request)
        self._queue.extendleft(reversed(singles))

    def queue_feed(self) -> None:
        """Give the feed its place in the queue, where it needs one and has none."""
        if self.feed.is_ready and not self._feed_is_queued:
            self._feed_is_queued = True
            self._queue.append(self.feed)

    def pop(self, max_in_flight: int, now_s: float) -> Subject | None:
        """Take out what may begin now; None where nothing may. A probe may always: the rest may hang."""
        is_full = self.in_flight >= max_in_flight
        if self._queue and (not is_full or isinstance(self._queue[0], Probe)):
            subject = self._queue.popleft()
            if isinstance(subject, Feed):
                self._feed_is_queued = False
            return subject
        if is_full:
            return None
        for walk in self._walks:
            step = walk.next_step(now_s)
            if step is not None:
                return step
        return None

    def take_over(self, single: Single) -> Exchange | None:
        """Have no walk ask for a key that goes singly; return its exchange where one does already."""
        for walk in self._walks:
            exchange = walk.give_up(single.key)
            if exchange is not None:
                return exchange
        return None

    def end_walks(self, now_s: float) -> list[CohortAnswer]:
        """End the walks that are done, or take too long; return what came of them."""
        ending = [walk for walk in self._walks if not walk.is_over and (walk.is_done or now_s >= walk.due_s)]
        answers = [walk.answer(now_s, self.headers.clock_skew_s) for walk in ending]
        if any(walk.is_over for walk in self._walks):
            self._walks = [walk for walk in self._walks if walk.asked or not walk.is_over]
        return answers

    def wakes_s(self, now_s: float) -> float | None:
        """Return when a walk can do something though nothing has come; None where there is none."""
        return min((walk.wakes_s(now_s) for walk in self._walks if not walk.is_over), default=None)

    @property
    def is_walking(self) -> bool:
        """Whether there are walks."""
        return bool(self._walks)

    def cut(self) -> list[Single | Asked | Probe]:
        """Give up everything that waits."""
        left: list[Single | Asked | Probe] = [wish for wish in self._queue if not isinstance(wish, Feed)]
        left += self.feed.cut()
        left += [walk.request for walk in self._walks if not walk.is_over]
        self._walks.clear()
        self._queue.clear()
        for exchange in self.idle:
            exchange.curl.close()
        self.idle.clear()
        return left
