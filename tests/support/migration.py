"""A migration with real programs: disks, the exports they are written through, and jobs in a database."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from nbd_exports import MIB, convert, make_disk, same_content, uri
from oma_database import OmaDatabase

_BLOCK_BYTES = 512


class MovingDisk(NamedTuple):
    """One disk on its way."""

    volume_id: str
    size_bytes: int
    data_bytes: int
    """What has to be moved; the rest are holes."""
    raw: Path
    """Its content."""
    image: Path
    """What is copied: the raw file, or the same in another format."""
    target: Path
    """The file behind its export; a sparse one that is empty at first."""

    @property
    def export(self) -> str:
        """The name of its export, which is the key of its progress too."""
        return f"migration-vol-{self.volume_id}"

    @property
    def written_bytes(self) -> int:
        """Bytes of data that really are on the target."""
        return self.target.stat().st_blocks * _BLOCK_BYTES

    @property
    def is_identical(self) -> bool:
        """Whether the target holds what the source does, byte by byte."""
        return same_content(self.raw, self.target)


class Migration:
    """A folder with disks and exports, and an OMA and a VMA that know of them."""

    def __init__(self, folder: Path, oma: OmaDatabase, vma_url: str) -> None:
        self.folder = folder
        self.oma = oma
        self.vma_url = vma_url
        self.exports = folder / "exports"
        self.exports.mkdir()
        self._seed = 0

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a poller that looks twice a second."""
        return {
            "OMA_DATABASE_URL": self.oma.url,
            "VMA_PROGRESS_CLIENT_URL": self.vma_url,
            "VMA_PROGRESS_POLL_INTERVAL": "500ms",
            "VMA_PROGRESS_DISCOVERY_INTERVAL": "500ms",
            "LOG_LEVEL": "debug",
        }

    def disk(self, size_bytes: int, data: Mapping[int, int] | None = None, form: str = "raw") -> MovingDisk:
        """Make a disk and the empty volume it goes to; *data* as `make_disk` has it, all of it by default."""
        self._seed += 1
        volume_id = str(UUID(int=random.Random(self._seed).getrandbits(128), version=4))  # noqa: S311 - a name
        data = {0: size_bytes} if data is None else data
        raw = make_disk(self.folder / f"disk{self._seed}.raw", size_bytes, data, self._seed)
        image = raw if form == "raw" else convert(raw, form)
        target = make_disk(self.exports / f"migration-vol-{volume_id}", size_bytes, {})
        return MovingDisk(volume_id, size_bytes, sum(data.values()), raw, image, target)

    def add_job(self, job_id: str, *disks: MovingDisk) -> str:
        """Insert a running job with these disks."""
        self.oma.add_job(job_id)
        for number, disk in enumerate(disks):
            self.oma.add_disk(job_id, disk.volume_id, number, disk.size_bytes)
        return job_id

    def plan(self, name: str, socket: Path, *disks: MovingDisk, job_id: str | None = None) -> Path:
        """Write the plan of a whole VM, its disks under the keys of their exports, or all under *job_id*."""
        lines = [f'vma = "{self.vma_url}"']
        if job_id is not None:
            lines.append(f'job_id = "{job_id}"')
        for number, disk in enumerate(disks):
            key = f'key = "{disk.export}"' if job_id is None else f'disk_id = "{2000 + number}"'
            target = uri(socket, disk.export)
            lines += ["", "[[disk]]", f'source = "{disk.image}"', f'target = "{target}"', key]
        path = self.folder / f"{name}.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def check_completed(self, job_id: str, *disks: MovingDisk) -> None:
        """The row says completed, 100 and all bytes, so does each disk's row, and the targets are whole."""
        assert [disk.is_identical for disk in disks] == [True] * len(disks)
        row, total_bytes = self.oma.job(job_id), sum(disk.data_bytes for disk in disks)
        numbers = (float(row["progress_percent"]), row["bytes_transferred"], row["total_bytes"])
        assert (row["status"], *numbers) == ("completed", 100, total_bytes, total_bytes)
        assert (row["completed_at"] is not None, row["error_message"]) == (True, None)
        told = [
            (one["sync_status"], float(one["sync_progress_percent"]), one["bytes_synced"])
            for one in self.oma.disks(job_id)
        ]
        assert told == [("completed", 100, disk.data_bytes) for disk in disks]


def spread(data_mib: int, size_mib: int) -> dict[int, int]:
    """Return a disk's content for `make_disk`: *data_mib* of data, in four pieces as far apart as can be."""
    step_mib = size_mib // 4
    return {number * step_mib * MIB: data_mib * MIB // 4 for number in range(4)}
