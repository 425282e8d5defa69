"""`db upgrade` after somebody dropped one of our own tables."""

import pytest
from oma_database import OmaDatabase
from table_columns import columns, tables

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.upgrade import upgrade


@pytest.fixture
def oma(either_address: DatabaseAddress) -> OmaDatabase:
    """Return a database with the OMA's tables and none of ours."""
    return OmaDatabase(either_address).create()


@pytest.mark.parametrize("table", ["oma_poller_jobs", "oma_poller_history", "oma_poller_flights"])
def test_a_table_that_somebody_dropped_is_made_anew_and_told(oma: OmaDatabase, table: str) -> None:
    upgrade(oma.address)
    whole = {name: columns(oma, name) for name in tables(oma)}
    oma.execute(f"DROP TABLE {table}")
    assert upgrade(oma.address) == (f"{table} was not there any more: made anew, without rows",)
    assert {name: columns(oma, name) for name in tables(oma)} == whole
    assert upgrade(oma.address) == ()
