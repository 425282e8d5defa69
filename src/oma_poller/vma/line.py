"""The way to one VMA: what waits for it, how much is under way, and handles to use again."""

from collections import deque

from msgspec import Struct

from oma_poller.engine.cohort_request import CohortRequest
from oma_poller.engine.ports import TierRequest
from oma_poller.vma.exchange import Exchange
from oma_poller.vma.feed import Asked, Feed
from oma_poller.vma.gathering import Single, singles_of
from oma_poller.vma.header_watch import HeaderWatch
from oma_poller.vma.target import VmaTarget


class Probe(Struct, frozen=True):
    """A wish to know the health of a VMA."""

    vma: str


Subject = Single | Probe | Feed
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
        self._queue: deque[Subject] = deque()
        self._feed_is_queued = False

    def add(self, wish: Asked | Probe) -> None:
        """Queue a request; a probe comes before all others."""
        if isinstance(wish, Probe):
            self._queue.appendleft(wish)
        elif self.feed.is_on or isinstance(wish, CohortRequest):
            self.feed.wait(wish)
            self.queue_feed()
        else:
            self._queue.extend(singles_of(wish))

    def add_first(self, requests: list[TierRequest]) -> None:
        """Queue requests that have waited long enough, key by key."""
        singles = [single for request in requests for single in singles_of(request)]
        self._queue.extendleft(reversed(singles))

    def queue_feed(self) -> None:
        """Give the feed its place in the queue, where it needs one and has none."""
        if self.feed.is_ready and not self._feed_is_queued:
            self._feed_is_queued = True
            self._queue.append(self.feed)

    def pop(self, max_in_flight: int) -> Subject | None:
        """Take out what may begin now; None where nothing may. A probe may always: the rest may hang."""
        if not self._queue:
            return None
        if self.in_flight >= max_in_flight and not isinstance(self._queue[0], Probe):
            return None
        subject = self._queue.popleft()
        if isinstance(subject, Feed):
            self._feed_is_queued = False
        return subject

    def cut(self) -> list[Single | Asked | Probe]:
        """Give up everything that waits."""
        left: list[Single | Asked | Probe] = [wish for wish in self._queue if not isinstance(wish, Feed)]
        left += self.feed.cut()
        self._queue.clear()
        for exchange in self.idle:
            exchange.curl.close()
        self.idle.clear()
        return left
