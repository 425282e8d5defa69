"""What systemd is told: ready, alive, ending; over a real datagram socket."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from oma_database import OmaDatabase
from patience import PATIENCE_S, until
from poller_process import running

from oma_poller.clock import SystemClock
from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.engine.beats import Beats
from oma_poller.sd_notify import Notices
from oma_poller.supervision import Supervision


@pytest.fixture(params=["path", "abstract"])
def supervisor(request: pytest.FixtureRequest) -> Iterator[tuple[str, socket.socket]]:
    """Return the name of a socket of a supervisor, and the socket."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,  # a socket's path is short
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way,
    ):
        name = f"{folder}/notify" if request.param == "path" else f"@oma-poller-{uuid4()}"
        way.bind(name.replace("@", "\0"))
        way.settimeout(PATIENCE_S)
        yield name, way


def told(way: socket.socket, wanted: str) -> list[str]:
    """Return all lines up to the one that is wanted."""
    lines: list[str] = []

    def heard() -> bool:
        lines.extend(way.recv(4096).decode().splitlines())
        return wanted in lines

    until(heard, wanted)
    return lines


def supervision(beats: Beats, *, served: bool = True, watchdog_s: float | None = 4.0) -> Supervision:
    """Return one whose notices nobody hears."""
    return Supervision(Notices(None, watchdog_s), beats, is_waiting=lambda: False, is_served=lambda: served)


def test_ready_is_said_once_and_after_the_first_discovery() -> None:
    beats = Beats(SystemClock())
    subject = supervision(beats)
    assert "READY=1" not in subject.step()
    beats.discovered()
    assert "READY=1" in subject.step()
    assert "READY=1" not in subject.step()


def test_ready_waits_for_the_api() -> None:
    beats = Beats(SystemClock())
    beats.discovered()
    assert supervision(beats, served=False).step() == (
        "WATCHDOG=1",
        "STATUS=polling; the API cannot listen yet",
    )


def test_the_watchdog_hears_nothing_while_a_loop_stands_still() -> None:
    beats = Beats(SystemClock())
    beats.discovered()
    beats.loops_s["polling"] = float("-inf")
    subject = supervision(beats)
    assert subject.step() == ("READY=1", "STATUS=stands still: polling")
    beats.asks("polling")
    assert subject.step() == ("WATCHDOG=1", "STATUS=polling")


def test_a_database_that_is_away_is_told_and_is_no_reason_to_be_killed() -> None:
    beats = Beats(SystemClock())
    beats.discovered()
    beats.fell("database for reading", OSError("gone"))
    ready, watchdog, status = supervision(beats).step()
    assert (ready, watchdog) == ("READY=1", "WATCHDOG=1")
    assert status.startswith("STATUS=away: database for reading since ")


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "2000000"}, 2.0),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"}, None),
        ({"NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "2000000"}, None),
        ({}, None),
    ],
)
def test_a_sign_of_life_is_given_only_where_one_is_asked_for(
    environment: dict[str, str], watchdog_s: float | None
) -> None:
    assert Notices.of(environment).watchdog_s == watchdog_s


def test_a_supervisor_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    notices = Notices.of({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1000000"})
    notices.send("READY=1")
    assert notices.watchdog_s == 1.0


def test_the_real_program_says_that_it_is_ready_alive_and_ending(
    tmp_path: Path, supervisor: tuple[str, socket.socket]
) -> None:
    name, way = supervisor
    OmaDatabase(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))).create()
    settings = {
        "OMA_DATABASE_URL": f"sqlite:///{tmp_path / 'oma.db'}",
        "OMA_API_LISTEN": "127.0.0.1:0",
        "NOTIFY_SOCKET": name,
        "WATCHDOG_USEC": "500000",
    }
    with running(tmp_path, settings) as poller:
        told(way, "READY=1")
        assert poller.said("API listening")
        told(way, "WATCHDOG=1")
        assert poller.stop() == 0
        told(way, "STOPPING=1")
