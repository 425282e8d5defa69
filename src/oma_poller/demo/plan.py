"""The plan file that tells the copier what to copy for one VM."""

from collections.abc import Mapping
from pathlib import Path

from oma_poller.demo.fleet import DemoVm


def write_plan(path: Path, vm: DemoVm, uris: Mapping[str, str], vma_url: str) -> None:
    """Write the plan of *vm*: over NBD to the exports in *uris*, else straight to the target files."""
    lines = [f'vma = "{vma_url}"']
    for disk in vm.disks:
        target = uris.get(disk.export, str(disk.target))
        lines += [
            "",
            "[[disk]]",
            f'source = "{disk.source}"',
            'format = "raw"',
            f'target = "{target}"',
            f'key = "{disk.export}"',
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
