"""A disk, an NBD export to copy it to, and a VMA that takes the copier's reports."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from nbd_exports import DISK_DATA, DISK_SIZE, EXPORT, MIB, make_disk, nbd_server, uri
from progress_receiver import ProgressReceiver, progress_receiver


@pytest.fixture
def vma() -> Iterator[ProgressReceiver]:
    """Return a VMA that takes reports."""
    with progress_receiver() as receiver:
        yield receiver


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a raw disk of 64 MiB with 16 MiB of data."""
    return make_disk(tmp_path / "source.raw", DISK_SIZE, DISK_DATA)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Return the file behind the export, full of what an earlier run left there."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return make_disk(folder / EXPORT, DISK_SIZE, {0: 4 * MIB, 30 * MIB: 4 * MIB, 60 * MIB: 4 * MIB}, seed=2)


@pytest.fixture
def export(volume: Path) -> Iterator[str]:
    """Return the URI of an export that is served for the length of the test."""
    with nbd_server("file", f"dir={volume.parent}") as socket:
        yield uri(socket, EXPORT)
