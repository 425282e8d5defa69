"""Which VMA a job belongs to."""

from msgspec import Struct

DEFAULT_VMA = "default"
"""Name of the VMA at `VMA_PROGRESS_CLIENT_URL`, which has every job that no rule claims."""


class VmaRule(Struct, frozen=True, gc=False):
    """Shell patterns that claim a job for a VMA. A pattern that is None matches every job."""

    name: str
    vcenter_host: str | None = None
    datacenter: str | None = None
