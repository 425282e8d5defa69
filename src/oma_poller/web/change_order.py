"""The order in which jobs changed last."""

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter

_FEWEST = 1_000


class ChangeOrder:
    """Jobs by the version at which each changed last.

    A change is noted at the end of a list, and what it makes outdated stays there until that is most of it.
    So it costs the same whatever the number of jobs, and a reader that goes through all of them in small
    parts passes each place once.
    """

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._places: list[tuple[int, str]] = []

    def changed(self, job_id: str, version: int) -> None:
        """Note that a job changed at a version, which is higher than every one before."""
        self._newest[job_id] = version
        self._places.append((version, job_id))
        if len(self._places) > 2 * len(self._newest) + _FEWEST:
            self._places = [(at, one) for at, one in self._places if self._newest.get(one) == at]

    def drop(self, job_id: str) -> None:
        """Forget a job."""
        self._newest.pop(job_id, None)

    def since(self, version: int) -> Iterator[str]:
        """Yield the jobs that changed after a version, in the order in which they did last."""
        places = self._places
        for place in range(bisect_right(places, version, key=itemgetter(0)), len(places)):
            at, job_id = places[place]
            if self._newest.get(job_id) == at:
                yield job_id
