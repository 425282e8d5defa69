"""Which rows of watched jobs are to be read in full again (D3)."""

from collections.abc import Iterable
from itertools import islice

from oma_poller.engine.watch import Watch
from oma_poller.model.observation import Observation
from oma_poller.model.reading import Missing, Outcome

DOUBTS = 4
"""A job that misses a key in more polls in a row than this is read again when its turn comes, not sooner."""
DOUBTS_A_PASS = 1000
"""So many doubtful rows are read in one pass at most; the others have their turn in the next."""

_ACCEPTABLE = frozenset({Observation.PREVIOUS_RUN, Observation.UNVERIFIED})
"""What a person can settle: the rows of such jobs, which are few, are read in every pass (T5)."""


class Rereads:
    """Keeps the watched jobs in the order they were read, and apart from that the doubtful ones.

    Both are bounded by the number of watched jobs; a pass costs what it takes out.
    """

    def __init__(self) -> None:
        self._by_age: dict[str, None] = {}
        """All jobs, the one read longest ago first."""
        self._doubtful: dict[str, None] = {}

    def was_read(self, job_id: str) -> None:
        """Note that the row of *job_id* is fresh."""
        self._doubtful.pop(job_id, None)
        _to_the_end(self._by_age, job_id)

    def doubt(self, job_id: str) -> None:
        """Ask for the row of *job_id* in the next pass, not only when its turn comes."""
        self._doubtful.setdefault(job_id)

    def polled(self, watch: Watch, outcomes: Iterable[Outcome]) -> None:
        """Doubt a job's row when a key stops answering, but not for ever after each poll (D3)."""
        missing = Missing in map(type, outcomes)
        watch.doubts = watch.doubts + 1 if missing else 0
        if 0 < watch.doubts <= DOUBTS or watch.context.sighting.observation in _ACCEPTABLE:
            self.doubt(watch.job.id)

    def forget(self, job_id: str) -> None:
        """Drop what is held for *job_id*."""
        self._doubtful.pop(job_id, None)
        self._by_age.pop(job_id, None)

    def turn(self, passes: int) -> list[str]:
        """Return the jobs to read now: doubtful ones, and of all so many that *passes* passes make the round.

        They go to the end of the queue even if the reading fails: one that cannot be read keeps no other
        from its turn.
        """
        share = -(-len(self._by_age) // passes)
        doubtful = list(islice(self._doubtful, DOUBTS_A_PASS))
        oldest = list(islice(self._by_age, share))
        for job_id in doubtful:
            _to_the_end(self._doubtful, job_id)
        for job_id in oldest:
            _to_the_end(self._by_age, job_id)
        return list(dict.fromkeys((*doubtful, *oldest)))


def _to_the_end(order: dict[str, None], job_id: str) -> None:
    order.pop(job_id, None)
    order[job_id] = None
