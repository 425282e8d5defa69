"""Every test of the configuration begins with none, in an empty folder."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("VMA_PROGRESS_", "OMA_", "LOG_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
