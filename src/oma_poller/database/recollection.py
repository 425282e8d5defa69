"""A job's memory as the text that our own table holds."""

import msgspec

from oma_poller.logs import get_logger
from oma_poller.model.memory import JobMemory

LONGEST_BYTES = 60_000
"""A TEXT column holds 65,535. A job of a hundred disks needs less; what is longer is not kept at all."""

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(JobMemory)


def memory_text(memory: JobMemory) -> str:
    """Return *memory* as JSON; "", which wipes out an older one, where it is too long to be kept."""
    text = _ENCODER.encode(memory)
    return text.decode() if len(text) <= LONGEST_BYTES else ""


def read_memory(job_id: str, cell: object) -> JobMemory | None:
    """Return the memory in a cell; None where there is none that this program can read, which is logged.

    Another version's, and one that somebody damaged, is as good as none: the job is taken up as a new one.
    """
    if not cell:
        return None
    try:
        return _DECODER.decode(cell if isinstance(cell, str | bytes) else b"")
    except (msgspec.MsgspecError, UnicodeError, ValueError, OverflowError) as error:
        get_logger().warning("memory not readable", job_id=job_id, detail=f"it starts anew: {error}")
        return None
