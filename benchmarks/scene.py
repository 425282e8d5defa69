"""One measurement: a fleet, a database, VMAs, and the poller between them, in the steady state."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from bulk_vmas import Served, bulk_vmas
from bulk_vmas import address as vma_address
from fleet import Fleet
from mariadb_server import MariadbServer
from measured_poller import MeasuredPoller, measured_poller
from moving_entry import age_s
from msgspec import Struct, field
from nginx_vma import nginx_vma
from oma_database import OmaDatabase
from process_cost import cpu_s, written_bytes

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import connect

_WARM_UP_S = 130.0
_SAMPLED_JOBS = 50
_SAMPLING_S = 0.01
_MARIADB_OPTIONS = (
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=512M",
    "--innodb-flush-log-at-trx-commit=1",
)


class Scene(Struct, frozen=True):
    """What is set up, and how long it is measured."""

    name: str
    fleet: Fleet
    engine: Engine = Engine.SQLITE
    bulk: bool = False
    max_concurrent: int = 200
    interval_s: float = 5.0
    windows: int = 3
    window_s: float = 30.0
    """What happens every 30 s to a job (a sample, a note of its memory) is in each window once."""
    warm_up_polls: int = 20
    """Polls of every job before anything is measured."""
    lag_s: float = 0.0
    """How long rows are looked at for their age, after the windows."""


class Window(Struct):
    """What was counted between two moments."""

    seconds: float
    cpu_s: float
    database_cpu_s: float
    polls: int
    good: int
    rows: int
    statements: int
    lateness: list[int]

    @property
    def ms_per_1000(self) -> float:
        """CPU of the poller, in ms per 1,000 job polls."""
        return self.cpu_s * 1e6 / max(1, self.polls)

    @property
    def database_ms_per_1000(self) -> float:
        """CPU of the database server, likewise."""
        return self.database_cpu_s * 1e6 / max(1, self.polls)


class Seen(Struct):
    """What came of a scene."""

    scene: Scene
    windows: list[Window] = field(default_factory=list)
    bounds_s: tuple[float, ...] = ()
    resident_bytes: int = 0
    first_poll_s: float | None = None
    """From the start of the process to the first request; only of bulk VMAs."""
    lags_s: list[float] = field(default_factory=list)
    """Age of rows when they became visible, told by what is in them."""

    @property
    def cpu(self) -> list[float]:
        """The poller's CPU of each window, in ms per 1,000 job polls."""
        return [window.ms_per_1000 for window in self.windows]

    def late_s(self, share: float) -> float:
        """Return the bound that this share of all polls was not later than."""
        counts = [sum(some) for some in zip(*(window.lateness for window in self.windows), strict=True)]
        left = share * sum(counts)
        for bound_s, count in zip((*self.bounds_s, float("inf")), counts, strict=True):
            left -= count
            if left <= 0:
                return bound_s
        return float("inf")


class Database:
    """A database of its own for one scene."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._server = MariadbServer(*_MARIADB_OPTIONS) if engine is Engine.MYSQL else None
        if self._server is None:
            self.address = DatabaseAddress(engine, str(folder / "oma.db"))
            self._pid = 0
        else:
            self.address = self._server.address(self._server.create_database())
            self._pid = int(Path(str(self._server.query("SELECT @@pid_file")[0][0])).read_text())

    @property
    def cpu_s(self) -> float:
        """CPU time of the server; 0 where there is none."""
        return cpu_s(self._pid) if self._pid else 0.0

    @property
    def written_bytes(self) -> int:
        """What the server has written to disks; of SQLite what this process has."""
        return written_bytes(self._pid or os.getpid())

    @property
    def statements(self) -> int:
        """Statements that the server was sent, these questions included."""
        if self._server is None:
            return 0
        return int(str(self._server.query("SHOW GLOBAL STATUS LIKE 'Questions'")[0][1]))

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.stop()


class Running(Struct):
    """A scene that is set up: its poller, database and VMAs."""

    poller: MeasuredPoller
    database: Database
    served: Served | None
    """What bulk VMAs have answered."""


def see(scene: Scene) -> Seen:
    """Set up, warm up, measure, take down."""
    with running(scene) as parts:
        return _measured(scene, parts.poller, parts.database, parts.served)


@contextmanager
def running(scene: Scene) -> Iterator[Running]:
    """Set up, start the poller; at the end of the block take everything down."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oma-bench-")))
        database = Database(scene.engine, folder)
        stack.callback(database.stop)
        scene.fleet.fill(database.address)
        settings = {
            "OMA_DATABASE_URL": OmaDatabase(database.address).url,
            "VMA_PROGRESS_POLL_INTERVAL": f"{scene.interval_s:g}s",
            "VMA_PROGRESS_MAX_CONCURRENT": str(scene.max_concurrent),
        }
        url, served = stack.enter_context(_vmas(scene, folder))
        poller = stack.enter_context(measured_poller(folder, settings | {"VMA_PROGRESS_CLIENT_URL": url}))
        yield Running(poller, database, served)


@contextmanager
def _vmas(scene: Scene, folder: Path) -> Iterator[tuple[str, Served | None]]:
    fleet = scene.fleet
    if not scene.bulk:
        with nginx_vma() as url:
            yield url, None
        return
    volumes = {vma_address(vma): fleet.volumes_of(vma) for vma in range(fleet.vmas)}
    with bulk_vmas(volumes, scene.interval_s) as (port, served):
        fleet.vma_tables(folder, port)
        yield f"http://{vma_address(0)}:{port}", served


def _measured(scene: Scene, poller: MeasuredPoller, database: Database, served: Served | None) -> Seen:
    seen = Seen(scene)
    if scene.fleet.status == "running":
        poller.wait_for_polls(scene.fleet.jobs * scene.warm_up_polls, _WARM_UP_S)
    else:
        time.sleep(2 * scene.interval_s)
    if served is not None and served.first_epoch_s:
        seen.first_poll_s = served.first_epoch_s - poller.began_epoch_s
    seen.bounds_s = poller.counts().bounds_s
    for _ in range(scene.windows):
        seen.windows.append(_window(scene.window_s, poller, database))
    seen.resident_bytes = poller.resident_bytes
    if scene.lag_s:
        seen.lags_s = _lags_s(scene, database.address)
    return seen


def _window(seconds: float, poller: MeasuredPoller, database: Database) -> Window:
    counts, statements = poller.counts(), database.statements
    cpu_from_s, database_from_s, from_s = poller.cpu_s, database.cpu_s, time.monotonic()
    time.sleep(seconds)
    cpu_to_s, database_to_s, to_s = poller.cpu_s, database.cpu_s, time.monotonic()
    ended = poller.counts()
    return Window(
        seconds=to_s - from_s,
        cpu_s=cpu_to_s - cpu_from_s,
        database_cpu_s=database_to_s - database_from_s,
        polls=ended.polls - counts.polls,
        good=ended.good - counts.good,
        rows=ended.rows - counts.rows,
        statements=max(0, database.statements - statements - 1),
        lateness=[now - before for now, before in zip(ended.lateness, counts.lateness, strict=True)],
    )


def _lags_s(scene: Scene, database: DatabaseAddress) -> list[float]:
    """Look at some rows again and again; return how old what is in them was when it could first be seen."""
    step = max(1, scene.fleet.jobs // _SAMPLED_JOBS)
    ids = [scene.fleet.job_id(job) for job in range(0, scene.fleet.jobs, step)]
    marks = ", ".join(["?" if database.engine is Engine.SQLITE else "%s"] * len(ids))
    sql = f"SELECT id, bytes_transferred / 2 FROM replication_jobs WHERE id IN ({marks})"  # noqa: S608 - marks
    last: dict[str, float] = {}
    lags_s: list[float] = []
    deadline_s = time.monotonic() + scene.lag_s
    with closing(connect(database, autocommit=True)) as connection, closing(connection.cursor()) as cursor:
        while time.monotonic() < deadline_s:
            cursor.execute(sql, tuple(ids))
            epoch_s = time.time()
            for job_id, mean_bytes in cursor.fetchall():
                if last.get(job_id, mean_bytes) != mean_bytes:
                    lags_s.append(age_s(float(mean_bytes), epoch_s))
                last[job_id] = mean_bytes
            time.sleep(_SAMPLING_S)
    return lags_s


def share_of(figures: Sequence[float], share: float) -> float:
    """Return the figure that this share of all is not above."""
    return statistics.quantiles(figures, n=1000, method="inclusive")[round(share * 1000) - 1]
