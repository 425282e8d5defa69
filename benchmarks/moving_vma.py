"""A VMA whose every entry moves, cheap enough to serve thousands of keys a second: for benchmarks."""

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_longlong
from multiprocessing.sharedctypes import Synchronized

TOTAL_BYTES = 10 * 2**30
BYTES_A_SECOND = 2**20
ENTRY = (
    '{"job_id":"%s","status":"in_progress","sync_type":"full","phase":"Transfer","percentage":%.2f,'
    '"current_operation":"Transferring Data","bytes_transferred":%d,"total_bytes":%d,'
    '"throughput":{"current_mbps":1,"average_mbps":1,"peak_mbps":1,"last_update":"2099-11-23T15:54:25Z"},'
    '"timing":{"start_time":"2099-11-23T15:54:24Z","last_update":"2099-11-23T15:54:25Z","elapsed_ms":63,'
    '"phase_start":"2099-11-23T15:54:24Z","phase_elapsed_ms":63,"eta_seconds":1001},'
    '"vm_info":{"name":"unknown","path":"unknown","disk_size_gb":10,"disk_size_bytes":%d,"cbt_enabled":true},'
    '"phases":[],"errors":[],"last_error":null}\n'
)


class _MovingEntries(asyncio.Protocol):
    """Answers every request; one read is taken to hold whole requests."""

    transport: asyncio.WriteTransport

    def __init__(self, began_s: float, served: "Synchronized[int]") -> None:
        self._began_s = began_s
        self._served = served

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - asyncio's own promise for TCP
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request with its key's entry."""
        moved = int((time.monotonic() - self._began_s + 1) * BYTES_A_SECOND)
        for request in data.split(b"\r\n\r\n")[:-1]:
            key = request.split(b" ", 2)[1].rpartition(b"/")[2].decode()
            percent = 100 * moved / TOTAL_BYTES
            body = (ENTRY % (key, percent, moved, TOTAL_BYTES, TOTAL_BYTES)).encode()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
                body
            )
            self.transport.write(head + body)
            self._served.value += 1


def _serve(listener: socket.socket, served: "Synchronized[int]") -> None:
    async def run() -> None:
        began_s = time.monotonic()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _MovingEntries(began_s, served), sock=listener)
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def moving_vma() -> Iterator[tuple[str, "Synchronized[int]"]]:
    """Serve in a process of its own; yield (base URL, number of replies so far)."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    served = multiprocessing.Value(c_longlong, 0)
    process = multiprocessing.Process(target=_serve, args=(listener, served), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", served
    finally:
        process.terminate()
        process.join()
        listener.close()
