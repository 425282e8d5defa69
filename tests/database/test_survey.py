"""What `oma-poller check` tells of a database."""

from pathlib import Path

import pytest
from oma_rows import SqlRows
from schema_variants import Variant

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.survey import MissingIndex, survey
from oma_poller.errors import DatabaseError


def test_a_survey_names_what_is_written_and_what_is_not(sql: SqlRows) -> None:
    found = survey(sql.address)
    assert found.is_usable
    assert found.product == ("MariaDB" if sql.address.engine is Engine.MYSQL else "SQLite")
    assert {"replication_jobs.progress_percent", "replication_jobs.updated_at"} <= set(found.written)
    assert not set(found.written) & set(found.unwritten)
    later = "replication_jobs.vma_error_details"
    assert later in (found.written if sql.variant is Variant.LATER else found.unwritten)
    ours = ("oma_poller_jobs", "oma_poller_history", "oma_poller_flights")
    assert found.missing_own_tables == (ours[1:] if sql.variant is Variant.LATER else ours)
    assert found.tables[:3] == ("replication_jobs", "vm_disks", "ossea_volumes")
    assert found.missing_tables == found.missing_required == ()


def test_a_survey_names_drifted_columns(sql: SqlRows) -> None:
    drifted = ("replication_jobs.v_center_host", "vm_disks.vm_dk_path")
    names = drifted if sql.variant is Variant.DRIFTED else ()
    assert survey(sql.address).drifted == names


def test_each_missing_index_comes_with_the_statement_that_makes_it(sql: SqlRows) -> None:
    ddl = "CREATE INDEX idx_replication_jobs_status ON replication_jobs (status)"
    wanted = (MissingIndex("replication_jobs", "status", ddl),) if sql.variant is Variant.DRIFTED else ()
    assert survey(sql.address).missing_indexes == wanted
    sql.execute("DROP INDEX disks_job" + (" ON vm_disks" if sql.address.engine is Engine.MYSQL else ""))
    missing = survey(sql.address).missing_indexes
    assert [(index.table, index.column) for index in missing if index not in wanted] == [
        ("vm_disks", "job_id")
    ]
    for index in missing:
        sql.execute(index.ddl)
    assert survey(sql.address).missing_indexes == ()


def test_an_index_on_the_vm_is_wanted_where_a_disk_may_name_no_job(sql: SqlRows) -> None:
    if sql.variant is not Variant.LATER:
        return  # there it is not known
    for table, name in (("vm_disks", "disks_context"), ("replication_jobs", "jobs_context")):
        sql.execute(f"DROP INDEX {name}" + (f" ON {table}" if sql.address.engine is Engine.MYSQL else ""))
    missing = survey(sql.address).missing_indexes
    assert {(index.table, index.column) for index in missing} == {
        ("vm_disks", "vm_context_id"),
        ("replication_jobs", "vm_context_id"),
    }
    for index in missing:
        sql.execute(index.ddl)
    assert survey(sql.address).missing_indexes == ()


def test_a_table_without_a_key_is_told(sql: SqlRows) -> None:
    sql.execute("ALTER TABLE ossea_volumes RENAME TO old_volumes")
    sql.execute("CREATE TABLE ossea_volumes AS SELECT * FROM old_volumes")
    sql.execute("DROP TABLE old_volumes")
    (index,) = (index for index in survey(sql.address).missing_indexes if index.table == "ossea_volumes")
    sql.execute(index.ddl)
    assert not [index for index in survey(sql.address).missing_indexes if index.table == "ossea_volumes"]


def test_with_the_status_left_to_the_oma_six_columns_are_written(sql: SqlRows) -> None:
    found = survey(sql.address, write_status=False)
    assert [name.split(".")[1] for name in found.written] == [
        "progress_percent",
        "current_operation",
        "bytes_transferred",
        "total_bytes",
        "transfer_speed_bps",
        "updated_at",
    ]
    assert found.unwritten == ()


def test_a_database_that_cannot_be_used_is_surveyed_all_the_same(tmp_path: Path) -> None:
    rows = SqlRows(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db")), None)
    found = survey(rows.address)
    assert not found.is_usable
    assert found.missing_tables == ("replication_jobs", "vm_disks", "ossea_volumes")
    rows.execute("CREATE TABLE replication_jobs (id TEXT, status TEXT)")
    found = survey(rows.address)
    assert not found.is_usable
    assert "replication_jobs.updated_at" in found.missing_required
    assert [index.column for index in found.missing_indexes] == ["id", "status"]
    rows.close()


def test_a_database_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="db init"):
        survey(DatabaseAddress(Engine.SQLITE, str(tmp_path / "missing.db")))
