"""VMAs that offer bulk replies, played by a process of its own: all keys move once an interval, evenly.

Each VMA has an address of its own (127.1.0.1 and on). A VMA's entries lie one after the other in memory, all
of one length; a page is a slice of them with the bytes of the moment put in. So telling 100 changes takes
some 60 microseconds, and one process has time to spare with 100 VMAs.
"""

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import c_double, c_longlong
from datetime import UTC, datetime
from multiprocessing.sharedctypes import RawValue
from multiprocessing.synchronize import Event
from urllib.parse import parse_qs, urlsplit

from moving_entry import EXPORT, KEY_MARK, MOVED_MARK, PERCENT_MARK, entry, moved_bytes, percent, volume_id

_HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: application/json\r\n"
    b"X-Progress-Capabilities: bulk, since\r\nContent-Length: %d\r\n\r\n"
)
_PAGE = b'{"cursor":"%s","complete":%s,"full":%s,"entries":[%s],"deleted":[]}\n'
_NO_MOVED, _NO_PERCENT = b"9999999999999", b"99.99"
"""Stand in the stored entries, as long as what replaces them."""
_BOOL = {True: b"true", False: b"false"}
_NO_KEY = (
    b"HTTP/1.1 404 Not Found\r\nX-Progress-Capabilities: bulk, since\r\n"
    b"Content-Length: 14\r\n\r\njob not found\n"
)


def address(vma: int) -> str:
    """Return the address of a VMA."""
    return f"127.1.{vma // 250}.{1 + vma % 250}"


class BulkVma:
    """The entries of one VMA. Change number n is of key n, counted round and round."""

    def __init__(self, volumes: Sequence[int], interval_s: float) -> None:
        text = entry(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}") + ","
        text = text.replace(MOVED_MARK, _NO_MOVED.decode(), 1).replace(PERCENT_MARK, _NO_PERCENT.decode(), 1)
        before, _, after = text.partition(KEY_MARK)
        self._places = {EXPORT + volume_id(number): place for place, number in enumerate(volumes)}
        self._blob = "".join(f"{before}{key}{after}" for key in self._places).encode()
        self._size = len(self._blob) // max(1, len(volumes))
        self._keys = len(volumes)
        self._changes_a_second = len(volumes) / interval_s
        self._began_s = time.monotonic()

    def entry(self, key: str) -> bytes | None:
        """Return the entry of a key as a body."""
        place = self._places.get(key)
        return None if place is None else self._told(place, place + 1) + b"\n"

    def page(self, since: str, limit: int) -> bytes:
        """Return a page. Cursors are `e.CHANGE`, and while a whole list is read `l.CHANGE.PLACE`."""
        kind, _, rest = since.partition(".")
        now = int((time.monotonic() - self._began_s) * self._changes_a_second)
        if kind == "e":
            return self._changed(max(int(rest), now - self._keys), now, limit)
        change, _, place = rest.partition(".")
        first = int(place or 0)
        return self._listed(int(change or now), first, min(first + limit, self._keys), full=not since)

    def _changed(self, first: int, now: int, limit: int) -> bytes:
        last = min(now, first + limit)
        start, stop = first % self._keys, first % self._keys + last - first
        told = [self._told(start, min(stop, self._keys))] if stop > start else []
        if stop > self._keys:
            told.append(self._told(0, stop - self._keys))
        return _PAGE % (b"e.%d" % last, _BOOL[last == now], b"false", b",".join(told))

    def _listed(self, change: int, first: int, last: int, *, full: bool) -> bytes:
        is_last = last == self._keys
        cursor = f"e.{change}" if is_last else f"l.{change}.{last}"
        return _PAGE % (cursor.encode(), _BOOL[is_last], _BOOL[full], self._told(first, last))

    def _told(self, first: int, last: int) -> bytes:
        moved = moved_bytes(time.time())
        told = self._blob[first * self._size : last * self._size - 1]
        return told.replace(_NO_MOVED, b"%d" % moved).replace(_NO_PERCENT, percent(moved).encode())


class Served:
    """What the process has answered so far; others may read it."""

    def __init__(self) -> None:
        self._requests = RawValue(c_longlong, 0)
        self._first_epoch_s = RawValue(c_double, 0.0)

    def count(self) -> None:
        """Count a request."""
        if not self._requests.value:
            self._first_epoch_s.value = time.time()
        self._requests.value += 1

    @property
    def requests(self) -> int:
        """Requests answered."""
        return int(self._requests.value)

    @property
    def first_epoch_s(self) -> float:
        """When the first one came; 0 while there was none."""
        return float(self._first_epoch_s.value)


class _Requests(asyncio.Protocol):
    """Answers every request; one read is taken to hold whole requests."""

    transport: asyncio.WriteTransport

    def __init__(self, vmas: dict[str, BulkVma], served: Served) -> None:
        self._vmas = vmas
        self._served = served

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - asyncio's own promise for TCP
        self.transport = transport
        self._vma = self._vmas[transport.get_extra_info("sockname")[0]]

    def data_received(self, data: bytes) -> None:
        """Answer."""
        for line in data.split(b"\r\n"):
            if line.startswith(b"GET "):
                self._served.count()
                self.transport.write(self._reply(line.split(b" ")[1].decode()))

    def _reply(self, target: str) -> bytes:
        path = urlsplit(target)
        if path.query:
            asked = parse_qs(path.query)
            body: bytes | None = self._vma.page(asked.get("since", [""])[0], int(asked["limit"][0]))
        else:
            body = self._vma.entry(path.path.rpartition("/")[2])
        if body is None:
            return _NO_KEY
        date = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}".encode()
        return _HEAD % (date, len(body)) + body


def _serve(
    listener: socket.socket,
    volumes: dict[str, Sequence[int]],
    interval_s: float,
    served: Served,
    ready: Event,
) -> None:
    async def run() -> None:
        vmas = {host: BulkVma(numbers, interval_s) for host, numbers in volumes.items()}
        ready.set()
        server = await asyncio.get_running_loop().create_server(
            lambda: _Requests(vmas, served), sock=listener
        )
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def bulk_vmas(volumes: dict[str, Sequence[int]], interval_s: float) -> Iterator[tuple[int, Served]]:
    """Serve each address' volumes in a process of its own; yield (port of all addresses, what was served)."""
    listener = socket.create_server(("0.0.0.0", 0), backlog=4096)  # noqa: S104 - all of 127.0.0.0/8
    served, ready = Served(), multiprocessing.Event()
    arguments = (listener, volumes, interval_s, served, ready)
    process = multiprocessing.Process(target=_serve, args=arguments, daemon=True)
    process.start()
    try:
        if not ready.wait(60):
            raise TimeoutError("the VMAs did not get ready in 60 s")
        yield listener.getsockname()[1], served
    finally:
        process.terminate()
        process.join()
        listener.close()
