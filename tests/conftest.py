"""Fixtures of several test folders: a MariaDB server a test run, an empty database a test, an OMA's rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mariadb_server import MariadbServer, missing_programs
from oma_rows import MemoryRows, OmaRows, SqlRows
from schema_variants import Variant

from oma_poller.database.address import DatabaseAddress, Engine

_MEMORY = pytest.param(None, id="memory")
_SQLITE = [pytest.param((Engine.SQLITE, variant), id=f"sqlite-{variant}") for variant in Variant]
_MARIADB = [
    pytest.param((Engine.MYSQL, variant), id=f"mariadb-{variant}", marks=pytest.mark.mariadb)
    for variant in Variant
]


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """Start a MariaDB server of this test process; skip where its programs are missing."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"MariaDB is not installed: {', '.join(missing)} not found")
    server = MariadbServer()
    yield server
    server.stop()


@pytest.fixture
def mariadb_address(mariadb_server: MariadbServer) -> Iterator[DatabaseAddress]:
    """Return the address of an empty database on that server."""
    name = mariadb_server.create_database()
    yield mariadb_server.address(name)
    mariadb_server.drop_database(name)


def _open(request: pytest.FixtureRequest, tmp_path: Path) -> SqlRows:
    engine, variant = request.param
    if engine is Engine.MYSQL:
        return SqlRows(request.getfixturevalue("mariadb_address"), variant)
    return SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), variant)


@pytest.fixture(params=[_MEMORY, *_SQLITE, *_MARIADB])
def oma(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OmaRows]:
    """Return an OMA without jobs, on each adapter of the job ports and each database met in the field."""
    rows: MemoryRows | SqlRows = MemoryRows() if request.param is None else _open(request, tmp_path)
    yield rows
    rows.close()


@pytest.fixture(params=[_MEMORY, _SQLITE[1], _MARIADB[1]])
def remembering(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OmaRows]:
    """Return an OMA without jobs in which the program has its own tables."""
    rows: MemoryRows | SqlRows = MemoryRows() if request.param is None else _open(request, tmp_path)
    yield rows
    rows.close()


@pytest.fixture(params=[*_SQLITE, *_MARIADB])
def sql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlRows]:
    """Return an OMA without jobs, on each database."""
    rows = _open(request, tmp_path)
    yield rows
    rows.close()
