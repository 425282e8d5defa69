"""What is kept of a job, so that what was proven survives a restart of the program (P9)."""

from msgspec import Struct

from oma_poller.model.context import Count, PollingContext
from oma_poller.model.observation import Moment


class JobMemory(Struct, frozen=True, gc=False, tag_field="version", tag=1):
    """A job's context as it stood at a moment.

    Another machine, or the same one after a reboot, counts other monotonic seconds, so the context's are
    counted from `taken_at`: 0 is that moment and -60 a minute earlier. The version changes when an older
    program would read something wrong out of it.
    """

    taken_at: Moment
    context: PollingContext


class Past(Struct, frozen=True, gc=False):
    """A job's memory, and the numbers in its row: they are newer, written with every poll (T4)."""

    memory: JobMemory
    percent_bp: Count = 0
    bytes_transferred: Count = 0
