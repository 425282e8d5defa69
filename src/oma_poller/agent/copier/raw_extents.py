"""The data of a raw file, as its file system knows it."""

import errno
import os
from collections.abc import Iterator


def data_segments(descriptor: int, size_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each part of an open file that is not a hole.

    A file system that knows no holes says that all is data. Raises OSError.
    """
    position = 0
    while position < size_bytes:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            raise
        end = min(os.lseek(descriptor, start, os.SEEK_HOLE), size_bytes)
        if start >= size_bytes or end <= start:
            return
        yield start, end
        position = end
