"""Bytes of data moved, read from what a tool prints of its progress.

How exact that is:

- qemu-img convert -p prints how much of the *data* it has taken up, in steps of 1 % or, on small disks, of
  one request (2 MiB). A request counts when it begins, so it can be 4 MiB ahead, by the two under way.
- nbdcopy --progress prints which hundredth of the *disk* its newest unit of work begins in. The extent map
  turns that position into data. It is rounded down to the hundredth, and at most the 16 MiB
  in nbdcopy's queue before that position are still under way.
- builtin prints the bytes of data it has written.

None of them knows whether the target's server or disk still caches; each flushes before it ends.
"""

import re
from typing import Protocol

from oma_poller.agent.copier.extent_map import ExtentMap

_REST_LIMIT = 64
"""Bytes kept of a number that is not whole yet."""


class ToolMeter(Protocol):
    """Reads one tool's progress."""

    def read(self, chunk: bytes) -> int | None:
        """Return the bytes of data moved so far, as the newest number in a piece of output says."""
        ...


class _Numbers:
    """Finds the newest number that a pattern matches in output that comes in pieces."""

    def __init__(self, pattern: bytes) -> None:
        self._pattern = re.compile(pattern)
        self._rest = b""

    def newest(self, chunk: bytes) -> str | None:
        text = self._rest + chunk
        found = None
        for found in self._pattern.finditer(text):  # noqa: B007 - the last one counts
            pass
        self._rest = text[found.end() if found else 0 :][-_REST_LIMIT:]
        return found.group(1).decode() if found else None


class QemuImgMeter:
    """`(12.50/100%)`, of the data."""

    def __init__(self, extents: ExtentMap) -> None:
        self._extents = extents
        self._numbers = _Numbers(rb"\((\d+\.\d+)/100%\)")

    def read(self, chunk: bytes) -> int | None:
        """Return the bytes of data taken up."""
        percent = self._numbers.newest(chunk)
        if percent is None:
            return None
        # In hundredths of a percent, as they are printed: whole numbers stay exact.
        return self._extents.data_bytes * round(float(percent) * 100) // 10_000


class NbdcopyMeter:
    """`12/100`, of the disk."""

    def __init__(self, extents: ExtentMap) -> None:
        self._extents = extents
        self._numbers = _Numbers(rb"(\d+)/100\n")

    def read(self, chunk: bytes) -> int | None:
        """Return the bytes of data before the position."""
        percent = self._numbers.newest(chunk)
        if percent is None:
            return None
        return self._extents.data_before(self._extents.size_bytes * int(percent) // 100)


class BuiltinMeter:
    """`123456`, bytes of data."""

    def __init__(self, extents: ExtentMap) -> None:
        self._extents = extents
        self._numbers = _Numbers(rb"(\d+)\n")

    def read(self, chunk: bytes) -> int | None:
        """Return the bytes of data written."""
        written = self._numbers.newest(chunk)
        return None if written is None else min(int(written), self._extents.data_bytes)
