"""The claim on an OMA in memory, for scenarios without a database."""

from oma_poller.database.memory import MemoryOma
from oma_poller.errors import RivalError


class MemoryClaim:
    """A Claim that is lost when the scenario lets it go, or gives it to another."""

    def __init__(self, oma: MemoryOma) -> None:
        self._oma = oma

    def hold(self) -> None:
        """Take the claim. Raises RivalError while another has it."""
        self._oma.require_reachable()
        with self._oma.lock:
            if self._oma.claimed_by not in {None, self}:
                raise RivalError("another poller is at work in memory")
            self._oma.claimed_by = self

    def close(self) -> None:
        """Give it up, where it is ours."""
        with self._oma.lock:
            if self._oma.claimed_by is self:
                self._oma.claimed_by = None
