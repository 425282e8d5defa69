"""CPU cost of the VMA client in bulk: CPU ms per 1,000 keys, all of them moving, beside single requests.

    python benchmarks/bulk_client.py [--vmas 100] [--keys 2000] [--groups 20,200] [--repeats 3]

A scripted server in a process of its own plays all VMAs, each under an address of its own (127.0.1.1 and on).
A group is what is asked of a VMA at once; in one turn every key of every VMA is asked for once, and each has
changed since the last turn. The figures are user and system time of this process, decoding included, and the
memory that the client holds for a key. Entries change right after they were asked for, so that every one of
them is held as it came: no key needs more memory than that.
"""

import argparse
import asyncio
import multiprocessing
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bulk_vmas import address
from moving_entry import (
    EXPORT,
    KEY_MARK,
    MOVED_MARK,
    PERCENT_MARK,
    TOTAL_BYTES,
    entry,
    percent,
    volume_id,
)

from oma_poller.clock import SystemClock
from oma_poller.engine.ports import Answer, TierAnswer, TierRequest
from oma_poller.model.reading import Reading
from oma_poller.vma.client import VMAProgressClient
from oma_poller.vma.page import LIST_PATH
from oma_poller.vma.target import VmaTarget

HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 15:54:25 GMT\r\nContent-Type: application/json\r\n%s"
    b"Content-Length: %d\r\n\r\n%s"
)
OFFER = b"X-Progress-Capabilities: bulk, since\r\n"
PAGE = b'{"cursor":"e.%d","complete":%s,"full":%s,"entries":[%s],"deleted":[]}\n'
LISTED = 1000
_ENTRY = entry("2026-11-23T15:54:24Z")


def name(number: int) -> str:
    """Return a key."""
    return EXPORT + volume_id(number)


class ScriptedVmas(asyncio.Protocol):
    """Answers every request; each bulk request finds the next group changed."""

    transport: asyncio.WriteTransport

    def __init__(self, keys: int, group: int, offer: bytes) -> None:
        self._keys = keys
        self._group = group
        self._offer = offer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - asyncio's own promise for TCP
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        for line in data.split(b"\r\n"):
            if line.startswith(b"GET "):
                path = line.split(b" ")[1].decode()
                body = self._page(path) if path.startswith(f"{LIST_PATH}?") else self._entry(path)
                self.transport.write(HEAD % (self._offer, len(body), body))

    def _entry(self, path: str) -> bytes:
        return self._entries([int(path[-12:])], time.monotonic_ns() // 1000)

    def _page(self, path: str) -> bytes:
        since = path.partition("since=e.")[2]
        version = int(since or -self._keys)
        size = LISTED if version < 0 else self._group
        last = min(version + size, 0) if version < 0 else version + size
        told = self._entries([number % self._keys for number in range(version, last)], last)
        return PAGE % (last, b"true" if last >= 0 else b"false", b"false" if since else b"true", told)

    def _entries(self, numbers: Sequence[int], moved: int) -> bytes:
        moved = abs(moved) % TOTAL_BYTES
        text = _ENTRY.replace(MOVED_MARK, str(moved), 1).replace(PERCENT_MARK, percent(moved), 1)
        return ",".join(text.replace(KEY_MARK, name(number), 1) for number in numbers).encode()


def serve(listener: socket.socket, keys: int, group: int, offer: bytes) -> None:
    """Serve for ever."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: ScriptedVmas(keys, group, offer), sock=listener)
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def vmas(keys: int, group: int, offer: bytes) -> Iterator[int]:
    """Run the server; yield its port."""
    listener = socket.create_server(("0.0.0.0", 0), backlog=1024)  # noqa: S104 - all of 127.0.0.0/8
    process = multiprocessing.Process(target=serve, args=(listener, keys, group, offer), daemon=True)
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        process.terminate()
        process.join()
        listener.close()


class Turns:
    """Asks every VMA for group after group."""

    def __init__(self, port: int, count: int, keys: int, in_flight: int) -> None:
        self._names = [f"v{vma}" for vma in range(count)]
        self._keys = [name(number) for number in range(keys)]
        targets = [VmaTarget(f"v{vma}", f"http://{address(vma)}:{port}") for vma in range(count)]
        self._left = 0
        self._answered = threading.Event()
        self._client = VMAProgressClient(
            targets, max_in_flight=in_flight, timeout_s=60.0, clock=SystemClock()
        )
        self._client.start(self._take)

    def _take(self, answers: Sequence[Answer]) -> None:
        bad = [
            answer
            for answer in answers
            if not (isinstance(answer, TierAnswer) and isinstance(answer.outcomes[0], Reading))
        ]
        if bad:
            print(f"the client failed: {bad[0]}", file=sys.stderr)
        self._left -= len(answers)
        if self._left == 0:
            self._answered.set()

    def ask(self, first: int, group: int) -> None:
        """Ask every VMA for one group, and wait for all answers."""
        keys = self._keys[first : first + group]
        self._answered.clear()
        self._left = len(keys) * len(self._names)
        self._client.submit([TierRequest(vma, (key,), first) for vma in self._names for key in keys])
        self._answered.wait()

    def turn(self, group: int) -> float:
        """Ask for every key once; return CPU ms per 1,000 keys."""
        begun_s = time.process_time()
        for first in range(0, len(self._keys), group):
            self.ask(first, group)
        return (time.process_time() - begun_s) * 1e6 / (len(self._keys) * len(self._names))

    def close(self) -> None:
        """End."""
        self._client.close()


def resident_bytes() -> int:
    """Return the memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def measure(options: argparse.Namespace, group: int, offer: bytes) -> tuple[list[float], float]:
    """Return CPU ms per 1,000 keys of each turn, and the bytes that a key costs."""
    with vmas(options.keys, group, offer) as port:
        turns = Turns(port, options.vmas, options.keys, options.in_flight)
        turns.ask(0, 1)  # the replies tell whether there is bulk
        before = resident_bytes()
        turns.turn(group)  # takes the whole list
        figures = [turns.turn(group) for _ in range(options.repeats)]
        held = (resident_bytes() - before) / (options.vmas * options.keys)
        turns.close()
    return figures, held


def row(what: str, options: argparse.Namespace, group: int, offer: bytes) -> None:
    """Measure in a process of its own, so that no memory is there to be used again, and print a line."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        figures, held = pool.submit(measure, options, group, offer).result()
    told = f"{statistics.median(figures):6.1f} {min(figures):5.1f} {max(figures):5.1f}"
    print(f"{what:<36} {told} {held:11.0f}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vmas", type=int, default=100)
    parser.add_argument("--keys", type=int, default=2000)
    parser.add_argument("--groups", default="20,200")
    parser.add_argument("--in-flight", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(
        f"{options.vmas} VMAs of {options.keys} keys, at most {options.in_flight} requests in flight at each"
    )
    print("CPU ms per 1,000 keys                median   min   max   bytes held a key")
    for group in map(int, options.groups.split(",")):
        row(f"bulk, {group} keys of a VMA at once", options, group, OFFER)
    options.vmas, options.repeats = max(1, options.vmas // 10), 2
    row(f"single, {options.vmas} VMAs, 20 keys at once", options, 20, b"")


if __name__ == "__main__":
    main()
