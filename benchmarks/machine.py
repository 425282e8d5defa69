"""What a figure was measured on: the day, the machine, the versions."""

import os
import platform
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pycurl  # type: ignore[import-untyped] # pycurl ships no types
from nginx_vma import PROGRAM as NGINX

from oma_poller import __version__


def described() -> str:
    """Return it in a few lines."""
    memory_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    load = ", ".join(f"{load:.2f}" for load in os.getloadavg())
    versions = (
        f"oma-poller {__version__}",
        f"{platform.python_implementation()} {platform.python_version()}",
        str(pycurl.version).split()[1],
        f"msgspec {msgspec.__version__}",
        f"SQLite {sqlite3.sqlite_version}",
        _said("mariadbd", "--version"),
        _said(NGINX or "nginx", "-v"),
        _said("wrk", "-v"),
    )
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores of {_processor()},"
        f" {memory_gb:.0f} GB, Linux {platform.release()}, load {load}\n" + ", ".join(filter(None, versions))
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _said(program: str, option: str) -> str:
    """Return the first line that a program says of itself; empty where it is not there."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if path is None:
        return ""
    done = subprocess.run([path, option], check=False, capture_output=True, text=True)
    return (
        (done.stdout + done.stderr).splitlines()[0].partition("Copyright")[0].replace(path, program).strip()
    )
