"""The polls under way, by the numbers that their requests carry."""

from collections import Counter
from itertools import count

from oma_poller.engine.ports import KeyAnswer, KeyRequest
from oma_poller.engine.watch import Round


class Rounds:
    """Polls that wait for answers. Each asks one tier of keys at a time, under a ticket of its own.

    A poll whose job left stays until it is answered: the fetcher is still busy with it, and a job that
    comes back is not asked twice at once.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Round] = {}
        self._job_ids: set[str] = set()
        self._by_vma: Counter[str] = Counter()
        self._tickets = count(1)

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._job_ids

    def of(self, vma: str) -> int:
        """Return how many of them wait for one VMA."""
        return self._by_vma[vma]

    def ask(self, round_: Round) -> list[KeyRequest]:
        """Return the requests of the round's present tier, and wait for their answers."""
        ticket = next(self._tickets)
        self._waiting[ticket] = round_
        self._job_ids.add(round_.job_id)
        self._by_vma[round_.vma] += 1
        return [KeyRequest(round_.vma, key, ticket) for key in round_.keys]

    def answered(self, answer: KeyAnswer) -> Round | None:
        """Take an answer; return the round if its tier is complete now, and wait for it no longer.

        An answer that comes twice, late, or for a key that was not asked changes nothing.
        """
        ticket = answer.request.ticket
        round_ = self._waiting.get(ticket)
        if round_ is None or not round_.take(answer.request.key, answer.outcome):
            return None
        del self._waiting[ticket]
        self._job_ids.discard(round_.job_id)
        self._by_vma[round_.vma] -= 1
        return round_

    def clear(self) -> int:
        """Wait for none of them any longer; return how many there were."""
        waited = len(self._waiting)
        self._waiting.clear()
        self._job_ids.clear()
        self._by_vma.clear()
        return waited
