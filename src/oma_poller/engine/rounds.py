"""The polls under way, by the numbers that their requests carry."""

from collections import Counter
from collections.abc import Callable
from itertools import count

from oma_poller.engine.ports import TierAnswer, TierRequest
from oma_poller.engine.watch import Round


class Rounds:
    """Polls that wait for answers. Each asks one tier of keys at a time, under a ticket of its own.

    A poll whose job left stays until it is answered: the fetcher is still busy with it, and a job that
    comes back is not asked twice at once.

    A poll takes one of the places in flight, unless its VMA answers in bulk when it begins: many such polls
    wait for one request.
    """

    def __init__(self, in_bulk: Callable[[str], bool]) -> None:
        self.in_bulk = in_bulk
        """Whether a VMA answers in bulk now."""
        self.places = 0
        """Places that are taken."""
        self._waiting: dict[int, Round] = {}
        self._job_ids: set[str] = set()
        self._by_vma: Counter[str] = Counter()
        self._tickets = count(1)

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._job_ids

    def of(self, vma: str) -> int:
        """Return how many places those take that wait for one VMA."""
        return self._by_vma[vma]

    def take_places(self, vma: str, places: int) -> None:
        """Take places for polls that are asked for together; give them back with a negative number."""
        self.places += places
        self._by_vma[vma] += places

    def ask(self, round_: Round) -> TierRequest:
        """Return the request of the round's present tier, and wait for its answer."""
        ticket = next(self._tickets)
        self._waiting[ticket] = round_
        self._job_ids.add(round_.job_id)
        if not self.in_bulk(round_.vma):
            round_.place = True
            self.take_places(round_.vma, 1)
        return TierRequest(round_.vma, round_.keys, ticket)

    def answered(self, answer: TierAnswer) -> Round | None:
        """Take an answer; return the round that waited for it, and does no longer.

        An answer that comes twice, or late, changes nothing.
        """
        round_ = self._waiting.pop(answer.request.ticket, None)
        if round_ is None:
            return None
        round_.outcomes, round_.bodies = answer.outcomes, answer.bodies
        self._job_ids.discard(round_.job_id)
        if round_.place:
            round_.place = False
            self.take_places(round_.vma, -1)
        return round_

    def clear(self) -> int:
        """Wait for none of them any longer; return how many there were."""
        waited = len(self._waiting)
        self._waiting.clear()
        self._job_ids.clear()
        self._by_vma.clear()
        self.places = 0
        return waited
