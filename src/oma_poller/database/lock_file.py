"""A file that one process at a time has locked, and that says which."""

import fcntl
import os
from pathlib import Path

_LONGEST_HOLDER = 20


class LockFile:
    """An open file, made where it is not there. The kernel lets its lock go when the process ends.

    The lock is that of the open file (flock): unlike fcntl's own it does not go when the process opens and
    closes the file once more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except PermissionError as error:
            try:
                self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # another user's: it can be locked too
            except FileNotFoundError:
                raise error from None

    def take(self) -> bool:
        """Lock it and write this process down; return False where another has it. Raises OSError."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except BaseException:
            self.close()
            raise
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass  # it is for people only: the disk may be full, or the file another user's
        return True

    @property
    def holder(self) -> str:
        """The id of the process that has it; "" where it did not say."""
        text = os.pread(self._file, _LONGEST_HOLDER, 0).decode("ascii", "replace").strip()
        return text if text.isdecimal() else ""

    def is_there(self) -> bool:
        """Whether this is still the file at its path, and not one that was deleted. Raises OSError."""
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(self._file), there)

    def close(self) -> None:
        """Let the lock go."""
        os.close(self._file)
