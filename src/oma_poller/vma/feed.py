"""Which requests to a VMA go singly and which are answered in bulk: the rules, without I/O."""

from msgspec import Struct

from oma_poller.engine.cohort_request import CohortAnswer, CohortRequest
from oma_poller.engine.ports import TierAnswer, TierRequest
from oma_poller.model.reading import Failure, Outcome
from oma_poller.vma.address import path_segment
from oma_poller.vma.gathering import Single
from oma_poller.vma.mirror import Mirror
from oma_poller.vma.page import Page, page_path
from oma_poller.vma.worth import Worth

PAGES_LIMIT = 100
"""Pages of one pass. A VMA that changes faster than it can be read is asked singly."""
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0


Asked = TierRequest | CohortRequest


class Turn(Struct):
    """What comes of an event: answers, requests whose keys go singly now, and the path of the next page."""

    answers: list[TierAnswer | CohortAnswer] = []
    singles: list[Asked] = []
    path: str | None = None


class Feed:
    """The bulk replies of one VMA: at most one pass at a time, the requests that wait for it, the mirror.

    A *pass* asks for what changed since the last one, page after page until nothing more is known. It
    answers the requests that were there when it began; those that come later wait for the next one, so that
    no reading is older than the request for it.

    A VMA that offers bulk is believed. One that then answers with anything but a page is asked singly from
    that moment, until it offers bulk again; it is believed at once the first time, and after 5, 10, 20 …
    300 s where that happens again and again. A pass that fails as a single request may fail (no connection,
    time-out, 5xx) answers everybody who waits with that failure. From then on one request of each group goes
    singly too: where that works and the pass fails, it is bulk that is broken, and not the VMA.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.mirror = Mirror()
        self._waiting: list[Asked] = []
        self._served: list[Asked] = []
        self._under_way = False
        """Whether a pass is, be it for nobody."""
        self._pages = 0
        self._duration_s = 0.0
        self._worth = Worth()
        self._is_failing = False
        self._single_works = False
        self._refusals = 0
        self._believed_from_s = float("-inf")

    @property
    def is_ready(self) -> bool:
        """Whether requests wait, and no pass is under way."""
        return bool(self._waiting) and not self._under_way

    def wait(self, request: Asked) -> None:
        """Take a request, for the next turn."""
        self._waiting.append(request)

    def begin(self, now_s: float) -> Turn:
        """Begin a pass for those who wait, where that is worth it."""
        waiting, self._waiting = self._waiting, []
        if not self.is_on:
            return _singly(waiting)
        self.mirror.turn(now_s)
        known, unknown = self._sorted(waiting)
        if not self._worth.a_pass(sum(len(request.keys) for request in known), now_s):
            return _singly(waiting)
        if self._is_failing:
            unknown.append(known.pop())
        if self.mirror.cursor is None:
            self.mirror.expect(key for request in known for key in request.keys)
        self._worth.began(now_s)
        self._served, self._pages, self._duration_s = known, 0, 0.0
        self._under_way = True
        turn = _singly(unknown)
        turn.path = page_path(self.mirror.cursor)
        return turn

    def _sorted(self, waiting: list[Asked]) -> tuple[list[Asked], list[Asked]]:
        """Return those that a pass can answer, and the others; those are followed from now on."""
        mirror = self.mirror
        known: list[Asked] = []
        unknown: list[Asked] = []
        for request in waiting:
            if isinstance(request, CohortRequest) or all(map(mirror.follows, request.keys)):
                known.append(request)
            elif None in map(path_segment, request.keys):
                unknown.append(request)
            elif mirror.cursor is None:
                known.append(request)
            else:
                mirror.follow(request)
                unknown.append(request)
        return known, unknown

    def page(self, page: Page, clock_skew_s: float, duration_s: float, now_s: float) -> Turn:
        """Take a page; the last one of a pass brings the answers."""
        no_progress = not page.complete and page.cursor == self.mirror.cursor
        self._pages += 1
        if no_progress or self._pages > PAGES_LIMIT or not (page.full or self.mirror.cursor):
            return self.refused(now_s)
        self.mirror.take(page, clock_skew_s, now_s)
        self._worth.count(page)
        self._duration_s += duration_s
        if not page.complete:
            return Turn(path=page_path(self.mirror.cursor))
        self._is_failing = self._single_works = self._under_way = False
        self._refusals = 0
        served, self._served = self._served, []
        return Turn(answers=[self._answer(request) for request in served])

    def failed(self, failure: Failure, duration_s: float, now_s: float) -> Turn:
        """Take a page that could not be had. What is known so far stays known: it is as of its cursor."""
        if self._is_failing and self._single_works:
            return self.refused(now_s)
        self._is_failing = True
        self._single_works = self._under_way = False
        self._duration_s += duration_s
        return Turn(answers=[refused(request, failure, self._duration_s) for request in self.cut()])

    def refused(self, now_s: float) -> Turn:
        """Take a reply that is no page: all who wait go singly, at once."""
        if self._refusals:
            pause_s = min(FIRST_PAUSE_S * 2.0 ** (self._refusals - 1), LONGEST_PAUSE_S)
            self._believed_from_s = now_s + pause_s
        self._refusals = min(self._refusals + 1, 32)
        self.is_on = self._is_failing = self._single_works = self._under_way = False
        self.mirror, self._worth = Mirror(), Worth()
        return _singly(self.cut())

    def adopt(self, single: Single, outcome: Outcome) -> None:
        """Take what a key brought that went singly."""
        self.mirror.adopt(single, outcome)

    def heard(self, *, is_usable: bool, offers_bulk: bool, now_s: float) -> None:
        """Note how the VMA answered a request for one key."""
        if is_usable:
            self._single_works = self._is_failing
        if offers_bulk and now_s >= self._believed_from_s:
            self.is_on = True

    def cut(self) -> list[Asked]:
        """Give up every request that is not answered."""
        left = self._served + self._waiting
        self._served, self._waiting = [], []
        return left

    def _answer(self, request: Asked) -> TierAnswer | CohortAnswer:
        """Return what is true of a request's keys now."""
        if isinstance(request, CohortRequest):
            return self.mirror.numbers(request, self._duration_s)
        return TierAnswer(request, tuple(map(self.mirror.outcome, request.keys)), self._duration_s)


def refused(request: Asked, failure: Failure, duration_s: float) -> TierAnswer | CohortAnswer:
    """Return the answer to a request that came to nothing."""
    if isinstance(request, CohortRequest):
        return CohortAnswer(request, duration_s, failure=failure)
    return TierAnswer(request, (failure,) * len(request.keys), duration_s)


def _singly(requests: list[Asked]) -> Turn:
    """Return the turn in which these are not answered in bulk."""
    return Turn(singles=requests)
