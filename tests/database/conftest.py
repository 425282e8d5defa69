"""Fixtures of the database tests that hold for both engines."""

from pathlib import Path

import pytest

from oma_poller.database.address import DatabaseAddress, Engine


@pytest.fixture(params=[Engine.SQLITE, pytest.param(Engine.MYSQL, marks=pytest.mark.mariadb)])
def either_address(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseAddress:
    """Return the address of an SQLite file that is not there yet, then that of an empty MariaDB database."""
    if request.param is Engine.SQLITE:
        return DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    address = request.getfixturevalue("mariadb_address")
    assert isinstance(address, DatabaseAddress)
    return address
