"""What readers of the events cost the poller, and how soon they have what was committed.

    PYTHONPATH=tests/support .venv/bin/python benchmarks/event_readers.py [--readers 200] [--jobs 5000]

The real program on SQLite, a simulated fleet of which every job moves at each interval, and readers in
processes of their own. CPU and memory are the poller's process alone, with and without readers. The delay
counts from the moment a row can be seen in the database to the moment a reader has its event.
"""

import argparse
import json
import multiprocessing
import selectors
import socket
import tempfile
import time
from contextlib import ExitStack, closing
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from bulk_vmas import address as vma_address
from bulk_vmas import bulk_vmas
from fleet import Fleet
from measured_poller import MeasuredPoller, measured_poller
from oma_database import OmaDatabase
from scene import share_of

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import connect

INTERVAL_S = 5.0
GOAL_SHARE = 0.15
_SAMPLED = 50
_LOOK_S = 0.005
_READ_BYTES = 2**20


class Readers:
    """Readers in a process of their own, and one more in another that notes when it had which bytes."""

    def __init__(self, url: str, count: int) -> None:
        self._pipes, self._processes = [], []
        for target, arguments in ((_take_all, (url, count - 1)), (_note_one, (url,))):
            pipe, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=target, args=(*arguments, theirs), daemon=True)
            process.start()
            pipe.recv()
            self._pipes.append(pipe)
            self._processes.append(process)

    def stop(self) -> tuple[dict[tuple[str, int], float], int]:
        """End them; return ({(job, bytes): epoch seconds}, bytes that the many took)."""
        for pipe in self._pipes:
            pipe.send(None)
        taken_bytes, seen = (pipe.recv() for pipe in self._pipes)
        for process in self._processes:
            process.join()
        return seen, taken_bytes


def _stream(url: str) -> socket.socket:
    place = urlsplit(url)
    way = socket.create_connection((str(place.hostname), place.port or 80), timeout=60)
    way.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
    return way


def _take_all(url: str, count: int, pipe: Connection) -> None:
    """Take what many streams give, at the least cost, until told to stop."""
    room, taken_bytes, ways = bytearray(_READ_BYTES), 0, selectors.DefaultSelector()
    for _ in range(count):
        ways.register(_stream(url), selectors.EVENT_READ)
    pipe.send(None)
    while not pipe.poll():
        for key, _ in ways.select(0.1):
            length = key.fileobj.recv_into(room)  # type: ignore[union-attr] # a socket
            if not length:
                raise SystemExit("a stream ended early")
            taken_bytes += length
    pipe.send(taken_bytes)


def _note_one(url: str, pipe: Connection) -> None:
    """Read one stream; note when which bytes of which job were told first."""
    seen: dict[tuple[str, int], float] = {}
    lines = _stream(url).makefile("rb")
    pipe.send(None)
    while not pipe.poll():
        line = lines.readline()
        if not line:
            raise SystemExit("a stream ended early")
        if line.startswith(b'data: {"job_id"'):
            epoch_s, row = time.time(), json.loads(line[6:])
            if row["bytes_transferred"] is not None:
                seen.setdefault((row["job_id"], row["bytes_transferred"]), epoch_s)
    pipe.send(seen)


def commits(database: DatabaseAddress, job_ids: list[str], seconds: float) -> dict[tuple[str, int], float]:
    """Return when which bytes of which job could be seen in the database first."""
    marks = ", ".join("?" * len(job_ids))
    sql = f"SELECT id, bytes_transferred FROM replication_jobs WHERE id IN ({marks})"  # noqa: S608 - marks
    seen: dict[tuple[str, int], float] = {}
    end_s = time.monotonic() + seconds
    with closing(connect(database, autocommit=True)) as connection, closing(connection.cursor()) as cursor:
        while time.monotonic() < end_s:
            cursor.execute(sql, tuple(job_ids))
            epoch_s = time.time()
            for job_id, moved_bytes in cursor.fetchall():
                seen.setdefault((job_id, int(moved_bytes)), epoch_s)
            time.sleep(_LOOK_S)
    first = min(seen.values(), default=0.0)
    return {key: epoch_s for key, epoch_s in seen.items() if epoch_s > first}


def api_url(poller: MeasuredPoller) -> str:
    """Return where the API listens, as the poller's log has it."""
    for line in poller.log.read_text().splitlines():
        if '"API listening"' in line:
            return str(json.loads(line)["url"])
    raise SystemExit("the poller's API does not listen")


def window(poller: MeasuredPoller, seconds: float) -> tuple[float, float]:
    """Return (CPU seconds a second, CPU ms per 1,000 job polls) of the poller."""
    polls, cpu_s, began_s = poller.counts().polls, poller.cpu_s, time.monotonic()
    time.sleep(seconds)
    spent_s, took_s = poller.cpu_s - cpu_s, time.monotonic() - began_s
    return spent_s / took_s, spent_s * 1e6 / max(1, poller.counts().polls - polls)


def main() -> int:
    """Print the figures; the exit status is 1 where the readers cost more than they may."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    fleet = Fleet(asked.jobs)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oma-events-")))
        database = DatabaseAddress(Engine.SQLITE, str(folder / "oma.db"))
        fleet.fill(database)
        port, _ = stack.enter_context(bulk_vmas({vma_address(0): fleet.volumes_of(0)}, INTERVAL_S))
        settings = {
            "OMA_DATABASE_URL": OmaDatabase(database).url,
            "OMA_API_LISTEN": "127.0.0.1:0",
            "VMA_PROGRESS_POLL_INTERVAL": f"{INTERVAL_S:g}s",
            "VMA_PROGRESS_MAX_CONCURRENT": "10000",
            "VMA_PROGRESS_CLIENT_URL": f"http://{vma_address(0)}:{port}",
        }
        poller = stack.enter_context(measured_poller(folder, settings))
        poller.wait_for_polls(3 * asked.jobs, 60)
        alone, alone_bytes = window(poller, asked.seconds), poller.resident_bytes
        readers = Readers(api_url(poller), asked.readers)
        time.sleep(2)
        began_s = time.monotonic()
        read = window(poller, asked.seconds)
        took_s = time.monotonic() - began_s
        read_bytes = poller.resident_bytes
        job_ids = [fleet.job_id(job) for job in range(0, asked.jobs, max(1, asked.jobs // _SAMPLED))]
        committed = commits(database, job_ids, asked.seconds / 2)
        time.sleep(2)
        told, taken_bytes = readers.stop()
    delays_s = [told[key] - at_s for key, at_s in committed.items() if key in told]
    print(f"{asked.jobs:,} jobs that all move every {INTERVAL_S:g} s, {asked.readers} readers of everything")
    for what, figures, memory in (("without", alone, alone_bytes), ("with", read, read_bytes)):
        share, each = figures
        print(
            f"  {what} readers: {share:.1%} of a core, {each:.0f} ms per 1,000 polls, {memory / 1e6:.0f} MB"
        )
    cost = read[0] - alone[0]
    print(f"  the readers cost {cost:.1%} of a core (allowed {GOAL_SHARE:.0%}); {took_s:.0f} s measured")
    print(f"  they took {taken_bytes / 1e6:,.0f} MB in all")
    print(
        f"  row committed to event read: p50 {1000 * share_of(delays_s, 0.5):.0f} ms,"
        f" p99 {1000 * share_of(delays_s, 0.99):.0f} ms, {len(delays_s)} of {len(committed)} values told"
    )
    return 0 if cost <= GOAL_SHARE else 1


if __name__ == "__main__":
    raise SystemExit(main())
