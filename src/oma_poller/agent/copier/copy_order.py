"""What is asked for: which disk is copied where, how, and under which key it is reported."""

from enum import StrEnum
from urllib.parse import quote

from msgspec import Struct

from oma_poller.agent.copier.copy_place import FilePlace, Place, same_place
from oma_poller.agent.copier.image_format import ImageFormat, find_format
from oma_poller.errors import UsageError

_KEY_LIMIT = 1000
"""Characters of a percent-encoded key; servers refuse request lines of some 8,000."""
_DISK_ID_LIMIT = 100


class ToolName(StrEnum):
    """What copies the blocks."""

    NBDCOPY = "nbdcopy"
    QEMU_IMG = "qemu-img"
    BUILTIN = "builtin"


class CopyOrder(Struct, frozen=True):
    """One disk to copy."""

    source: Place
    source_format: ImageFormat
    target: Place
    key: str
    """What its progress is stored under on the VMA: an export name or a job id."""
    disk_id: str | None = None
    """Tells the disks of one key apart; None where the key is the disk's own."""

    @property
    def name(self) -> str:
        """How a person tells it from the others."""
        return f"{self.key} disk {self.disk_id}" if self.disk_id is not None else self.key


class CopyMethod(Struct, frozen=True):
    """How all disks of a run are copied."""

    tool: ToolName | None = None
    """None: the best of those that are installed."""
    rate_bps: int = 0
    """Most bytes of data a second for each disk; 0 is no limit."""
    parallel: int = 1
    """Disks at once."""
    lease_s: int = 30
    """How long the VMA may believe a report before it must call the copy stalled."""


def place_order(
    source: Place, source_format: ImageFormat | None, target: Place, key: str, disk_id: str | None = None
) -> CopyOrder:
    """Return a proven order: the source is there and its format known, the target can be one.

    Raises UsageError with one line. NBD servers are not asked yet.
    """
    _check_key(key)
    _check_disk_id(disk_id)
    try:
        found = _proven_format(source, source_format)
        _check_target(source, target)
    except OSError as error:  # a folder that may not be searched, a name that is too long
        raise UsageError(f"{error.filename} cannot be used: {error.strerror}") from None
    return CopyOrder(source, found, target, key, disk_id)


def _proven_format(source: Place, told: ImageFormat | None) -> ImageFormat:
    if isinstance(source, FilePlace):
        if not source.path.is_file():
            kind = "is not a regular file" if source.path.exists() else "does not exist"
            raise UsageError(f"source {source} {kind}: allowed are image files and NBD exports")
        return told or find_format(source.path)
    if told not in {None, ImageFormat.RAW}:
        raise UsageError(f"source {source} is an NBD export, which is always raw, not {told}")
    return ImageFormat.RAW


def _check_target(source: Place, target: Place) -> None:
    if isinstance(target, FilePlace):
        if target.path.exists() and not target.path.is_file():
            raise UsageError(f"target {target} is not a regular file; serve a device over NBD instead")
        if not target.path.parent.is_dir():
            raise UsageError(f"target {target} cannot be written: there is no folder {target.path.parent}")
    if same_place(source, target):
        raise UsageError(f"source and target are the same: {target}")


def key_segment(key: str) -> str:
    """Return a key as one segment of a URL's path."""
    return quote(key, safe="~")


def _check_key(key: str) -> None:
    try:
        length = len(key_segment(key))
    except UnicodeEncodeError:
        length = 0
    if not 0 < length <= _KEY_LIMIT or key in {".", ".."} or "/" in key:
        raise UsageError(f"key {key!r} cannot be one: allowed are 1 to 1000 characters, no /, not . or ..")


def _check_disk_id(disk_id: str | None) -> None:
    if disk_id is not None and not (0 < len(disk_id) <= _DISK_ID_LIMIT and disk_id.isprintable()):
        raise UsageError(f"disk_id {disk_id!r} cannot be used: allowed are 1 to 100 printable characters")
