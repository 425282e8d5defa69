"""The real program between an OMA and a scripted VMA, and what its API answers."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from oma_database import OmaDatabase
from patience import PATIENCE_S, until
from poller_process import RunningPoller, running
from scripted_vma import ScriptedVma, entry, serving

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.upgrade import upgrade

QUICK = {
    "VMA_PROGRESS_POLL_INTERVAL": "50ms",
    "VMA_PROGRESS_DISCOVERY_INTERVAL": "50ms",
    "VMA_PROGRESS_STARTUP_GRACE": "100ms",
    "VMA_PROGRESS_PARKED_RETRY": "off",
    "VMA_PROGRESS_MAX_ERRORS": "100",
    "OMA_API_LISTEN": "127.0.0.1:0",
}
_BUSY = 429


class Reply(NamedTuple):
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def document(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """The one line of an error."""
        assert self.headers["content-type"] == "application/problem+json", self
        problem = self.document
        assert (problem["status"], problem["type"]) == (self.status, "about:blank")
        assert str(problem["detail"]).isprintable()
        return str(problem["detail"])


def path_of(job_id: str, before: str = "/api/v1/progress/", after: str = "") -> str:
    """Return the path of a job, its id percent-encoded as one segment."""
    return f"{before}{quote(job_id, safe='')}{after}"


class ApiWorld:
    """A program that runs, what it works on, and how it is asked."""

    def __init__(self, oma: OmaDatabase, vma: ScriptedVma, poller: RunningPoller) -> None:
        self.oma = oma
        self.vma = vma
        self.poller = poller
        self.url: str = poller.wait_for("API listening")["url"]

    def ask(self, path: str, method: str = "GET", **headers: str) -> Reply:
        """Send one request, its path as it is; `_` stands for `-` in the headers' names."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}

        def answers() -> list[Reply]:
            reply = self._ask(method, path, sent)
            return [] if reply.status == _BUSY else [reply]

        return until(answers, "an answer that is not 429")[0]

    def _ask(self, method: str, path: str, headers: Mapping[str, str]) -> Reply:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        way = HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_S)
        try:
            way.request(method, path, headers=dict(headers))
            answer = way.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, named, answer.read())
        finally:
            way.close()

    def moves(self, job_id: str, moved_bytes: int, total_bytes: int = 1000, **fields: object) -> None:
        """Let the VMA say that so much of a job's one disk is there."""
        moves(self.vma, job_id, moved_bytes, total_bytes, **fields)

    def row(self, job_id: str) -> Any:  # noqa: ANN401 - a JSON object, or nothing
        """Return the row of a job in the list; None where it is not there."""
        rows = self.ask("/api/v1/progress?limit=10000").document["jobs"]
        return next((row for row in rows if row["job_id"] == job_id), None)

    def wait_for(self, job_id: str, **values: object) -> Any:  # noqa: ANN401 - a JSON object
        """Return the row of a job, once it has these values."""

        def seen() -> Any:  # noqa: ANN401 - as above
            row = self.row(job_id)
            return row if row and all(row[name] == value for name, value in values.items()) else None

        return until(seen, f"{job_id} with {values}")


def volume_of(job_id: str) -> str:
    """Return the volume of a job's one disk: any id, whatever it is made of."""
    return f"v-{job_id.encode().hex()[:60]}"


def moves(vma: ScriptedVma, job_id: str, moved_bytes: int, total_bytes: int = 1000, **fields: object) -> None:
    """Let a VMA say that so much of a job's one disk is there."""
    key = f"migration-vol-{volume_of(job_id)}"
    told = {"bytes_transferred": moved_bytes, "total_bytes": total_bytes, **fields}
    vma.entries[key] = entry(key, **told)


def sqlite_oma(folder: Path, *, own_tables: bool = True) -> OmaDatabase:
    """Return an OMA without jobs in a file of *folder*."""
    oma = OmaDatabase(DatabaseAddress(Engine.SQLITE, str(folder / "oma.db"))).create()
    if own_tables:
        upgrade(oma.address)
    return oma


@contextmanager
def api_world(folder: Path, oma: OmaDatabase, vma: ScriptedVma, **settings: str) -> Iterator[ApiWorld]:
    """Run the program on an OMA and a VMA."""
    with serving(vma) as vma_url:
        own = {"OMA_DATABASE_URL": oma.url, "VMA_PROGRESS_CLIENT_URL": vma_url}
        with running(folder, QUICK | own | settings) as poller:
            yield ApiWorld(oma, vma, poller)
