"""One point of a job's history."""

from datetime import datetime

from msgspec import Struct


class Sample(Struct, frozen=True, gc=False):
    """How a job stood at a moment. A number that was not known then is None."""

    job_id: str
    at: datetime
    """Aware, UTC."""
    grain_s: int
    """Of which series it is one: 30, 300 or 3600 seconds. The coarser, the longer it is kept."""
    observation: str
    percent_bp: int | None = None
    """Basis points, 0 to 10000."""
    bytes_transferred: int | None = None
    total_bytes: int | None = None
    speed_bps: int | None = None
    """Bytes per second."""
