"""Where a VMA is and how to speak to it."""

from pathlib import Path

from msgspec import Struct


class VmaTarget(Struct, frozen=True):
    """The address and the credentials of one VMA's progress API."""

    name: str
    url: str
    """Base URL without a trailing slash, http or https."""
    token: str | None = None
    """Sent as `Authorization: Bearer`."""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
