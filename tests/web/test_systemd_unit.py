"""The unit that is shipped: systemd understands it, and finds it well shut in."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oma_poller import app
from oma_poller.engine import service
from oma_poller.web import server

SHIPPED = Path(__file__).parents[2] / "deploy" / "systemd"
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
LONGEST_END_S = service.DRAIN_S + service.LAST_FLUSH_S + service.LAST_RECORD_S + 2 * app.CLOSE_S
"""After a SIGTERM, where all hangs that can: polls, writes, recorded polls, both threads of the database."""
LONGEST_END_WITH_API_S = LONGEST_END_S + server.CLOSE_S
HIGHEST_EXPOSURE = 15
"""In tenths; 0 is shut in wholly, 100 not at all."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the unit as on a machine where the program is installed."""
    if shutil.which("systemd-analyze") is None:
        assert not os.environ.get("CI"), "systemd-analyze is not installed"
        pytest.skip("systemd-analyze is not installed (Debian package systemd)")
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "oma-poller.service"
    text = file.read_text()
    assert "ExecStart=/opt/oma-poller/bin/oma-poller run\n" in text
    file.write_text(text.replace("/opt/oma-poller/bin/oma-poller", sys.executable))
    return file


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    done = analyze("verify", "--man=no", str(unit))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_word_that_systemd_does_not_know_would_be_seen(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("WatchdogSec=60", "WatchdogSek=60"))
    assert "WatchdogSek" in analyze("verify", "--man=no", str(unit)).stderr


def test_the_unit_is_shut_in(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE}", str(unit))
    assert done.returncode == 0, done.stdout


def test_systemd_waits_longer_than_the_program_takes_to_end_at_most() -> None:
    text = (SHIPPED / "oma-poller.service").read_text()
    (waits_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert int(waits_s) >= LONGEST_END_WITH_API_S + 5  # for what takes its time and does not hang
    assert f"within {LONGEST_END_WITH_API_S:g} s" in text


def test_operators_are_told_how_long_an_end_takes_at_most() -> None:
    bounds = f"within {LONGEST_END_WITH_API_S:g} s at most ({LONGEST_END_S:g} s without the API)"
    assert bounds in " ".join(CHANGELOG.read_text().split())
