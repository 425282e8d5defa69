"""Fixtures of the end-to-end tests: the programs that a migration needs, all real."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from migration import Migration
from nbd_exports import nbd_server
from oma_database import OmaDatabase
from vma_process import VmaProcess, vma_serve

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.upgrade import upgrade


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder for images, which are too large to be kept after the test."""
    with tempfile.TemporaryDirectory(prefix="oma-migration-") as name:
        yield Path(name)


@pytest.fixture
def oma(request: pytest.FixtureRequest, folder: Path) -> OmaDatabase:
    """Return an OMA's database on MariaDB, unless the test asks for SQLite, with the program's own tables."""
    if getattr(request, "param", "mariadb") == "sqlite":
        address = DatabaseAddress(Engine.SQLITE, str(folder / "oma.db"))
    else:
        address = request.getfixturevalue("mariadb_address")
    database = OmaDatabase(address).create()
    upgrade(address)
    return database


@pytest.fixture
def vma(folder: Path) -> Iterator[VmaProcess]:
    """Run a VMA's progress server that keeps its state."""
    with vma_serve("--state", str(folder / "vma-state")) as server:
        yield server


@pytest.fixture
def migration(folder: Path, oma: OmaDatabase, vma: VmaProcess) -> Migration:
    """Return a migration without jobs."""
    return Migration(folder, oma, f"http://127.0.0.1:{vma.port}")


@pytest.fixture
def socket(migration: Migration) -> Iterator[Path]:
    """Serve the folder of volumes over NBD, each file under its own name."""
    with nbd_server("file", f"dir={migration.exports}") as path:
        yield path
