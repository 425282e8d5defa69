"""CPU cost of the VMA client: CPU ms per 1,000 requests, beside a bare CurlMulti loop in the same run.

    python benchmarks/fetch_client.py [--requests 10000] [--in-flight 50] [--repeats 5]

The server is a process of its own (nginx where it is installed, else a small asyncio one), so the figures
are this process alone: user and system time of the client with decoding, against libcurl with neither
queue, batches, headers nor decoding. Every reply is the same shape C entry of some 800 bytes.
"""

import argparse
import asyncio
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pycurl  # type: ignore[import-untyped] # pycurl ships no types

from oma_poller.clock import SystemClock
from oma_poller.engine.ports import Answer, KeyRequest, ProbeAnswer
from oma_poller.model.reading import Reading
from oma_poller.vma.address import PROGRESS_PATH
from oma_poller.vma.client import VMAProgressClient
from oma_poller.vma.target import VmaTarget
from oma_poller.vma.wire import decode

KEY = "migration-vol-c290646c-41ba-4d50-a31f-f497320ca0bd"
BODY = (
    b'{"job_id":"' + KEY.encode() + b'","status":"in_progress","sync_type":"full","phase":"Transfer",'
    b'"percentage":2.17,"current_operation":"Transferring Data","bytes_transferred":2330000000,'
    b'"total_bytes":107374182400,"throughput":{"current_mbps":100,"average_mbps":100,"peak_mbps":100,'
    b'"last_update":"2026-11-23T15:54:25Z"},"timing":{"start_time":"2026-11-23T15:54:24Z",'
    b'"last_update":"2026-11-23T15:54:25Z","elapsed_ms":63,"phase_start":"2026-11-23T15:54:24Z",'
    b'"phase_elapsed_ms":63,"eta_seconds":1001},"vm_info":{"name":"unknown","path":"unknown",'
    b'"disk_size_gb":100,"disk_size_bytes":107374182400,"cbt_enabled":true},"phases":[{"name":"Transfer",'
    b'"status":"in_progress","start_time":"2026-11-23T15:54:24Z","end_time":"","duration_ms":63}],'
    b'"errors":[],"last_error":null}\n'
)
NGINX = """worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; keepalive_requests 100000000; root {folder};
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port};
    location / {{ default_type application/json; try_files /body.json =404; }} }} }}
"""


class EntryProtocol(asyncio.Protocol):
    """Answers every request with the entry; one read is taken to hold whole requests."""

    transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - asyncio's own promise for TCP
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        head = b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 15:54:25 GMT\r\nContent-Length: %d\r\n\r\n"
        self.transport.write((head % len(BODY) + BODY) * data.count(b"\r\n\r\n"))


def serve_with_asyncio(port: int) -> None:
    """Run the fallback server for ever."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(EntryProtocol, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def server(port: int) -> Iterator[str]:
    """Run a server of the entry; yield its name."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    with tempfile.TemporaryDirectory(prefix="oma-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx' worker runs as another user
        (folder / "body.json").write_bytes(BODY)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        process: subprocess.Popen[bytes] | multiprocessing.Process
        if nginx is None:
            process = multiprocessing.Process(target=serve_with_asyncio, args=(port,), daemon=True)
            process.start()
        else:
            process = subprocess.Popen([nginx, "-p", name, "-c", str(folder / "nginx.conf")])
        try:
            wait_until_up(f"http://127.0.0.1:{port}/")
            yield "asyncio" if nginx is None else "nginx"
        finally:
            process.terminate()
            process.join() if isinstance(process, multiprocessing.Process) else process.wait()


def wait_until_up(url: str) -> None:
    """Return once the server answers."""
    for attempt in range(100):
        try:
            with urlopen(url, timeout=1) as reply:  # noqa: S310 - our own loopback server
                reply.read()
        except OSError:
            if attempt == 99:  # noqa: PLR2004 - the last of the 100
                raise
            time.sleep(0.05)
        else:
            return


def run_bare(url: str, requests: int, in_flight: int) -> None:
    """Fetch with the least that CurlMulti needs."""
    multi = pycurl.CurlMulti()
    left, done = requests, 0
    for _ in range(in_flight):
        curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.NOPROXY, "*")
        curl.setopt(pycurl.URL, url + PROGRESS_PATH + KEY)
        curl.setopt(pycurl.WRITEFUNCTION, len)
        multi.add_handle(curl)
        left -= 1
    while done < requests:
        multi.perform()
        queued = 1
        while queued:
            queued, finished, failed = multi.info_read()
            for curl in finished:
                done += 1
                multi.remove_handle(curl)
                if left > 0:
                    left -= 1
                    curl.setopt(pycurl.URL, url + PROGRESS_PATH + KEY)
                    multi.add_handle(curl)
            if failed:
                sys.exit(f"the bare loop failed: {failed[0][2]}")
        multi.select(1.0)


def run_client(url: str, requests: int, in_flight: int) -> None:
    """Fetch with the client, decoding each reply."""
    ended = threading.Event()
    left = requests
    failed: list[Answer] = []

    def deliver(answers: Sequence[Answer]) -> None:
        nonlocal left
        failed.extend(
            answer
            for answer in answers
            if isinstance(answer, ProbeAnswer) or not isinstance(answer.outcome, Reading)
        )
        left -= len(answers)
        if left == 0:
            ended.set()

    client = VMAProgressClient(
        [VmaTarget("bench", url)], max_in_flight=in_flight, timeout_s=10.0, clock=SystemClock()
    )
    client.start(deliver)
    for first in range(0, requests, 100):
        client.submit(
            [KeyRequest("bench", KEY, ticket) for ticket in range(first, min(first + 100, requests))]
        )
    ended.wait()
    client.close()
    if failed:
        sys.exit(f"the client failed: {failed[0]}")


def run_decode(requests: int) -> None:
    """Decode only."""
    for _ in range(requests):
        decode(BODY, KEY)


def cpu_ms(run: Callable[[], None]) -> float:
    """Return the CPU time of this process, all threads, that `run` takes."""
    before = time.process_time()
    run()
    return (time.process_time() - before) * 1000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--port", type=int, default=18990)
    options = parser.parse_args()
    url = f"http://127.0.0.1:{options.port}"
    thousands = options.requests / 1000
    size = (url, options.requests, options.in_flight)
    bare, client = [], []
    with server(options.port) as server_name:
        for _ in range(options.repeats):
            bare.append(cpu_ms(lambda: run_bare(*size)) / thousands)
            client.append(cpu_ms(lambda: run_client(*size)) / thousands)
    decoding = cpu_ms(lambda: run_decode(options.requests)) / thousands
    print(
        f"{pycurl.version.split()[1]}, {server_name}, {options.in_flight} in flight, {len(BODY)}-byte replies"
    )
    print("CPU ms per 1,000 requests        median   min   max")
    for name, figures in (("bare CurlMulti", bare), ("VMAProgressClient, decoded", client)):
        print(f"{name:<32} {statistics.median(figures):6.1f} {min(figures):5.1f} {max(figures):5.1f}")
    print(f"{'decode alone':<32} {decoding:6.1f}")
    ratios = [ours / floor for ours, floor in zip(client, bare, strict=True)]
    print(f"{'client / bare':<32} {statistics.median(ratios):6.2f} {min(ratios):5.2f} {max(ratios):5.2f}")


if __name__ == "__main__":
    main()
