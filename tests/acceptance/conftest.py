"""Fixtures of the acceptance tests: an OMA's database on each engine, and a VMA."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from oma_database import OmaDatabase
from scripted_vma import ScriptedVma, serving

from oma_poller.database.address import DatabaseAddress, Engine


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def oma(request: pytest.FixtureRequest, tmp_path: Path) -> OmaDatabase:
    """Return an OMA's database with its own tables, empty."""
    if request.param == "sqlite":
        address = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    else:
        address = request.getfixturevalue("mariadb_address")
    return OmaDatabase(address).create()


@pytest.fixture
def vma() -> ScriptedVma:
    """Return a VMA that knows nothing yet."""
    return ScriptedVma()


@pytest.fixture
def vma_url(vma: ScriptedVma) -> Iterator[str]:
    """Serve the VMA."""
    with serving(vma) as url:
        yield url


@pytest.fixture
def settings(oma: OmaDatabase, vma_url: str) -> dict[str, str]:
    """Return the environment of a quick poller between the two."""
    return {
        "OMA_DATABASE_URL": oma.url,
        "VMA_PROGRESS_CLIENT_URL": vma_url,
        "VMA_PROGRESS_POLL_INTERVAL": "200ms",
        "VMA_PROGRESS_DISCOVERY_INTERVAL": "200ms",
    }
