"""A program of its own: copies a raw file to a file, as `python -m oma_poller.agent.copier.plain_copy`.

It stands in where neither nbdcopy nor qemu-img is installed, and behaves like them: it prints its progress
to standard output, one line each with the bytes of data written so far, its last words to standard
error, and ends with 0 or 1. Holes of the source are not read, and blocks of zeroes are not written, so the
target is as sparse as can be. What the target held before is dropped.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from oma_poller.agent.copier.raw_extents import data_segments

_CHUNK_BYTES = 1 << 20
_LEAST_CHUNK_BYTES = 4096
_CHUNKS_PER_S = 10
"""At a limited rate chunks become smaller, so that progress is told about so often."""
_TELL_EVERY_S = 0.1
_ARGUMENTS = 4


class Pace:
    """Holds a copy to a rate, measured from its beginning."""

    def __init__(self, rate_bps: int, now: Callable[[], float], wait: Callable[[float], None]) -> None:
        self._rate_bps = rate_bps
        self._now = now
        self._wait = wait
        self._begun_s = now()

    def keep(self, done_bytes: int) -> None:
        """Wait until *done_bytes* are due; a rate of 0 never waits."""
        if self._rate_bps > 0:
            early_s = self._begun_s + done_bytes / self._rate_bps - self._now()
            if early_s > 0:
                self._wait(early_s)


def copy_file(source: Path, target: Path, rate_bps: int, tell: Callable[[int], None]) -> None:
    """Copy, at most *rate_bps* (0: no limit), telling the bytes done after each chunk. Raises OSError."""
    chunk_bytes = _CHUNK_BYTES
    if rate_bps:
        chunk_bytes = min(_CHUNK_BYTES, max(_LEAST_CHUNK_BYTES, rate_bps // _CHUNKS_PER_S))
    pace = Pace(rate_bps, time.monotonic, time.sleep)
    done_bytes = 0
    with source.open("rb", buffering=0) as reader, target.open("wb", buffering=0) as writer:
        size_bytes = os.fstat(reader.fileno()).st_size
        os.ftruncate(writer.fileno(), size_bytes)
        for start, end in data_segments(reader.fileno(), size_bytes):
            for position in range(start, end, chunk_bytes):
                length = min(chunk_bytes, end - position)
                _copy_chunk(reader.fileno(), writer.fileno(), position, length)
                done_bytes += length
                tell(done_bytes)
                pace.keep(done_bytes)
        os.fsync(writer.fileno())


def _copy_chunk(reader: int, writer: int, position: int, length: int) -> None:
    end = position + length
    while position < end:
        block = os.pread(reader, end - position, position)
        if not block:
            raise OSError(0, "the source became shorter while it was copied")
        if block != bytes(len(block)):
            left = memoryview(block)
            while left:
                written = os.pwrite(writer, left, position)
                position += written
                left = left[written:]
        else:
            position += len(block)


class Teller:
    """Prints the bytes done, now and then."""

    def __init__(self) -> None:
        self._told_s = -_TELL_EVERY_S

    def __call__(self, done_bytes: int) -> None:
        """Print, unless it was just done."""
        now_s = time.monotonic()
        if now_s - self._told_s >= _TELL_EVERY_S:
            self._told_s = now_s
            sys.stdout.write(f"{done_bytes}\n")
            sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Copy SOURCE to TARGET at RATE bytes a second; the exit status."""
    if len(arguments) != _ARGUMENTS:
        sys.stderr.write("usage: plain_copy SOURCE TARGET RATE\n")
        return 2
    try:
        copy_file(Path(arguments[1]), Path(arguments[2]), int(arguments[3]), Teller())
    except OSError as error:
        place = f"{error.filename or arguments[2]}: " if error.errno else ""
        sys.stderr.write(f"{place}{error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
