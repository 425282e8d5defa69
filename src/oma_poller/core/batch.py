"""What is taken out of the mailbox to be written, and what is left in it."""

from msgspec import Struct

from oma_poller.model.memory import JobMemory
from oma_poller.model.update import Update


class Batch(Struct, frozen=True, gc=False):
    """What one flush writes."""

    updates: tuple[Update, ...]
    heartbeat_ids: tuple[str, ...]
    memories: tuple[JobMemory, ...] = ()
    """Of jobs among the updates, and of others whose rows do not change. None is newer than its row."""

    def __bool__(self) -> bool:
        return bool(self.updates or self.heartbeat_ids or self.memories)


class Unwritten(Struct, frozen=True):
    """What the database has not yet."""

    rows: int
    ends: int
    """Those of the rows that are the end of a job."""
