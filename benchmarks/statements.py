"""How many SQL statements a poll costs MariaDB, by the server's own counters.

    python benchmarks/statements.py [--jobs 1000] [--seconds 60] [--interval 5]

A MariaDB server of its own holds the jobs, two disks each; a VMA process answers every key with moving
bytes; `oma-poller run` stands between them as in production. Counted are all statements the server was
sent (`Questions`) between two moments of steady running, against the job polls in that time.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pymysql
from mariadb_server import MariadbServer
from moving_vma import moving_vma
from oma_database import OmaDatabase

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.oma_schema import init
from oma_poller.database.upgrade import upgrade

DISKS = 2
COUNTERS = (
    "Questions",
    "Com_select",
    "Com_update_multi",
    "Com_update",
    "Com_insert",
    "Com_insert_select",
    "Com_commit",
)
POLLS_AT_LEAST = 2
BOUND = 0.1


def fill(address: DatabaseAddress, jobs: int) -> None:
    """Make the OMA's tables and ours, and insert running jobs with their disks."""
    init(address)
    upgrade(address)
    volumes = [(f"vol-{job:06}-{disk}", "v", 10, "attached") for job in range(jobs) for disk in range(DISKS)]
    rows = [
        (f"job-{job:06}", f"vm-{job}", f"vm-{job}", "/vm", "initial", "n", "running") for job in range(jobs)
    ]
    disks = [
        (
            f"job-{job:06}",
            str(2000 + disk),
            "[ds] d",
            10,
            10 * 2**30,
            disk,
            "d",
            job * DISKS + disk + 1,
            "pending",
        )
        for job in range(jobs)
        for disk in range(DISKS)
    ]
    with closing(
        pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password.encode(),
            database=address.name,
        )
    ) as connection:
        cursor = connection.cursor()
        cursor.executemany(
            "INSERT INTO ossea_volumes (volume_id, volume_name, size_gb, status) VALUES (%s, %s, %s, %s)",
            volumes,
        )
        cursor.executemany(
            "INSERT INTO replication_jobs (id, source_vm_id, source_vm_name, source_vm_path,"
            " replication_type, target_network, status) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
        cursor.executemany(
            "INSERT INTO vm_disks (job_id, disk_id, vmdk_path, size_gb, capacity_bytes, unit_number, label,"
            " ossea_volume_id, sync_status) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            disks,
        )
        connection.commit()


def counters(server: MariadbServer) -> dict[str, int]:
    """Return the server's counters; asking is itself one question."""
    rows = server.query("SHOW GLOBAL STATUS")
    found = {str(name): str(value) for name, value in rows}
    return {name: int(found[name]) for name in COUNTERS}


def wait_until(reached: Callable[[], bool], seconds: float) -> None:
    """Return once *reached*; exit where it takes too long."""
    deadline_s = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline_s:
            sys.exit("statements: the poller did not get going")
        time.sleep(0.1)


def measure(
    server: MariadbServer, settings: Mapping[str, str], jobs: int, seconds: float, interval_s: float
) -> None:
    """Run the poller for *seconds* and print what it cost."""
    with moving_vma() as (url, served):
        environment = os.environ | settings | {"VMA_PROGRESS_CLIENT_URL": url, "LOG_FORMAT": "json"}
        command = [sys.executable, "-m", "oma_poller", "run"]
        poller = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: served.value >= jobs * DISKS * POLLS_AT_LEAST, 60 + 2 * interval_s)
            before, served_before, began_s = counters(server), served.value, time.monotonic()
            time.sleep(seconds)
            after, polls = counters(server), (served.value - served_before) / DISKS
            elapsed_s = time.monotonic() - began_s
        finally:
            poller.send_signal(signal.SIGTERM)
            poller.wait()
    statements = after["Questions"] - before["Questions"] - 1
    version = server.query("SELECT VERSION()")[0][0]
    print(f"{jobs} jobs of {DISKS} disks, {interval_s:g} s interval, {elapsed_s:.0f} s, MariaDB {version}")
    print(f"  job polls             {polls:9.0f}")
    print(f"  statements            {statements:9}")
    print(f"  statements a job poll {statements / polls:9.4f}   (to stay far below {BOUND:g}; six before)")
    for name in COUNTERS[1:]:
        print(f"    {name:<20}{after[name] - before[name]:9}")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--interval", type=float, default=5)
    arguments = parser.parse_args()
    server = MariadbServer()
    try:
        address = server.address(server.create_database())
        fill(address, arguments.jobs)
        settings = {
            "OMA_DATABASE_URL": OmaDatabase(address).url,
            "VMA_PROGRESS_POLL_INTERVAL": f"{arguments.interval * 1000:.0f}ms",
            "VMA_PROGRESS_MAX_CONCURRENT": "50",
            "PYTHONPATH": str(Path(__file__).parents[1] / "src"),
        }
        measure(server, settings, arguments.jobs, arguments.seconds, arguments.interval)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
