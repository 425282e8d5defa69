"""The answers to the keys of one request, as they come in singly."""

from collections.abc import Iterator

from msgspec import Struct

from oma_poller.core.flight import LONGEST_BODIES_BYTES
from oma_poller.engine.ports import TierAnswer, TierRequest
from oma_poller.model.reading import Missing, Outcome
from oma_poller.vma.reply import Fetched

_NOT_YET = Missing("not answered yet")


class Gathering(Struct, eq=False, gc=False):
    """What has come so far."""

    request: TierRequest
    missing: int
    """Keys that are not answered yet."""
    outcomes: list[Outcome]
    bodies: list[bytes]
    duration_s: float = 0.0

    def take(self, place: int, fetched: Fetched) -> TierAnswer | None:
        """Take the answer to one key, which comes once; return the answer to all once this was the last."""
        self.outcomes[place] = fetched.outcome
        if len(fetched.body) <= LONGEST_BODIES_BYTES:
            self.bodies[place] = fetched.body
        self.duration_s = max(self.duration_s, fetched.duration_s)
        self.missing -= 1
        if self.missing:
            return None
        return TierAnswer(self.request, tuple(self.outcomes), self.duration_s, tuple(self.bodies))


class Single(Struct, frozen=True, gc=False):
    """One key of a request, to be asked for by itself."""

    key: str
    place: int
    """Which of the request's keys it is."""
    gathering: Gathering

    @property
    def request(self) -> TierRequest:
        """The request that it belongs to."""
        return self.gathering.request

    def answer(self, fetched: Fetched) -> TierAnswer | None:
        """Take what came of it; return the request's answer where this completes it."""
        return self.gathering.take(self.place, fetched)


def singles_of(request: TierRequest) -> Iterator[Single]:
    """Yield the keys of a request, to be asked for one by one."""
    keys = request.keys
    gathering = Gathering(request, len(keys), [_NOT_YET] * len(keys), [b""] * len(keys))
    for place, key in enumerate(keys):
        yield Single(key, place, gathering)
