"""The command in this process, in an empty folder with nothing configured; a database and a VMA."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_result import CommandResult
from oma_database import OmaDatabase
from process_state import process_as_before
from scripted_vma import ScriptedVma, serving

from oma_poller.__main__ import main
from oma_poller.database.address import DatabaseAddress, Engine


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("VMA_PROGRESS_", "OMA_", "LOG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., CommandResult]:
    """Return a function that runs `oma-poller` with its arguments."""

    def run(*arguments: str) -> CommandResult:
        capsys.readouterr()
        with process_as_before():
            status = main(arguments)
        captured = capsys.readouterr()
        return CommandResult(status, captured.out, captured.err)

    return run


@pytest.fixture
def oma(tmp_path: Path) -> OmaDatabase:
    """Return an OMA's database where the program looks for it by default."""
    return OmaDatabase(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma-poller.db"))).create()


@pytest.fixture
def vma(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedVma]:
    """Serve a VMA, and configure it."""
    scripted = ScriptedVma()
    with serving(scripted) as url:
        monkeypatch.setenv("VMA_PROGRESS_CLIENT_URL", url)
        yield scripted


@pytest.fixture
def no_vma(monkeypatch: pytest.MonkeyPatch) -> str:
    """Configure a VMA where nobody listens."""
    monkeypatch.setenv("VMA_PROGRESS_CLIENT_URL", "http://127.0.0.1:1")
    return "http://127.0.0.1:1"
