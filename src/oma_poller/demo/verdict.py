"""Whether the demonstration came to what it should."""

from collections.abc import Sequence

from msgspec import Struct

from oma_poller.core.parts import FULL_BP
from oma_poller.database.status_rows import StatusRow
from oma_poller.demo.fleet import DemoVm
from oma_poller.demo.images import checksum


class Finding(Struct, frozen=True):
    """One thing that was looked at, and whether it is as it should be."""

    good: bool
    what: str


def judge(fleet: Sequence[DemoVm], rows: Sequence[StatusRow]) -> tuple[Finding, ...]:
    """Compare every image with its copy, and every row with what a finished job must say."""
    by_id = {row.job_id: row for row in rows}
    findings = []
    for vm in fleet:
        differ = [disk.name for disk in vm.disks if checksum(disk.source) != checksum(disk.target)]
        count = "1 disk is" if len(vm.disks) == 1 else f"{len(vm.disks)} disks are"
        images = f"its {count} identical to the source" if not differ else f"{', '.join(differ)} differ"
        findings.append(Finding(not differ, f"{vm.name}: {images}"))
        findings.append(_row(vm, by_id.get(vm.job_id)))
    return tuple(findings)


def _row(vm: DemoVm, row: StatusRow | None) -> Finding:
    if row is None:
        return Finding(good=False, what=f"{vm.name}: its row is gone")
    percent = (row.percent_bp or 0) / 100
    good = row.status == "completed" and row.percent_bp == FULL_BP and bool(row.bytes_transferred)
    good = good and row.bytes_transferred == row.total_bytes
    told = f"{row.status}, {percent:g} %, {row.bytes_transferred} of {row.total_bytes} bytes"
    return Finding(good, f"{vm.name}: its row says {told}")
