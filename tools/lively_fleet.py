"""A fleet of jobs of every kind, for looking at: most copy, some do what jobs do on a bad night."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from math import sin
from pathlib import Path
from time import monotonic
from typing import Any

from many_rows import add_jobs, export_of
from msgspec import Struct
from oma_database import GIB
from page_world import sqlite_oma
from poller_process import RunningPoller, running
from scripted_vma import ScriptedVma, entry, serving

MIB = 2**20
_ROLES = ("web", "db", "files", "mail", "build", "erp", "proxy", "auth", "queue", "cache")
_ODD = {
    3: "standing",
    8: "gone",
    13: "earlier",
    17: "unknown",
    21: "setup",
    22: "setup",
    26: "failing",
    30: "queued",
    33: "ending",
}
_EARLIER = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
_FAR = (35, 36, 37)
"""On a VMA that goes down."""
_OPENED = 31
"""The one whose picture is taken: it is small, and gets on quickly."""
_HARMFUL = 5
"""The one whose name is a script."""
_STANDS_AFTER_S, _GONE_AFTER_S, _FAILS_AFTER_S = 5.0, 6.0, 12.0
_SETTINGS = {
    "VMA_PROGRESS_POLL_INTERVAL": "1s",
    "VMA_PROGRESS_DISCOVERY_INTERVAL": "1s",
    "VMA_PROGRESS_STALL_AFTER": "8s",
    "VMA_PROGRESS_STARTUP_GRACE": "3s",
    "VMA_PROGRESS_MAX_CONCURRENT": "40",
    "OMA_API_LISTEN": "127.0.0.1:0",
}


class LivelyJob(Struct, frozen=True):
    """One job: what it does, and how fast."""

    job_id: str
    name: str
    kind: str
    sizes_bytes: tuple[int, ...]
    rate_bps: float
    from_bytes: int

    def moved_bytes(self, place: int, passed_s: float) -> int:
        """Return what is there of a disk after so many seconds."""
        size = self.sizes_bytes[place]
        wave = self.rate_bps * (passed_s + 2 * sin(passed_s / 3 + len(self.name)) + 2)
        return min(size - MIB if self.kind != "ending" else size, int(self.from_bytes / (place + 1) + wave))

    def entry(self, place: int, passed_s: float) -> dict[str, Any] | None:
        """Return what the VMA says of a disk; None where it knows nothing."""
        key, size = export_of(self.job_id, place), self.sizes_bytes[place]
        if self.kind == "unknown" or (self.kind == "gone" and passed_s > _GONE_AFTER_S):
            return None
        if self.kind == "setup":
            told = {"status": "preparing", "phase": "Snapshot", "percentage": 15}
            return entry(key, current_operation="Creating Snapshot", total_bytes=size, **told)
        if self.kind == "queued":
            return entry(key, status="Queued", phase="Queued", current_operation="Queued", total_bytes=size)
        if self.kind == "earlier":
            return self._earlier(key, size)
        moved = self.moved_bytes(
            place, min(passed_s, _STANDS_AFTER_S) if self.kind == "standing" else passed_s
        )
        told = {"bytes_transferred": moved, "total_bytes": size, "percentage": 100.0 * moved / size}
        if self.kind == "failing" and passed_s > _FAILS_AFTER_S:
            told |= {"status": "failed", "last_error": "NBD server closed the connection: export in use"}
        if self.kind == "ending" and moved >= size:
            told |= {"status": "completed", "phase": "Completed", "current_operation": "Completed"}
        return entry(key, **told)

    @staticmethod
    def _earlier(key: str, size: int) -> dict[str, Any]:
        timing = {"start_time": _EARLIER, "last_update": "", "elapsed_ms": 1, "eta_seconds": 0}
        told = {"bytes_transferred": size // 2, "total_bytes": size, "percentage": 50, "timing": timing}
        return entry(key, **told)


def lively_jobs(number: int = 40) -> tuple[LivelyJob, ...]:
    """Return so many jobs, always the same."""
    return tuple(_job(place) for place in range(number))


def _job(place: int) -> LivelyJob:
    kind = _ODD.get(place, "far" if place in _FAR else "copying")
    sizes = tuple((40 + 37 * ((place + disk) % 9)) * GIB for disk in range(1 + place % 3))
    if kind == "ending":
        sizes = (2 * GIB,)
    if place == _OPENED:
        sizes = (24 * GIB, 30 * GIB)
    return LivelyJob(
        job_id=f"job-2026112{place % 10}-{0xA3F1 * (place + 7) % 65536:04x}{place:02d}",
        name="<script>alert(1)</script>"
        if place == _HARMFUL
        else f"{_ROLES[place % 10]}-{place // 10 + 1:02d}",
        kind=kind,
        sizes_bytes=sizes,
        rate_bps=(18 + 13 * (place * 7 % 11)) * MIB,
        from_bytes=int(min(sizes) * ((place * 29 % 83) / 100)) if kind != "ending" else GIB,
    )


class LivelyVma(ScriptedVma):
    """Says of each disk what its job does by now."""

    def __init__(self, jobs: tuple[LivelyJob, ...]) -> None:
        super().__init__()
        self._began_s = monotonic()
        self._disks = {
            export_of(job.job_id, place): (job, place)
            for job in jobs
            for place in range(len(job.sizes_bytes))
        }
        self.answer = self._answer

    def _answer(self, key: str) -> tuple[int, bytes, dict[str, str]] | None:
        job, place = self._disks.get(key, (None, 0))
        told = job.entry(place, monotonic() - self._began_s) if job else None
        if told is None:
            self.entries.pop(key, None)
        else:
            self.entries[key] = told
        return None


@contextmanager
def lively_poller(folder: Path) -> Iterator[tuple[RunningPoller, ExitStack]]:
    """Run the program on such a fleet; closing the stack takes the second VMA down."""
    jobs = lively_jobs()
    oma = sqlite_oma(folder)
    for job in jobs:
        host = "vc.south" if job.kind == "far" else "vc.north"
        add_jobs(oma, [job.job_id], job.sizes_bytes, {"source_vm_name": job.name, "vcenter_host": host})
    vma = LivelyVma(jobs)
    with serving(vma) as url, ExitStack() as south:
        second = south.enter_context(serving(vma))
        table = f'[[vma]]\nname = "south"\nurl = "{second}"\nmatch = {{ vcenter_host = "vc.south" }}\n'
        (folder / "oma-poller.toml").write_text(table, "utf-8")
        settings = _SETTINGS | {"OMA_DATABASE_URL": oma.url, "VMA_PROGRESS_CLIENT_URL": url}
        with running(folder, settings) as poller:
            yield poller, south
