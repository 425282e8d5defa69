"""Real disks and a real NBD server for them."""

import filecmp
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from patience import PATIENCE_S, until

EXPORT = "migration-vol-c290646c-41ba-4d50-a31f-f497320ca0bd"
MIB = 1 << 20
DISK_SIZE = 64 * MIB
DISK_DATA = {1 * MIB: 6 * MIB, 50 * MIB: 10 * MIB}
"""Where the data of the tests' disk lies, 16 MiB in all."""
_PROGRAMS = {"nbdkit": "nbdkit", "nbdcopy": "libnbd-bin", "nbdinfo": "libnbd-bin", "qemu-img": "qemu-utils"}


def missing_nbd_packages() -> str:
    """Return why tests with real NBD servers cannot run here; empty if they can."""
    missing = sorted({package for name, package in _PROGRAMS.items() if shutil.which(name) is None})
    return f"not installed: {', '.join(missing)}" if missing else ""


def make_disk(path: Path, size_bytes: int, data: Mapping[int, int], seed: int = 1) -> Path:
    """Make a sparse raw disk; *data* says how many random bytes lie at which offset."""
    noise = random.Random(seed)  # noqa: S311 - content of a disk
    with path.open("wb") as file:
        file.truncate(size_bytes)
        for offset, length in data.items():
            file.seek(offset)
            file.write(noise.randbytes(length))
    return path


def convert(source: Path, form: str) -> Path:
    """Return the same disk in another format, beside it."""
    target = source.with_suffix(f".{form}")
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, source, target], check=True)
    return target


def same_content(one: Path, other: Path) -> bool:
    """Whether two raw disks hold the same; nothing but zeroes may follow in the longer one."""
    run = subprocess.run(
        ["qemu-img", "compare", "-f", "raw", "-F", "raw", one, other], check=False, stdout=subprocess.PIPE
    )
    return run.returncode == 0


def same_bytes(one: Path, other: Path) -> bool:
    """Whether two files are equal to the last byte."""
    return filecmp.cmp(one, other, shallow=False)


@contextmanager
def nbd_server(*arguments: object) -> Iterator[Path]:
    """Run nbdkit with these arguments; its Unix socket, which accepts connections."""
    with tempfile.TemporaryDirectory(prefix="oma-nbd-") as folder:  # a socket's path must be short
        socket = Path(folder) / "s"
        process = subprocess.Popen(
            ["nbdkit", "--foreground", "--exit-with-parent", "-U", socket, *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: socket.exists() or process.poll() is not None, "the NBD server")
            assert process.poll() is None, "nbdkit did not start"
            yield socket
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)


def uri(socket: Path, export: str) -> str:
    """Return the URI of an export."""
    return f"nbd+unix:///{export}?socket={socket}"
