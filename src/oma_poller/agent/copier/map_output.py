"""The maps that `nbdinfo --map --json` and `qemu-img map --output=json` print, read as they come.

Both are arrays of flat objects. They are read object by object and not whole, because the map of a
fragmented disk can have millions.
"""

import re

import msgspec
from msgspec import Struct

from oma_poller.agent.copier.extent_map import ExtentMap
from oma_poller.errors import CopyError

_OBJECT = re.compile(rb"\{[^{}]*\}")
_NBD_ZERO = 2
"""Bit of an extent's type in base:allocation: it reads as zeroes."""


class _MapEntry(Struct):
    """One extent, in the words of either tool."""

    length: int
    start: int | None = None
    offset: int | None = None
    """nbdinfo: of the disk. qemu-img: of the file, beside its `start`."""
    type: int | None = None
    """nbdinfo's only."""
    data: bool = False
    zero: bool = False


_DECODER = msgspec.json.Decoder(_MapEntry)


class MapOutput:
    """Adds the extents that hold data to a map."""

    def __init__(self, extents: ExtentMap) -> None:
        self._extents = extents
        self._rest = b""

    def take(self, chunk: bytes) -> None:
        """Read a piece of the output. Raises CopyError where it is no such map."""
        text = self._rest + chunk
        end = 0
        for found in _OBJECT.finditer(text):
            end = found.end()
            try:
                self._add(_DECODER.decode(found.group()))
            except (msgspec.MsgspecError, ValueError):
                raise CopyError("the map of the source's extents is not understood") from None
        self._rest = text[end:]

    def _add(self, entry: _MapEntry) -> None:
        if entry.type is not None:
            start, holds_data = entry.offset, not entry.type & _NBD_ZERO
        else:
            start, holds_data = entry.start, entry.data and not entry.zero
        if start is None:
            raise ValueError("an extent without a start")
        if holds_data:
            self._extents.add(start, entry.length)
