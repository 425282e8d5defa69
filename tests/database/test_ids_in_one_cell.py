"""All ids in one cell: where it is cut short or has something odd they are read row by row, for a while."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from mariadb_server import MariadbServer
from oma_rows import SqlRows, add_job
from schema_variants import Variant

from oma_poller.database import connect, source
from oma_poller.database.address import DatabaseAddress
from oma_poller.database.source import PASSES_BY_ROW

LISTING, ROWS = "SELECT COUNT(*)", "SELECT id FROM"


@pytest.fixture
def rows(either_address: DatabaseAddress) -> Iterator[SqlRows]:
    """Return an empty OMA."""
    made = SqlRows(either_address, Variant.LATER)
    yield made
    made.source.close()
    made.sink.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return how each statement begins that a source sends from now on."""
    beginnings: list[str] = []
    real = source._rows

    def told(link: Any, sql: str, parameters: tuple[str, ...]) -> Sequence[tuple[Any, ...]]:  # noqa: ANN401 - handed on
        beginnings.append(next((one for one in (LISTING, ROWS) if sql.startswith(one)), sql))
        return real(link, sql, parameters)

    monkeypatch.setattr(source, "_rows", told)
    return beginnings


def test_one_cell_is_enough_for_ordinary_ids(rows: SqlRows, sent: list[str]) -> None:
    ids = {f"jöb-{number}-\U0001f600" for number in range(1000)}
    for job_id in ids:
        add_job(rows, job_id)
    assert rows.source.active() == ids
    assert sent == [LISTING]


def test_after_something_odd_ids_are_read_row_by_row_for_a_hundred_passes(
    rows: SqlRows, sent: list[str]
) -> None:
    add_job(rows, "job-1")
    add_job(rows, "")
    for _ in range(PASSES_BY_ROW + 2):
        assert rows.source.active() == {"job-1"}
    assert rows.source.left_out == {"''": "its id is empty"}
    assert sent == [LISTING, *[ROWS] * (PASSES_BY_ROW + 1), LISTING, ROWS]
    rows.change("replication_jobs", "", status="completed")
    assert rows.source.active() == {"job-1"}
    assert rows.source.left_out == {}


@pytest.mark.mariadb
@pytest.mark.parametrize("limit", [4, 8, 10, 11, 12, 13])
def test_a_cell_that_the_server_cuts_short_hides_no_job(
    limit: int, mariadb_address: DatabaseAddress, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = f"{connect._SESSION}, group_concat_max_len = {limit}"
    monkeypatch.setattr(connect, "_SESSION", session)
    rows = SqlRows(mariadb_address, Variant.LATER)
    ids = {"j-1", "j-2", "jö3"}  # eleven characters and twelve bytes, with what stands between them
    for job_id in ids:
        add_job(rows, job_id)
    assert rows.source.active() == ids
    assert sent == ([LISTING] if limit >= 12 else [LISTING, ROWS])
    rows.source.close()


@pytest.mark.mariadb
@pytest.mark.parametrize("odd", ["", "a"])  # so that one of the two cuts goes through a character
def test_a_cell_larger_than_the_server_sends_hides_no_job(
    odd: str, mariadb_server: MariadbServer, mariadb_address: DatabaseAddress, sent: list[str]
) -> None:
    rows = SqlRows(mariadb_address, Variant.LATER)
    ids = {f"{odd}{'ö' * 50}{number:02d}" for number in range(30)}
    for job_id in ids:
        add_job(rows, job_id)
    (before,) = mariadb_server.query("SELECT @@max_allowed_packet")[0]
    mariadb_server.query("SET GLOBAL max_allowed_packet = 1024")
    try:
        assert rows.source.active() == ids
    finally:
        mariadb_server.query(f"SET GLOBAL max_allowed_packet = {before}")
    assert sent == [LISTING, ROWS]
    rows.source.close()


@pytest.mark.parametrize("kind", ["INTEGER", "VARBINARY(20)"])
def test_ids_of_a_column_that_is_no_text_are_no_ids(either_address: DatabaseAddress, kind: str) -> None:
    rows = SqlRows(either_address, None)
    rows.execute(
        f"CREATE TABLE replication_jobs (id {kind} PRIMARY KEY, status VARCHAR(20),"
        " progress_percent DECIMAL(5,2), current_operation VARCHAR(50), bytes_transferred BIGINT,"
        " total_bytes BIGINT,"
        " transfer_speed_bps BIGINT, created_at DATETIME, updated_at DATETIME)"
    )
    rows.execute("INSERT INTO replication_jobs (id, status) VALUES (7, 'running'), (8, 'running')")
    assert rows.source.active() == frozenset()
    assert len(rows.source.left_out) == 2
    rows.source.close()
