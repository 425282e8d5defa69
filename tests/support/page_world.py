"""The real program between an OMA and a scripted VMA, for a browser to look at."""

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from many_rows import add_jobs, export_of
from oma_database import GIB, OmaDatabase
from patience import PATIENCE_S
from playwright.sync_api import Page
from poller_process import RunningPoller, running
from scripted_vma import ScriptedVma, entry, serving

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.upgrade import upgrade

SIZE_BYTES = 10 * GIB
QUICK = {
    "VMA_PROGRESS_POLL_INTERVAL": "200ms",
    "VMA_PROGRESS_DISCOVERY_INTERVAL": "200ms",
    "VMA_PROGRESS_STARTUP_GRACE": "200ms",
    "VMA_PROGRESS_STALL_AFTER": "1h",
}
PATIENCE_MS = PATIENCE_S * 1000


def sqlite_oma(folder: Path) -> OmaDatabase:
    """Return an OMA with the program's own tables."""
    oma = OmaDatabase(DatabaseAddress(Engine.SQLITE, str(folder / "oma.db"))).create()
    upgrade(oma.address)
    return oma


class PageWorld:
    """Begins with nothing in the database; the program runs from `start` on."""

    def __init__(self, folder: Path) -> None:
        self.oma = sqlite_oma(folder)
        self.vma = ScriptedVma()
        self.url = ""
        self._folder = folder
        self._stack = ExitStack()
        self._vma_stack = ExitStack()
        self._vma_url = self._vma_stack.enter_context(serving(self.vma))
        self._poller: RunningPoller | None = None

    def add(self, job_id: str, moved_bytes: int = 0, *, name: str = "", **columns: object) -> str:
        """Add a job of one disk that has moved so much."""
        add_jobs(self.oma, [job_id], [SIZE_BYTES], {"source_vm_name": name or job_id, **columns})
        return self.moves(job_id, moved_bytes)

    def moves(self, job_id: str, moved_bytes: int, *, key: str = "", **fields: object) -> str:
        """Let the VMA say, under a key or that of the job's disk, that so much is there."""
        key = key or export_of(job_id)
        told = {"bytes_transferred": moved_bytes, "total_bytes": SIZE_BYTES}
        percent = {"percentage": 100 * moved_bytes / SIZE_BYTES}
        self.vma.entries[key] = entry(key, **(told | percent | fields))
        return job_id

    def start(self, **settings: str) -> str:
        """Run the program, at the address it had before where it ran before; return the page's address."""
        own = {
            "OMA_DATABASE_URL": self.oma.url,
            "VMA_PROGRESS_CLIENT_URL": self._vma_url,
            "OMA_API_LISTEN": urlsplit(self.url).netloc or "127.0.0.1:0",
        }
        self._poller = self._stack.enter_context(running(self._folder, QUICK | own | settings))
        self.url = self._poller.wait_for("API listening")["url"]
        return self.url

    def stop(self) -> None:
        """End the program."""
        assert self._poller is not None
        self._poller.stop()

    def take_the_vma_down(self) -> None:
        """Let nobody answer where the VMA was."""
        self._vma_stack.close()

    def close(self) -> None:
        """End everything."""
        self._stack.close()
        self._vma_stack.close()


class Watched:
    """A page, and what must never be: errors on its console, and requests to other hosts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))

    def forget_lost_connections(self) -> None:
        """Chromium writes each request that found no server to the console; a test took it away."""
        mild = ("net::ERR_", "Failed to load resource: the server responded with a status of 401")
        self.errors = [error for error in self.errors if not any(word in error for word in mild)]
