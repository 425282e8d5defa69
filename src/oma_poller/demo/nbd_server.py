"""Real NBD exports for the demonstration's target volumes, where the machine has the programs."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from oma_poller.demo.children import Children
from oma_poller.demo.fleet import DemoDisk, DemoVm

_COPY_PROGRAMS = ("nbdcopy", "qemu-img")


def nbd_programs() -> tuple[str | None, str | None]:
    """Return the path of an NBD server and of a program that copies to it; None for what is missing."""
    server = shutil.which("nbdkit") or shutil.which("qemu-nbd")
    copier = next((path for path in map(shutil.which, _COPY_PROGRAMS) if path), None)
    return server, copier


def serve_exports(children: Children, server: str, fleet: Sequence[DemoVm], folder: Path) -> dict[str, str]:
    """Serve each target volume under its export's name; return the URI of each export."""
    disks = [disk for vm in fleet for disk in vm.disks]
    if Path(server).name == "nbdkit":
        return _with_nbdkit(children, server, disks, folder)
    return _with_qemu_nbd(children, server, disks, folder)


def _with_nbdkit(children: Children, server: str, disks: Sequence[DemoDisk], folder: Path) -> dict[str, str]:
    """One server for the whole folder: the name of a file is the name of its export."""
    socket = folder / "nbd"
    volumes = disks[0].target.parent
    children.start("nbdkit", [server, "--foreground", "--unix", str(socket), "file", f"dir={volumes}"])
    children.wait_until("nbdkit", socket.exists)
    return {disk.export: _uri(disk.export, socket) for disk in disks}


def _with_qemu_nbd(
    children: Children, server: str, disks: Sequence[DemoDisk], folder: Path
) -> dict[str, str]:
    uris = {}
    for number, disk in enumerate(disks):
        socket, name = folder / f"nbd{number}", f"qemu-nbd-{disk.name}"
        options = ["--persistent", "--format=raw", f"--socket={socket}", f"--export-name={disk.export}"]
        children.start(name, [server, *options, str(disk.target)])
        children.wait_until(name, socket.exists)
        uris[disk.export] = _uri(disk.export, socket)
    return uris


def _uri(export: str, socket: Path) -> str:
    return f"nbd+unix:///{export}?socket={socket}"
