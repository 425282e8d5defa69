"""Fixtures of the fault matrix: a world a scenario, and a MariaDB server that may be hurt."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from fault_scenario import MARIADB
from fault_world import FaultWorld
from faulty_mariadb import FaultyMariadb, RestrictedOma
from mariadb_server import missing_programs
from oma_database import OmaDatabase

from oma_poller.database.address import DatabaseAddress, Engine

_users = count(1)


@pytest.fixture(scope="session")
def faulty_mariadb() -> Iterator[FaultyMariadb]:
    """Start a server that only scenarios use, since they kill it; skip where its programs are missing."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"MariaDB is not installed: {', '.join(missing)} not found")
    server = FaultyMariadb()
    yield server
    server.stop()


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaultWorld]:
    """Return an OMA without jobs on the engine that is asked for, a VMA, and a poller that can be started."""
    restricted: RestrictedOma | None = None
    if request.param == MARIADB:
        server = request.getfixturevalue("faulty_mariadb")
        restricted = RestrictedOma(server, f"poller{next(_users)}", "first")
    sqlite = DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    made = FaultWorld((restricted or OmaDatabase(sqlite)).create(), tmp_path)
    yield made
    made.close()
    if restricted is not None:
        restricted.server.heal()
        restricted.close()
