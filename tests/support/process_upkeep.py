"""What a process holds: memory, threads, and open files by what they lead to."""

from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

_PACE_S = 0.1
_KIB = 1024
_INODE, _REMOTE = 9, 2
"""Columns of /proc/PID/net/tcp."""


class ProcessUpkeep:
    """Looks at one process; a thread of its own notes the most memory it had."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self.most_bytes = 0
        """The most resident memory that was seen."""

    def begin(self) -> None:
        """Note its memory from now on."""
        self._thread.start()

    def end(self) -> None:
        """Stop."""
        self._over.set()
        self._thread.join()

    @property
    def resident_bytes(self) -> int:
        """Resident memory now; 0 once the process is gone."""
        return self._status("VmRSS:") * _KIB

    @property
    def threads(self) -> int:
        """Threads now; 0 once the process is gone."""
        return self._status("Threads:")

    def open_files(self, ports: dict[int, str]) -> Counter[str]:
        """Return the number of open files: connections by the name of their remote port, and `others`."""
        remote = self._remote_ports()
        found: Counter[str] = Counter()
        for file in self._folder.joinpath("fd").iterdir():
            with suppress(OSError):
                found[ports.get(remote.get(str(file.readlink()), 0), "others")] += 1
        return found

    def _run(self) -> None:
        while not self._over.wait(_PACE_S):
            self.most_bytes = max(self.most_bytes, self.resident_bytes)

    def _status(self, name: str) -> int:
        with suppress(OSError, StopIteration):
            lines = self._folder.joinpath("status").read_text("utf-8").splitlines()
            return int(next(line for line in lines if line.startswith(name)).split()[1])
        return 0

    def _remote_ports(self) -> dict[str, int]:
        """Return the remote port of each TCP socket, by what its open file links to."""
        lines = self._folder.joinpath("net/tcp").read_text("ascii").splitlines()[1:]
        rows = [line.split() for line in lines]
        return {f"socket:[{row[_INODE]}]": int(row[_REMOTE].rpartition(":")[2], 16) for row in rows}
