"""A tool as a child that cannot outlive this process, not even when this process is killed."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from oma_poller.errors import CopyError

_LEASH = (
    "import ctypes,os,signal,sys\n"
    "if ctypes.CDLL(None,use_errno=True).prctl(1,signal.SIGKILL,0,0,0):\n"
    " sys.exit('cannot tie this process to its parent')\n"
    "if os.getppid()!=int(sys.argv[1]):\n"
    " sys.exit('the parent is gone')\n"
    "os.execv(sys.argv[2],sys.argv[2:])\n"
)
"""Asks the kernel to kill this process when its parent dies (PR_SET_PDEATHSIG), sees that the parent has not
died just before, and becomes the tool. All after exec, so threads of the parent do no harm."""

_READ_BYTES = 65536
_STOP_S = 2.0
"""How long a child may take to end after SIGTERM."""
_LAST_LINES = 5
_WORDS_LIMIT = 500
"""Characters of a tool's last words that are kept."""


class ToolEnd(Struct, frozen=True):
    """How a tool ended."""

    name: str
    status: int
    """Exit status; a negative number is the signal that killed it."""
    words: str
    """The last lines of its standard error, as one."""

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        if self.status < 0:
            end = f"{self.name} was killed by {_signal_name(-self.status)}"
        else:
            end = f"{self.name} ended with exit status {self.status}"
        return f"{end}: {self.words}" if self.words else end


class LastWords:
    """Keeps the last lines of what a tool says."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._rest = b""

    def add(self, chunk: bytes) -> None:
        """Take a piece of output."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[-_WORDS_LIMIT:]
        for line in lines:
            self._keep(line)

    def _keep(self, line: bytes) -> None:
        text = " ".join(line[-_WORDS_LIMIT:].decode(errors="replace").split())
        if text:
            self._lines.append("".join(letter if letter.isprintable() else "?" for letter in text))

    def __str__(self) -> str:
        self._keep(self._rest)
        self._rest = b""
        return "; ".join(self._lines)[-_WORDS_LIMIT:]


def tied_command(arguments: Sequence[str]) -> list[str]:
    """Return what starts a program, given by its full path, so that it dies with this process."""
    return [sys.executable, "-I", "-S", "-c", _LEASH, str(os.getpid()), *arguments]


async def run_tool(name: str, arguments: list[str], on_output: Callable[[bytes], None]) -> ToolEnd:
    """Run a program, given by its full path, to its end, and hand on what it prints.

    When the task is cancelled or *on_output* raises, the program has ended before this does.
    """
    words = LastWords()
    process = await asyncio.create_subprocess_exec(
        *tied_command(arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C at the terminal is for us, and we stop the tool
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(process.stdout, on_output), name="tool output")
            group.create_task(_pump(process.stderr, words.add), name="tool errors")
        status = await process.wait()
    except ExceptionGroup as group:
        # Of the two pumps only the one that hands output on can fail, by what its taker says to it.
        raise group.exceptions[0] from None
    finally:
        await _stop(process)
    # Tools begin each line with their own name or path, which the reason names already.
    said = str(words).replace(f"{arguments[0]}: ", "").replace(f"{name}: ", "")
    return ToolEnd(name, status, said)


async def ask_tool(arguments: list[str], limit_s: float, on_output: Callable[[bytes], None]) -> None:
    """Run a program that must end well within *limit_s* seconds. Raises CopyError with its last words."""
    name = Path(arguments[0]).name
    try:
        async with asyncio.timeout(limit_s):
            end = await run_tool(name, arguments, on_output)
    except TimeoutError:
        raise CopyError(f"{name} gave no answer within {limit_s:g} s") from None
    if end.status != 0:
        raise CopyError(end.reason)


async def _pump(stream: asyncio.StreamReader | None, take: Callable[[bytes], None]) -> None:
    while stream is not None and (chunk := await stream.read(_READ_BYTES)):
        take(chunk)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    _send(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError):
        _send(process, signal.SIGKILL)
        await process.wait()


def _send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal to the tool and to what it started: they share a group that is theirs alone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
