"""An OMA's database, a VMA, and the real poller between them, watched from its start to its end."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from faulty_mariadb import RestrictedOma
from faulty_vma import FaultyVma
from job_truth import JobTruth
from many_rows import add_jobs, export_of
from moving_copy import Copy
from oma_database import OmaDatabase
from patience import PATIENCE_S, until
from poller_process import RunningPoller, running
from process_upkeep import ProcessUpkeep
from row_promises import RowPromises
from row_sampler import RowSampler

from oma_poller.database.address import Engine
from oma_poller.database.upgrade import upgrade
from oma_poller.model.policy import TERMINAL_STATUSES

MIB = 2**20
INTERVAL_S = 0.2
MAX_CONCURRENT = 10
"""The default: no scenario changes it."""
QUICK = {
    "VMA_PROGRESS_POLL_INTERVAL": "200ms",
    "VMA_PROGRESS_DISCOVERY_INTERVAL": "200ms",
    "VMA_PROGRESS_HTTP_TIMEOUT": "1s",
    "VMA_PROGRESS_STARTUP_GRACE": "1s",
    "VMA_PROGRESS_COMPLETION_HOLD": "1s",
    "VMA_PROGRESS_STALL_AFTER": "60s",
    "VMA_PROGRESS_PARKED_RETRY": "1s",
    "OMA_API_LISTEN": "127.0.0.1:0",
}
_MOST_MEMORY_BYTES = 160 * MIB
_MOST_GROWTH_BYTES = 48 * MIB
_LINES, _LINES_A_JOB = 40, 4
"""The log may have so many lines, and so many more a job; twice as many of each of the first 20 jobs."""
_FEW_JOBS = 20


class FaultWorld:
    """Jobs whose copies stand until a scenario moves them. `truth` is told what really happens."""

    def __init__(self, oma: OmaDatabase, folder: Path) -> None:
        self.oma = oma
        self.vma = FaultyVma()
        self.vma.come_up()
        self.truth = JobTruth()
        self.promises = RowPromises(self.truth)
        self.folder = folder
        self.copies: dict[str, tuple[Copy, ...]] = {}
        self.settings: dict[str, str] = {}
        self._poller: RunningPoller | None = None
        self._upkeep: ProcessUpkeep | None = None
        self._held: tuple[int, dict[str, int]] = (0, {})
        self._began_bytes = 0
        self._known_warnings = 0
        upgrade(oma.address)

    @property
    def engine(self) -> str:
        """The name of the engine of the database."""
        return "mariadb" if self.oma.address.engine is Engine.MYSQL else "sqlite"

    @property
    def poller(self) -> RunningPoller:
        """The poller that runs."""
        assert self._poller is not None
        return self._poller

    @property
    def server(self) -> RestrictedOma:
        """The OMA, where it is on MariaDB."""
        assert isinstance(self.oma, RestrictedOma)
        return self.oma

    def add(
        self, *job_ids: str, sizes_bytes: Sequence[int] = (1000,), moved: float = 0.1, **columns: object
    ) -> None:
        """Insert jobs with a copy for each disk, all of which stand at the share *moved*."""
        for job_id in job_ids:
            self._add_copies(job_id, sizes_bytes, moved)
        add_jobs(self.oma, job_ids, sizes_bytes, columns)

    def _add_copies(self, job_id: str, sizes_bytes: Sequence[int], moved: float) -> None:
        completed: set[int] = set()

        def note(place: int) -> None:
            completed.add(place)
            if len(completed) == len(sizes_bytes):
                self.truth.may_end(job_id, "completed")

        copies = tuple(
            Copy(export_of(job_id, place), size_bytes, lambda place=place: note(place))  # type: ignore[misc] # mypy takes no default for Callable[[], None]
            for place, size_bytes in enumerate(sizes_bytes)
        )
        for copy in copies:
            copy.stands_at(int(copy.total_bytes * moved))
            self.vma.copies[copy.key] = copy
        self.copies[job_id] = copies

    def copy(self, job_id: str) -> Copy:
        """Return the copy of a job's first disk."""
        return self.copies[job_id][0]

    def end_all(self, takes_s: float = 0.5) -> None:
        """Let every copy move to its end."""
        for copies in self.copies.values():
            for copy in copies:
                copy.moves(takes_s)

    @contextmanager
    def polling(self, **settings: str) -> Iterator[RunningPoller]:
        """Run the poller; then it must end in order, and nothing that was promised may be broken."""
        with self.watching(), self.process(**settings) as poller:
            yield poller
            self.stop()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the rows all the time; what was promised of them must hold at the end."""
        sampler = RowSampler(self.oma, self.promises)
        sampler.begin()
        try:
            yield
        finally:
            sampler.end()
        assert sampler.samples, "the rows were never seen"
        assert not self.promises.broken, self.promises.broken

    @contextmanager
    def process(self, **settings: str) -> Iterator[RunningPoller]:
        """Run the poller until the block ends, with its memory watched."""
        all_settings = QUICK | {"OMA_DATABASE_URL": self.oma.url, "VMA_PROGRESS_CLIENT_URL": self.vma.url}
        all_settings |= self.settings | settings
        with running(self.folder, all_settings) as self._poller:
            self._known_warnings = 0
            self._upkeep = ProcessUpkeep(self._poller.process.pid)
            self._upkeep.begin()
            try:
                yield self._poller
            finally:
                self._upkeep.end()

    def settled(self, *job_ids: str) -> None:
        """Wait until jobs, all unless named, have their first numbers; note what the poller holds then."""
        self.wait_for_numbers(*job_ids)
        upkeep = self._watched()
        self._held = (upkeep.threads, dict(self._open_files()))
        self._began_bytes = upkeep.resident_bytes
        self._known_warnings = len(self._all_warnings())

    def wait_for_numbers(self, *job_ids: str) -> None:
        """Wait until the rows of jobs, all unless named, show what their copies have moved, and are fresh."""
        wanted = job_ids or tuple(self.copies)
        until(lambda: all(row["seen"] for row in self._rows(wanted)), "the numbers of all jobs")

    def _rows(self, job_ids: Sequence[str]) -> list[dict[str, bool]]:
        rows = self.oma.execute(
            "SELECT id, bytes_transferred, status, vma_error_classification AS seen FROM replication_jobs"
        )
        moved = {job_id: sum(copy.moved_bytes for copy in self.copies[job_id]) for job_id in job_ids}
        return [
            {"seen": row["bytes_transferred"] == moved[row["id"]] and row["seen"] in {None, "fresh"}}
            for row in rows
            if row["id"] in moved
        ]

    def calm(self) -> str:
        """Wait until the poller holds what it held when it was settled; return that in words."""
        upkeep, (threads, files) = self._watched(), self._held
        until(lambda: upkeep.threads == threads, f"{threads} threads as at the start")
        for kind in ("others", "database"):
            self._wait_for_files(kind, files.get(kind, 0))
        assert self.vma_connections <= MAX_CONCURRENT
        grown = upkeep.most_bytes - self._began_bytes
        assert upkeep.most_bytes < _MOST_MEMORY_BYTES, upkeep.most_bytes
        assert grown < _MOST_GROWTH_BYTES, grown
        return "threads and open files back to the start"

    def _wait_for_files(self, kind: str, most: int) -> None:
        until(lambda: self._open_files().get(kind, 0) <= most, f"{most} open files ({kind}) as at the start")

    @property
    def vma_connections(self) -> int:
        """Connections of the poller to the VMA."""
        return self._open_files().get("vma", 0)

    def _watched(self) -> ProcessUpkeep:
        assert self._upkeep is not None
        return self._upkeep

    def _open_files(self) -> dict[str, int]:
        ports = {self.vma.port: "vma"}
        if isinstance(self.oma, RestrictedOma):
            ports[self.oma.server.port] = "database"
        return self._watched().open_files(ports)

    def wait_for_end(self, *job_ids: str, status: str = "completed") -> None:
        """Wait until jobs, all unless named, have this status."""
        wanted = set(job_ids or self.copies)

        def ended() -> bool:
            statuses = self.oma.statuses()
            return all(statuses[job_id] == status for job_id in wanted)

        until(ended, f"{len(wanted)} jobs {status}")

    def observation(self, job_id: str) -> str:
        """Return how the row says that a job is seen; "fresh" where it has nothing to say."""
        return self.oma.job(job_id)["vma_error_classification"] or "fresh"

    def see(self, job_id: str, observation: str) -> None:
        """Wait until a job is seen so."""
        until(lambda: self.observation(job_id) == observation, f"{job_id} {observation}")

    def intervals(self, number: float) -> None:
        """Let so many poll intervals pass."""
        end_s = monotonic() + number * INTERVAL_S
        until(lambda: monotonic() >= end_s, "the time to pass", PATIENCE_S * 4)

    def warnings(self) -> list[str]:
        """Return the events that the poller's log has warned of since it was settled."""
        return self._all_warnings()[self._known_warnings :]

    def _all_warnings(self) -> list[str]:
        return [line["event"] for line in self.poller.lines if line["level"] in {"warning", "error"}]

    def stop(self) -> None:
        """End the poller in order; its log must be short and without a traceback."""
        poller = self.poller
        assert poller.stop() == 0, poller.output[-20:]
        assert not [line for line in poller.output if "Traceback" in line or "defect" in line]
        jobs = len(self.copies)
        lines, most = len(poller.output), _LINES + _LINES_A_JOB * (jobs + min(jobs, _FEW_JOBS))
        assert lines <= most, (lines, most, poller.output[-20:])

    def check_end(self, *job_ids: str) -> str:
        """Check that jobs, all unless named, are completed with all their bytes; return that in words."""
        for job_id in job_ids or self.copies:
            row = self.oma.job(job_id)
            total = sum(copy.total_bytes for copy in self.copies[job_id])
            assert row["status"] == "completed", row
            assert (float(row["progress_percent"]), row["bytes_transferred"]) == (100, total), row
            assert row["completed_at"] is not None
            assert row["error_message"] is None
        many = len(job_ids or self.copies)
        return "the job completed" if many == 1 else f"all {many} jobs completed"

    def untouched(self) -> bool:
        """Whether no job has ended."""
        return not TERMINAL_STATUSES & set(self.oma.statuses().values())

    def close(self) -> None:
        """Let the VMA go."""
        self.vma.close()
