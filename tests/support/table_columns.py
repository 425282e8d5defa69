"""The columns a database really has, and those the OMA's tables have in the field."""

from oma_database import OmaDatabase

from oma_poller.database.address import Engine

_CONTRACT = {
    "replication_jobs": """
        id source_vm_id source_vm_name source_vm_path vcenter_host datacenter replication_type target_network
        status progress_percent current_operation bytes_transferred total_bytes transfer_speed_bps
        error_message change_id previous_change_id snapshot_id nbd_port nbd_export_name target_device
        ossea_config_id created_at updated_at started_at completed_at vm_context_id setup_progress_percent
        vma_sync_type vma_current_phase vma_throughput_mbps vma_eta_seconds vma_last_poll_at
        vma_error_classification vma_error_details
    """,
    "vm_disks": """
        id job_id disk_id vmdk_path size_gb capacity_bytes unit_number label ossea_volume_id sync_status
        sync_progress_percent bytes_synced created_at updated_at vm_context_id
    """,
    "ossea_volumes": "id volume_id volume_name size_gb status created_at updated_at",
    "nbd_exports": "job_id volume_id export_name status",
}
CONTRACT_COLUMNS = {table: frozenset(names.split()) for table, names in _CONTRACT.items()}


def columns(database: OmaDatabase, table: str) -> set[str]:
    """Return the names of a table's columns; none where there is no such table."""
    if database.address.engine is Engine.SQLITE:
        rows = database.execute("SELECT name AS c FROM pragma_table_info(?)", (table,))
    else:
        rows = database.execute(
            "SELECT column_name AS c FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND table_name = ?",
            (table,),
        )
    return {str(row["c"]) for row in rows}


def tables(database: OmaDatabase) -> set[str]:
    """Return the names of all tables."""
    if database.address.engine is Engine.SQLITE:
        rows = database.execute("SELECT name AS t FROM sqlite_master WHERE type = 'table'")
    else:
        rows = database.execute(
            "SELECT table_name AS t FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
    return {str(row["t"]) for row in rows if not str(row["t"]).startswith("sqlite_")}
