"""What the work costs with nothing around it: wrk, a bare loop of the same HTTP client, a bare UPDATE."""

import json
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pycurl  # type: ignore[import-untyped] # pycurl ships no types
from fleet import Fleet
from moving_entry import EXPORT, volume_id
from nginx_vma import nginx_vma

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import connect
from oma_poller.vma.address import PROGRESS_PATH

WRK = shutil.which("wrk")
IN_FLIGHT = 50
ROWS = 200
"""As many rows a statement as the poller has at 1,000 polls a second and a flush in 200 ms."""
_KEYS = 1000
_UPDATE = """
UPDATE replication_jobs SET progress_percent = t.percent, bytes_transferred = t.bytes,
    total_bytes = t.total, transfer_speed_bps = t.speed, current_operation = t.operation,
    updated_at = CURRENT_TIMESTAMP
FROM (SELECT value ->> 0 AS id, value ->> 1 AS percent, value ->> 2 AS bytes, value ->> 3 AS total,
        value ->> 4 AS speed, value ->> 5 AS operation FROM json_each(?)) AS t
WHERE replication_jobs.id = t.id AND +replication_jobs.status IN ('queued', 'running', 'replicating')
"""


def cpu_ms(run: Callable[[], None]) -> float:
    """Return the CPU time of this process, all threads, that `run` takes."""
    before = time.process_time()
    run()
    return (time.process_time() - before) * 1000


def wrk_ms(url: str, seconds: int) -> float:
    """Return wrk's CPU in ms per 1,000 requests."""
    command = [WRK or "wrk", "-t1", f"-c{IN_FLIGHT}", f"-d{seconds}s", f"{url}{PROGRESS_PATH}{EXPORT}1"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    requests = re.search(r"(\d+) requests in", done.stdout)
    if requests is None:
        raise ValueError(f"wrk said {done.stdout!r}")
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent_s * 1e6 / int(requests[1])


def bare_curl_ms(url: str, requests: int, in_flight: int = IN_FLIGHT) -> float:
    """Return the CPU in ms per 1,000 requests of the least that CurlMulti needs, over many keys."""
    return cpu_ms(lambda: fetch_all(url, requests, in_flight)) * 1000 / requests


def fetch_all(url: str, requests: int, in_flight: int) -> None:
    """Fetch, and look at nothing; raises ConnectionError for a request that fails."""
    urls = [f"{url}{PROGRESS_PATH}{EXPORT}{volume_id(number)}" for number in range(_KEYS)]
    multi = pycurl.CurlMulti()
    begun, done = 0, 0
    idle = [_handle() for _ in range(in_flight)]
    while done < requests:
        while idle and begun < requests:
            curl = idle.pop()
            curl.setopt(pycurl.URL, urls[begun % _KEYS])
            multi.add_handle(curl)
            begun += 1
        multi.perform()
        queued = 1
        while queued:
            queued, finished, failed = multi.info_read()
            if failed:
                raise ConnectionError(str(failed[0][2]))
            for curl in finished:
                done += 1
                multi.remove_handle(curl)
                idle.append(curl)
        multi.select(1.0)


def _handle() -> "pycurl.Curl":
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.NOPROXY, "*")
    curl.setopt(pycurl.WRITEFUNCTION, len)
    return curl


def bare_update_ms(fleet: Fleet, rounds: int) -> float:
    """Return the CPU in ms per 1,000 rows of a bare UPDATE of an SQLite file, joined to JSON."""
    with tempfile.TemporaryDirectory(prefix="oma-bench-") as name:
        database = DatabaseAddress(Engine.SQLITE, str(Path(name) / "oma.db"))
        fleet.fill(database)
        with closing(connect(database)) as connection, closing(connection.cursor()) as cursor:

            def run() -> None:
                for turn in range(rounds):
                    first = turn * ROWS % fleet.jobs
                    jobs = range(first, min(first + ROWS, fleet.jobs))
                    rows = [
                        (fleet.job_id(job), 0.01 * turn, turn, 2**41, 10**6, "Transferring Data")
                        for job in jobs
                    ]
                    cursor.execute(_UPDATE, (json.dumps(rows),))
                    connection.commit()

            return cpu_ms(run) * 1000 / (rounds * min(ROWS, fleet.jobs))


def http_yardsticks(repeats: int, seconds: int, requests: int) -> tuple[list[float], list[float]]:
    """Return the figures of wrk (none where it is not installed) and of the bare loop, in turn."""
    wrk: list[float] = []
    curl: list[float] = []
    with nginx_vma() as url:
        for _ in range(repeats):
            if WRK is not None:
                wrk.append(wrk_ms(url, seconds))
            curl.append(bare_curl_ms(url, requests))
    return wrk, curl
