"""The OMA's own tables as DDL, for both engines: what `oma-poller db init` makes in an empty database."""

from oma_poller.database.address import Engine

_REPLICATION_JOBS = """
CREATE TABLE replication_jobs (
    id VARCHAR(191) NOT NULL PRIMARY KEY,
    source_vm_id VARCHAR(191) NOT NULL DEFAULT '',
    source_vm_name VARCHAR(255) NOT NULL DEFAULT '',
    source_vm_path VARCHAR(1024) NOT NULL DEFAULT '',
    vcenter_host VARCHAR(255) NOT NULL DEFAULT '',
    datacenter VARCHAR(255) NOT NULL DEFAULT '',
    vm_context_id VARCHAR(191) NULL,
    replication_type VARCHAR(50) NOT NULL DEFAULT 'initial',
    target_network VARCHAR(255) NOT NULL DEFAULT '',
    status VARCHAR(50) NOT NULL DEFAULT 'pending',
    progress_percent DECIMAL(5,2) NOT NULL DEFAULT 0,
    current_operation VARCHAR(255) NULL,
    bytes_transferred BIGINT NOT NULL DEFAULT 0,
    total_bytes BIGINT NOT NULL DEFAULT 0,
    transfer_speed_bps BIGINT NOT NULL DEFAULT 0,
    error_message TEXT NULL,
    change_id VARCHAR(191) NULL,
    previous_change_id VARCHAR(191) NULL,
    snapshot_id VARCHAR(191) NULL,
    nbd_port INT NULL,
    nbd_export_name VARCHAR(255) NULL,
    target_device VARCHAR(255) NULL,
    ossea_config_id INT NULL,
    setup_progress_percent DECIMAL(5,2) NULL,
    vma_sync_type VARCHAR(50) NULL,
    vma_current_phase VARCHAR(100) NULL,
    vma_throughput_mbps DECIMAL(10,2) NULL,
    vma_eta_seconds INT NULL,
    vma_last_poll_at TIMESTAMP NULL DEFAULT NULL,
    vma_error_classification VARCHAR(50) NULL,
    vma_error_details TEXT NULL,
    created_at {created},
    updated_at {updated},
    started_at TIMESTAMP NULL DEFAULT NULL,
    completed_at TIMESTAMP NULL DEFAULT NULL
){options}
"""

_VM_DISKS = """
CREATE TABLE vm_disks (
    id {serial},
    job_id VARCHAR(191) NULL,
    vm_context_id VARCHAR(191) NULL,
    disk_id VARCHAR(191) NOT NULL,
    vmdk_path VARCHAR(1024) NOT NULL DEFAULT '',
    size_gb INT NOT NULL DEFAULT 0,
    capacity_bytes BIGINT NOT NULL DEFAULT 0,
    unit_number INT NOT NULL DEFAULT 0,
    label VARCHAR(255) NOT NULL DEFAULT '',
    ossea_volume_id INT NULL,
    sync_status VARCHAR(50) NOT NULL DEFAULT 'pending',
    sync_progress_percent DECIMAL(5,2) NOT NULL DEFAULT 0,
    bytes_synced BIGINT NOT NULL DEFAULT 0,
    created_at {created},
    updated_at {updated}
){options}
"""

_OSSEA_VOLUMES = """
CREATE TABLE ossea_volumes (
    id {serial},
    volume_id VARCHAR(191) NOT NULL,
    volume_name VARCHAR(255) NOT NULL DEFAULT '',
    size_gb INT NOT NULL DEFAULT 0,
    status VARCHAR(50) NOT NULL DEFAULT 'creating',
    created_at {created},
    updated_at {updated}
){options}
"""

_NBD_EXPORTS = """
CREATE TABLE nbd_exports (
    id {serial},
    job_id VARCHAR(191) NULL,
    volume_id VARCHAR(191) NOT NULL,
    export_name VARCHAR(255) NOT NULL,
    status VARCHAR(50) NOT NULL DEFAULT 'pending',
    created_at {created},
    updated_at {updated}
){options}
"""

_TABLES = {
    "replication_jobs": _REPLICATION_JOBS,
    "vm_disks": _VM_DISKS,
    "ossea_volumes": _OSSEA_VOLUMES,
    "nbd_exports": _NBD_EXPORTS,
}
TABLE_NAMES = tuple(_TABLES)

# No index on a column that polls write: each write would pay for it.
_INDEXES = {
    "replication_jobs": (
        "CREATE INDEX idx_replication_jobs_status ON replication_jobs (status)",
        "CREATE INDEX idx_replication_jobs_created_at ON replication_jobs (created_at)",
        "CREATE INDEX idx_replication_jobs_vm_context_id ON replication_jobs (vm_context_id)",
    ),
    "vm_disks": (
        "CREATE INDEX idx_vm_disks_job_id ON vm_disks (job_id)",
        "CREATE INDEX idx_vm_disks_vm_context_id ON vm_disks (vm_context_id)",
        "CREATE INDEX idx_vm_disks_ossea_volume_id ON vm_disks (ossea_volume_id)",
    ),
    "ossea_volumes": ("CREATE UNIQUE INDEX uq_ossea_volumes_volume_id ON ossea_volumes (volume_id)",),
    "nbd_exports": (
        "CREATE UNIQUE INDEX uq_nbd_exports_export_name ON nbd_exports (export_name)",
        "CREATE INDEX idx_nbd_exports_job_id ON nbd_exports (job_id)",
        "CREATE INDEX idx_nbd_exports_volume_id ON nbd_exports (volume_id)",
    ),
}

_CREATED = "TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP"
# TIMESTAMP, because it holds an instant whatever the time zone of the session that writes it. SQLite has no
# ON UPDATE: there the writer sets updated_at, as it does everywhere. The collation is named, because the
# servers differ in the one they take by themselves.
_PIECES = {
    Engine.SQLITE: {
        "serial": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "created": _CREATED,
        "updated": _CREATED,
        "options": "",
    },
    Engine.MYSQL: {
        "serial": "INT NOT NULL AUTO_INCREMENT PRIMARY KEY",
        "created": _CREATED,
        "updated": f"{_CREATED} ON UPDATE CURRENT_TIMESTAMP",
        "options": " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
    },
}


def table_ddl(table: str, engine: Engine) -> tuple[str, ...]:
    """Return the statements that make one of `TABLE_NAMES` with its indexes."""
    return (_TABLES[table].format_map(_PIECES[engine]), *_INDEXES[table])
