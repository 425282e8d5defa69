"""How fast the VMA's progress server is: `python benchmarks/vma_serve.py`.

Updates and GETs over HTTP with a state file, from one client process; then, without HTTP, how fast entries
are encoded and what it costs to ask for 100 changes among 10,000 entries.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from oma_poller.agent.server.moment import SteadyClock
from oma_poller.agent.server.register import Limits, Register
from oma_poller.agent.server.shape import encoded
from oma_poller.clock import SystemClock

CONNECTIONS = 8
REQUESTS = 8000
KEYS = 10_000


def body(moved_bytes: int) -> bytes:
    """Return a copier's report."""
    return (
        b'{"stage":"Transfer","status":"in_progress","bytes_transferred":%d,"total_bytes":107374182400,'
        b'"throughput_bps":104857600,"run_id":"r1","lease_seconds":30}' % moved_bytes
    )


async def drive(port: int, request: Callable[[int], bytes], count: int) -> float:
    """Return the requests a second that the server answered with 200."""

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(number, count, CONNECTIONS):
            writer.write(request(turn))
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:16]:
                raise RuntimeError(head.decode())
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
            await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()

    start_s = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return count / (time.perf_counter() - start_s)


def post(turn: int) -> bytes:
    """Return an update of one of 1,000 keys."""
    report = body(turn * 1000)
    head = f"POST /api/v1/progress/migration-vol-{turn % 1000}/update HTTP/1.1\r\nHost: x\r\n"
    return f"{head}Content-Length: {len(report)}\r\n\r\n".encode() + report


def get(turn: int) -> bytes:
    """Return a request for one of 1,000 keys."""
    return f"GET /api/v1/progress/migration-vol-{turn % 1000} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def over_http(folder: Path) -> None:
    """Measure a server process."""
    command = [sys.executable, "-m", "oma_poller", "vma", "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--state", str(folder / "state.db")], stdout=subprocess.PIPE, text=True
    ) as server:
        if server.stdout is None:
            raise RuntimeError("no output")
        port = int(server.stdout.readline().rpartition(":")[2])
        print(f"updates over HTTP, state file: {asyncio.run(drive(port, post, REQUESTS)):8.0f} a second")
        print(f"GETs over HTTP:                {asyncio.run(drive(port, get, REQUESTS)):8.0f} a second")
        server.terminate()


def timed(what: str, action: Callable[[], object], count: int) -> None:
    """Print what one of `count` costs."""
    start_s = time.perf_counter()
    action()
    elapsed_s = time.perf_counter() - start_s
    print(f"{what}: {elapsed_s / count * 1e6:8.1f} us each, {count / elapsed_s:9.0f} a second")


def without_http() -> None:
    """Measure the register."""
    register = Register(SteadyClock(SystemClock()), Limits(max_keys=KEYS))

    def report(first: int, last: int, moved_bytes: int) -> None:
        for number in range(first, last):
            register.update(f"migration-vol-{number}", body(moved_bytes))

    timed("10,000 first reports      ", lambda: report(0, KEYS, 10**9), KEYS)
    timed("10,000 further reports    ", lambda: report(0, KEYS, 2 * 10**9), KEYS)
    entry = register._ledger.get("migration-vol-1")  # noqa: SLF001 - the encoder alone is measured
    if entry is not None:
        now_s = entry.updated.s
        timed("encoding an entry         ", lambda: [encoded(entry, now_s) for _ in range(KEYS)], KEYS)
    timed("all 10,000, first time    ", lambda: everything(register), 1)
    timed("all 10,000, encoded before", lambda: everything(register), 1)
    cursor = everything(register)
    report(0, 100, 3 * 10**9)
    timed("100 changes among 10,000  ", lambda: register.changes(cursor, 1000), 1)
    timed("the same, encoded before  ", lambda: register.changes(cursor, 1000), 1)
    newest = everything(register)
    timed("no change among 10,000    ", lambda: register.changes(newest, 1000), 1)


def everything(register: Register) -> str:
    """Follow the pages to the end; return the cursor there."""
    cursor: str | None = None
    while True:
        page = register.changes(cursor, 1000)
        cursor = page[11 : page.index(b'"', 11)].decode()
        if page.startswith(b'"complete":true', page.index(b",") + 1):
            return cursor


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        over_http(Path(name))
    without_http()
