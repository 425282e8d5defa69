"""Disk images with real content, and whether two of them are the same."""

import hashlib
import os
from pathlib import Path

from oma_poller.demo.fleet import MIB, DemoDisk

_CHUNK_BYTES = MIB
_HOLE_EVERY = 8
"""Each so-many-th MiB is a hole, as in the image of a disk that is not full."""


def make_source(disk: DemoDisk) -> None:
    """Make the source image: random content with some holes."""
    disk.source.parent.mkdir(parents=True, exist_ok=True)
    with disk.source.open("wb") as image:
        image.truncate(disk.size_bytes)
        for number in range(disk.size_bytes // _CHUNK_BYTES):
            if number % _HOLE_EVERY != _HOLE_EVERY - 1:
                image.seek(number * _CHUNK_BYTES)
                image.write(os.urandom(_CHUNK_BYTES))


def make_target(disk: DemoDisk) -> None:
    """Make the empty target volume, of the same size."""
    disk.target.parent.mkdir(parents=True, exist_ok=True)
    with disk.target.open("wb") as volume:
        volume.truncate(disk.size_bytes)


def checksum(image: Path) -> str:
    """Return the SHA-256 of a whole image."""
    with image.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
