"""Whether the program lives and can do its work, as a supervisor asks."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from oma_database import OmaDatabase
from patience import PATIENCE_S, until
from poller_process import RunningPoller, running
from scripted_vma import ScriptedVma, serving

from oma_poller.clock import SystemClock
from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.engine.beats import PATIENCE_S as LOOP_PATIENCE_S
from oma_poller.engine.beats import Beats
from oma_poller.web import health

Answer = tuple[int, dict[str, Any]]
TOKEN = "t0ken"  # noqa: S105 - made up


@pytest.fixture
def oma(tmp_path: Path) -> OmaDatabase:
    """Return an OMA's database without jobs."""
    return OmaDatabase(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))).create()


@contextmanager
def polling(folder: Path, database_url: str, **settings: str) -> Iterator[RunningPoller]:
    """Run the program on a database."""
    with serving(ScriptedVma()) as vma_url:
        own = {
            "OMA_DATABASE_URL": database_url,
            "OMA_API_LISTEN": "127.0.0.1:0",
            "VMA_PROGRESS_CLIENT_URL": vma_url,
            "VMA_PROGRESS_DISCOVERY_INTERVAL": "100ms",
        }
        with running(folder, own | settings) as process:
            yield process


@pytest.fixture
def poller(oma: OmaDatabase, tmp_path: Path) -> Iterator[RunningPoller]:
    """Run the program on it."""
    with polling(tmp_path, oma.url) as process:
        yield process


def ask(poller: RunningPoller, path: str, **headers: str) -> Answer:
    """Return status and body of a call."""
    place = urlsplit(str(poller.wait_for("API listening")["url"]))
    connection = HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE_S)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    body = json.loads(reply.read())
    connection.close()
    return reply.status, body


def test_a_program_that_polls_is_healthy_and_ready(poller: RunningPoller) -> None:
    until(lambda: ask(poller, "/readyz")[0] == 200, "readiness")
    assert ask(poller, "/readyz")[1] == {
        "status": "ready",
        "checks": {"database": "answers", "discovery": "done"},
    }
    status, body = ask(poller, "/healthz")
    assert (status, body["status"]) == (200, "healthy")
    assert set(body["checks"]) == {"discovery", "polling", "writing"}


def test_a_program_without_its_database_lives_and_is_not_ready(
    poller: RunningPoller, oma: OmaDatabase
) -> None:
    until(lambda: ask(poller, "/readyz")[0] == 200, "readiness")
    file = Path(oma.address.name)
    file.rename(file.with_suffix(".gone"))
    file.mkdir()
    until(lambda: ask(poller, "/readyz")[0] == 503, "the database to be missed")
    status, body = ask(poller, "/readyz")
    assert (status, body["status"]) == (503, "not ready")
    assert body["checks"]["database"].startswith("away since 20")
    assert ask(poller, "/healthz")[0] == 200
    file.rmdir()
    file.with_suffix(".gone").rename(file)
    until(lambda: ask(poller, "/readyz")[0] == 200, "readiness again")


def test_who_has_not_the_token_is_told_that_the_database_is_away_and_not_where_it_lives(
    tmp_path: Path,
) -> None:
    with polling(tmp_path, "mysql://oma@127.0.0.1:1/oma-name", OMA_API_TOKEN=TOKEN) as poller:

        def told(**headers: str) -> str:
            status, body = ask(poller, "/readyz", **headers)
            assert (status, body["checks"]["discovery"]) == (503, "not done yet")
            return str(body["checks"]["database"])

        until(lambda: told().startswith("away"), "the database to be missed")
        assert re.fullmatch(r"away since 20[-0-9T:]+Z", told())
        assert told() == told(Authorization="Bearer wrong")
        assert "127.0.0.1:1/oma-name" in told(Authorization=f"Bearer {TOKEN}")


def test_without_a_token_everybody_is_told_why_the_database_is_away(tmp_path: Path) -> None:
    with polling(tmp_path, "mysql://oma@127.0.0.1:1/oma-name") as poller:
        until(
            lambda: "127.0.0.1:1/oma-name" in ask(poller, "/readyz")[1]["checks"]["database"],
            "the database to be missed",
        )


class StuckClock(SystemClock):
    """A clock that a test sets forward."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        """Return the time, set forward."""
        return super().monotonic() + self.ahead_s


def test_a_loop_that_stands_still_makes_the_program_unhealthy() -> None:
    clock = StuckClock()
    beats = Beats(clock)
    beats.beat("polling", 0.0)
    assert health.health_of(beats) == (True, {"polling": "goes round"})
    clock.ahead_s = LOOP_PATIENCE_S + 1.0
    assert health.health_of(beats) == (False, {"polling": "stands still"})
