"""The VMs of the demonstration, their disks, and their rows in the OMA's tables."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct

from oma_poller.core.keys import export_name
from oma_poller.database.address import DatabaseAddress
from oma_poller.database.connect import connect

MIB = 1024 * 1024


class DemoDisk(Struct, frozen=True):
    """One disk: its image before and after the copy."""

    name: str
    size_bytes: int
    volume_id: str
    source: Path
    target: Path

    @property
    def export(self) -> str:
        """The NBD export the disk is written through; also the key of its progress."""
        return export_name(self.volume_id)


class DemoVm(Struct, frozen=True):
    """One VM and the replication job that moves it."""

    name: str
    job_id: str
    disks: tuple[DemoDisk, ...]


_PLAN = (("web-01", (40,)), ("db-01", (24, 32)), ("files-01", (24, 16, 24)))
"""Names, and the size of each disk in MiB."""


def plan_fleet(folder: Path) -> tuple[DemoVm, ...]:
    """Return the VMs, with images in *folder*/source and *folder*/target; nothing is made yet."""
    return tuple(_vm(folder, name, sizes_mib) for name, sizes_mib in _PLAN)


def _vm(folder: Path, name: str, sizes_mib: Sequence[int]) -> DemoVm:
    disks = []
    for number, size_mib in enumerate(sizes_mib):
        disk = f"{name}-disk{number}"
        volume_id = str(uuid5(NAMESPACE_URL, disk))
        disks.append(
            DemoDisk(
                name=disk,
                size_bytes=size_mib * MIB,
                volume_id=volume_id,
                source=folder / "source" / f"{disk}.raw",
                target=folder / "target" / export_name(volume_id),
            )
        )
    return DemoVm(name, f"job-{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}", tuple(disks))


_INSERT_JOB = """
INSERT INTO replication_jobs (id, source_vm_id, source_vm_name, source_vm_path, vcenter_host, datacenter,
    replication_type, target_network, status, created_at, updated_at)
VALUES (?, ?, ?, ?, 'vcenter.example', 'DC1', 'initial', 'net1', 'running',
    CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)
"""
_INSERT_VOLUME = """
INSERT INTO ossea_volumes (volume_id, volume_name, size_gb, status) VALUES (?, ?, 1, 'attached')
"""
_INSERT_DISK = """
INSERT INTO vm_disks (job_id, disk_id, vmdk_path, size_gb, capacity_bytes, unit_number, label,
    ossea_volume_id, sync_status)
VALUES (?, ?, ?, 1, ?, ?, ?, (SELECT id FROM ossea_volumes WHERE volume_id = ?), 'pending')
"""


def insert_fleet(address: DatabaseAddress, fleet: Sequence[DemoVm]) -> None:
    """Insert jobs, disks and volumes as an OMA does when it begins to replicate."""
    with closing(connect(address)) as connection:
        cursor = connection.cursor()
        for vm in fleet:
            cursor.execute(_INSERT_JOB, (vm.job_id, vm.name, vm.name, f"/DC1/vm/{vm.name}"))
            for number, disk in enumerate(vm.disks):
                cursor.execute(_INSERT_VOLUME, (disk.volume_id, disk.name))
                vmdk = f"[datastore1] {vm.name}/{disk.name}.vmdk"
                label = f"Hard disk {number + 1}"
                row = (vm.job_id, str(2000 + number), vmdk, disk.size_bytes, number, label, disk.volume_id)
                cursor.execute(_INSERT_DISK, row)
        connection.commit()
