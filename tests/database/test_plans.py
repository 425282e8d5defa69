"""The proof that indexes are used: plans and work at 10,000 jobs with two disks each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from oma_rows import ACTIVE, SqlRows
from schema_variants import Variant
from updates import copying, copying_disk, unseen

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.capabilities import read_capabilities
from oma_poller.database.dialect import Dialect, dialect_of
from oma_poller.database.fitting import Row
from oma_poller.database.flush import disk_rows, flush_of, job_rows, own_rows
from oma_poller.database.queries import active_query, details_query, listing_query
from oma_poller.database.statements import StatementText

JOBS = 10_000
HAS_STATISTICS = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"
GUARD = tuple(sorted(ACTIVE))


def fill(rows: SqlRows) -> None:
    """Insert the jobs, one in twenty of them active, with their disks and volumes."""
    numbers = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {})"
    key, join = "CONCAT('job-', {})", "CONCAT('volume-', x)"
    if rows.address.engine is Engine.SQLITE:
        key, join = "'job-' || ({})", "'volume-' || x"
    else:
        rows.execute("SET max_recursive_iterations = 100000")
    status = "CASE WHEN x % 20 = 0 THEN 'running' ELSE 'completed' END"
    halves = key.format("(x + 1) / 2" if rows.address.engine is Engine.SQLITE else "(x + 1) DIV 2")
    for table, columns, values, count in (
        ("replication_jobs", "id, status", f"{key.format('x')}, {status}", JOBS),
        ("ossea_volumes", "id, volume_id", f"x, {join}", 2 * JOBS),
        ("vm_disks", "id, job_id, disk_id, ossea_volume_id", f"x, {halves}, '2000', x", 2 * JOBS),
    ):
        insert, source = f"INSERT INTO {table} ({columns})", numbers.format(count)
        opening = (insert, source) if rows.address.engine is Engine.MYSQL else (source, insert)
        rows.execute(f"{opening[0]} {opening[1]} SELECT {values} FROM n")  # noqa: S608  # the test's own words


@pytest.fixture(params=["fresh", "analyzed"])
def full(request: pytest.FixtureRequest, either_address: DatabaseAddress) -> Iterator[SqlRows]:
    """Return a full database, without the engine's statistics and with them."""
    rows = SqlRows(either_address, Variant.LATER)
    fill(rows)
    rows.execute("UPDATE replication_jobs SET vm_context_id = id")
    rows.execute("UPDATE vm_disks SET vm_context_id = job_id")
    if request.param == "analyzed":
        tables = " TABLE replication_jobs, vm_disks, ossea_volumes"
        rows.execute("ANALYZE" + (tables if either_address.engine is Engine.MYSQL else ""))
    yield rows
    rows.close()


def plan(rows: SqlRows, sql: str, parameters: Row) -> dict[str, str]:
    """Return by the alias of each table how it is read: the name of the index, or `scan`."""
    explain = "EXPLAIN QUERY PLAN " if rows.address.engine is Engine.SQLITE else "EXPLAIN "
    with closing(rows.connection.cursor()) as cursor:
        cursor.execute(explain + sql, tuple(parameters))
        steps = cursor.fetchall()
    read = [step for step in steps if step[2] is not None and "SUBQUERY" not in str(step[3])]
    return dict(_step(rows.address.engine, step) for step in read)


def plan_of_writing(rows: SqlRows, sql: str, given: Sequence[Row]) -> dict[str, str]:
    """Return the same for a statement that writes: on SQLite it is given each of its rows by itself."""
    if rows.address.engine is Engine.SQLITE:
        return plan(rows, sql, given[0])
    return plan(rows, sql, (dialect_of(Engine.MYSQL).parameter(given),))


def _step(engine: Engine, step: tuple[Any, ...]) -> tuple[str, str]:
    if engine is Engine.MYSQL:
        kinds = {"ref", "eq_ref", "range"}
        read = "nothing" if step[3] == "const" and step[5] is None else "scan"
        return str(step[2]), str(step[5]) if step[3] in kinds else read
    words = str(step[3]).split()
    if words[0] == "SCAN":
        return words[1], "scan"
    return words[1], "PRIMARY" if "PRIMARY" in words else words[words.index("INDEX") + 1]


def expected(rows: SqlRows, **tables: str) -> dict[str, str]:
    """Return a plan that reads the given rows once, and each table by an index."""
    if rows.address.engine is Engine.MYSQL:
        return {"t": "scan", **tables}
    own = {"j": "sqlite_autoindex_replication_jobs_1"}
    return {"json_each": "scan", **{table: own.get(table, index) for table, index in tables.items()}}


def expected_of_writing(rows: SqlRows, **tables: str) -> dict[str, str]:
    """Return the same for a statement that writes: SQLite reads no list of rows."""
    found = expected(rows, **tables)
    found.pop("json_each", None)
    return found


def asked(rows: SqlRows, count: int) -> str:
    """Return the parameter of the query for the keys of so many jobs, half of them new."""
    return dialect_of(rows.address.engine).parameter(
        [[job_id, at % 2] for at, job_id in enumerate(some_ids(count))]
    )


def some_ids(count: int) -> list[str]:
    """Return ids of active jobs."""
    return [f"job-{20 * number}" for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, 100, 500])
def test_keys_are_read_by_the_three_indexes(full: SqlRows, count: int) -> None:
    sql = details_query(dialect_of(full.address.engine), read_capabilities(full.connection, full.address))
    found = plan(full, sql, (asked(full, count),))
    named = KEYS_READ | {"o": own_index(full)}
    if full.address.engine is Engine.MYSQL:  # it has asked already whether there is a disk that names no job
        assert found == expected(full, **named, u="nothing")
    else:
        assert found == expected(full, **named, u="disks_context", n="jobs_context")


def test_disks_that_name_no_job_are_read_by_indexes(full: SqlRows) -> None:
    full.execute("UPDATE vm_disks SET job_id = NULL WHERE id <= 1000")
    sql = details_query(dialect_of(full.address.engine), read_capabilities(full.connection, full.address))
    found = plan(full, sql, (asked(full, 100),))
    assert found.pop("u") in {"disks_context", "disks_job"}  # as its statistics say how many name none
    assert found == expected(full, **KEYS_READ, o=own_index(full), n="jobs_context")
    (job,) = full.source.details(["job-20"])
    assert [disk.volume_id for disk in job.disks] == ["volume-39", "volume-40"]


KEYS_READ = {"j": "PRIMARY", "d": "disks_job", "v": "PRIMARY", "a": "disks_job"}
"""How the query for the keys reads jobs, their disks and volumes, and whether a disk names none."""


def own_index(rows: SqlRows) -> str:
    """Return the name of the key of our own table."""
    return "PRIMARY" if rows.address.engine is Engine.MYSQL else "sqlite_autoindex_oma_poller_jobs_1"


@pytest.mark.mariadb
def test_indexes_are_used_between_tables_of_three_collations(mariadb_address: DatabaseAddress) -> None:
    rows = SqlRows(mariadb_address, Variant.DRIFTED)
    fill(rows)
    has = read_capabilities(rows.connection, rows.address)
    found = plan(rows, details_query(dialect_of(Engine.MYSQL), has), (asked(rows, 100),))
    assert found == expected(rows, j="PRIMARY", d="disks_job", v="PRIMARY")
    disks = StatementText(has, GUARD, write_status=True).all().disks
    assert disks is not None
    update = copying("job-20", copying_disk("40"))
    given = disk_rows(flush_of([update], ()), disks.fits)
    assert plan_of_writing(rows, disks.sql, given) == expected(rows, j="PRIMARY", d="PRIMARY")
    assert [disk.volume_id for disk in rows.source.details(["job-20"])[0].disks] == ["volume-39", "volume-40"]
    rows.close()


@pytest.mark.parametrize("query", [active_query, listing_query])
def test_active_jobs_are_read_by_the_index_on_their_status(
    full: SqlRows, query: Callable[[Dialect, int], str]
) -> None:
    found = plan(full, query(dialect_of(full.address.engine), len(GUARD)), GUARD)
    if full.address.engine is Engine.MYSQL or not full.execute(HAS_STATISTICS):  # SQLite counts two statuses
        assert list(found.values()) == ["jobs_status"]
    assert len(full.source.active()) == JOBS // 20


@pytest.mark.parametrize("count", [1, 100, 500])
def test_rows_are_written_by_primary_key(full: SqlRows, count: int) -> None:
    has = read_capabilities(full.connection, full.address)
    statements = StatementText(has, GUARD, write_status=True).all()
    assert statements.disks is not None
    assert statements.own is not None
    updates = [copying(job_id, copying_disk(40 * at)) for at, job_id in enumerate(some_ids(count), 1)]
    flush = flush_of(updates, ())
    jobs = job_rows(flush, statements.jobs.fits)
    disks = disk_rows(flush, statements.disks.fits)
    own = own_rows(flush.entries(), statements.own.fits)
    heartbeats = [(job_id,) for job_id in some_ids(count)]
    only_jobs = expected_of_writing(full, j="PRIMARY")
    assert plan_of_writing(full, statements.jobs.sql, jobs) == only_jobs
    assert plan_of_writing(full, statements.heartbeats.sql, heartbeats) == only_jobs
    assert plan_of_writing(full, statements.own.sql, own) == only_jobs
    both = expected_of_writing(full, j="PRIMARY", d="PRIMARY")
    assert plan_of_writing(full, statements.disks.sql, disks) == both


def test_a_flush_reads_few_rows_more_than_it_writes(full: SqlRows) -> None:
    if full.address.engine is Engine.SQLITE:
        return  # it has no counters; its plans are above
    updates = [copying(job_id, copying_disk(40 * at)) for at, job_id in enumerate(some_ids(400), 1)]
    full.sink.write(updates[:1])
    before = handler_reads(full)
    full.sink.write([*updates[1:], unseen("nobody")], some_ids(500)[400:])
    assert handler_reads(full) - before < JOBS  # walking through any of the tables once would be more


def handler_reads(rows: SqlRows) -> int:
    """Return how many rows the server has read for all, the given JSON rows included."""
    found = rows.execute("SHOW GLOBAL STATUS LIKE 'Handler_read%'")
    return sum(int(value) for _, value in found)
