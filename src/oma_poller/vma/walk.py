"""The keys of one cohort's request, asked for one by one: what has come so far, without I/O."""

from datetime import datetime

from msgspec import Struct

from oma_poller.core.flight import LONGEST_BODIES_BYTES
from oma_poller.engine.cohort_request import ELSE, Apart, CohortAnswer, CohortRequest
from oma_poller.model.reading import Failure
from oma_poller.vma.entry import WireEntry
from oma_poller.vma.exchange import Exchange, Received
from oma_poller.vma.only_moved import only_moved
from oma_poller.vma.reply import Fetched, fetched
from oma_poller.vma.wire import decode, entry_of

LONGEST_S = 0.2
"""A request that takes longer is answered with what there is: nobody is to wait long for a slow key."""
FEW_AT_A_TIME = 20
"""So many keys at a time cost least where they are answered at once: few connections, all of them in use."""
FEW_S = 0.02
"""For so long there are no more at a time."""
_OK = 200


class Step(Struct, frozen=True, eq=False, gc=False):
    """One key of a walk, which is being asked for."""

    walk: "Walk"
    place: int
    """Which of the request's keys it is."""

    @property
    def key(self) -> str:
        """The key."""
        return self.walk.request.keys[self.place]


class Walk:
    """Asks for the keys in their order, at most so many at a time. Times are monotonic seconds.

    It is over once every key has its answer or was given up, or once it takes too long.
    """

    def __init__(self, request: CohortRequest) -> None:
        self.request = request
        self.asked: dict[int, Exchange] = {}
        """By place: the keys being asked for now."""
        self.is_over = False
        count = len(request.keys)
        self._bytes = [ELSE] * count
        self._total = [0] * count
        self._percent = [0.0] * count
        self._came: list[bytes | Fetched | None] = [None] * count
        """A reply that only moved, or what any other came to; None while there is none."""
        self._ended = [0] * count
        """When each key was answered: the how-manieth it was; 0 where it was not."""
        self._begun_s = [0.0] * count
        self._next = 0
        self._left = count
        self._given_up: set[int] = set()
        self._answers = 0
        self._heard = 0
        """The how-manieth the newest HTTP reply was."""

    @property
    def is_done(self) -> bool:
        """Whether no key is missing."""
        return self._left == 0

    @property
    def due_s(self) -> float:
        """When it is over at the latest; never before the first key is asked for."""
        return self._begun_s[0] + LONGEST_S if self._next else float("inf")

    def wakes_s(self, now_s: float) -> float:
        """Return when it can do something though nothing has come."""
        more_s = self._begun_s[0] + FEW_S
        is_held = 0 < self._next < len(self._came) and len(self.asked) < self.request.at_most
        return more_s if is_held and now_s < more_s else self.due_s

    def next_step(self, now_s: float) -> Step | None:
        """Return the next key to ask for; None where none may be now."""
        place, count = self._next, len(self._came)
        while place in self._given_up:
            self._begun_s[place] = now_s
            place += 1
        self._next = place
        if place == count or self.is_over or len(self.asked) >= self._most(now_s):
            return None
        self._begun_s[place] = now_s
        self._next = place + 1
        return Step(self, place)

    def _most(self, now_s: float) -> int:
        is_new = not self._next or now_s - self._begun_s[0] < FEW_S
        return min(FEW_AT_A_TIME, self.request.at_most) if is_new else self.request.at_most

    def take(self, place: int, reply: Received | Failure, now_utc: datetime, skew_s: float) -> Fetched | None:
        """Take the answer to a key; return what it came to, where that is not that it only moved."""
        del self.asked[place]
        if self.is_over:
            return None
        self._left -= 1
        self._answers += 1
        self._ended[place] = self._answers
        key = self.request.keys[place]
        if isinstance(reply, Received):
            self._heard = self._answers
            if reply.status == _OK and self._only_moved(place, key, reply.body):
                return None
        other = self._came[place] = fetched(key, reply, 0.0, now_utc, skew_s)
        return other

    def _only_moved(self, place: int, key: str, body: bytes) -> bool:
        entry = entry_of(body)
        moved = only_moved(self.request.said[place], key, entry) if isinstance(entry, WireEntry) else None
        if moved is None:
            return False
        self._bytes[place] = moved.bytes_transferred
        self._total[place] = moved.total_bytes
        self._percent[place] = moved.percent
        self._came[place] = body
        return True

    def give_up(self, key: str) -> Exchange | None:
        """Leave a key that somebody asks for by itself; return its exchange where that is under way."""
        place = self.request.keys.index(key) if key in self.request.keys else -1
        if place < 0 or self._came[place] is not None or place in self._given_up:
            return None
        self._given_up.add(place)
        self._left -= 1
        return self.asked.pop(place, None)

    def answer(self, now_s: float, skew_s: float) -> CohortAnswer:
        """End it; return what has come."""
        self.is_over = True
        return CohortAnswer(
            self.request,
            now_s - self._begun_s[0] if self._next else 0.0,
            self._bytes,
            self._total,
            self._percent,
            apart=self._apart(skew_s) if self._has_others() else {},
            begun_s=self._begun_s,
            is_heard=self._heard > 0,
            is_cut=self._left > 0,
        )

    def _has_others(self) -> bool:
        return self._bytes.count(ELSE) > self._left + len(self._given_up)

    def _apart(self, skew_s: float) -> dict[int, Apart]:
        """Return what each job was told of which all keys were answered, and not all only moved."""
        apart: dict[int, Apart] = {}
        for job, span in enumerate(self.request.spans):
            came = self._came[span.start : span.stop]
            if None in came or ELSE not in self._bytes[span.start : span.stop]:
                continue
            keys = self.request.keys[span.start : span.stop]
            outcomes = tuple(
                one.outcome if isinstance(one, Fetched) else decode(one or b"", key, clock_skew_s=skew_s)
                for one, key in zip(came, keys, strict=True)
            )
            bodies = (one.body if isinstance(one, Fetched) else one or b"" for one in came)
            kept = tuple(body if len(body) <= LONGEST_BODIES_BYTES else b"" for body in bodies)
            apart[job] = Apart(outcomes, kept, max(self._ended[span.start : span.stop]) < self._heard)
        return dict(sorted(apart.items(), key=lambda item: self._ended_of(item[0])))

    def _ended_of(self, job: int) -> int:
        span = self.request.spans[job]
        return max(self._ended[span.start : span.stop])
