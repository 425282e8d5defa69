"""The databases met in the field, as DDL that both engines take. MariaDB's own words stand in braces."""

from enum import StrEnum

from oma_poller.database.address import Engine

TABLES = ("replication_jobs", "vm_disks", "ossea_volumes", "oma_poller_jobs")


class Variant(StrEnum):
    """Which database it is."""

    SEED = "seed"
    LATER = "later"
    DRIFTED = "drifted"


_SEED = (
    """CREATE TABLE replication_jobs (
        id VARCHAR(191) NOT NULL PRIMARY KEY, source_vm_id VARCHAR(191), source_vm_name VARCHAR(191),
        source_vm_path VARCHAR(191), vcenter_host VARCHAR(191), datacenter VARCHAR(191),
        replication_type VARCHAR(191), target_network VARCHAR(191), status VARCHAR(191) DEFAULT 'pending',
        progress_percent DECIMAL(5,2) DEFAULT 0, current_operation VARCHAR(255),
        bytes_transferred BIGINT DEFAULT 0, total_bytes BIGINT DEFAULT 0,
        transfer_speed_bps BIGINT DEFAULT 0, error_message TEXT, nbd_port INT,
        nbd_export_name VARCHAR(191), created_at DATETIME{millis}, updated_at DATETIME{millis},
        started_at DATETIME{millis}, completed_at DATETIME{millis})""",
    "CREATE INDEX jobs_status ON replication_jobs (status)",
    """CREATE TABLE vm_disks (
        id INTEGER NOT NULL PRIMARY KEY, job_id VARCHAR(191) NOT NULL, disk_id VARCHAR(191),
        vmdk_path VARCHAR(191), size_gb INT, capacity_bytes BIGINT, unit_number INT, label VARCHAR(191),
        ossea_volume_id INT, sync_status VARCHAR(191) DEFAULT 'pending',
        sync_progress_percent DECIMAL(5,2) DEFAULT 0, bytes_synced BIGINT DEFAULT 0,
        created_at DATETIME{millis}, updated_at DATETIME{millis})""",
    "CREATE INDEX disks_job ON vm_disks (job_id)",
    "CREATE TABLE ossea_volumes (id INTEGER NOT NULL PRIMARY KEY, volume_id VARCHAR(191) UNIQUE)",
)

_LATER = (
    """CREATE TABLE replication_jobs (
        id VARCHAR(64) NOT NULL PRIMARY KEY, vm_context_id VARCHAR(64), source_vm_name VARCHAR(255),
        vcenter_host VARCHAR(255), datacenter VARCHAR(255), status VARCHAR(50) NOT NULL DEFAULT 'pending',
        progress_percent DECIMAL(5,2) NOT NULL DEFAULT 0, current_operation VARCHAR(255),
        bytes_transferred BIGINT NOT NULL DEFAULT 0, total_bytes BIGINT NOT NULL DEFAULT 0,
        transfer_speed_bps BIGINT NOT NULL DEFAULT 0, error_message TEXT, nbd_export_name VARCHAR(255),
        setup_progress_percent DECIMAL(5,2), vma_sync_type VARCHAR(50), vma_current_phase VARCHAR(100),
        vma_throughput_mbps DECIMAL(10,2), vma_eta_seconds INT, vma_last_poll_at TIMESTAMP NULL,
        vma_error_classification VARCHAR(50), vma_error_details TEXT,
        created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP{follows}, started_at TIMESTAMP NULL,
        completed_at TIMESTAMP NULL)""",
    "CREATE INDEX jobs_status ON replication_jobs (status)",
    "CREATE INDEX jobs_context ON replication_jobs (vm_context_id)",
    """CREATE TABLE vm_disks (
        id {serial}, vm_context_id VARCHAR(64), job_id VARCHAR(64) NULL, disk_id VARCHAR(64) NOT NULL,
        vmdk_path VARCHAR(500), size_gb INT, capacity_bytes BIGINT, unit_number INT, label VARCHAR(255),
        ossea_volume_id INT, sync_status VARCHAR(50) DEFAULT 'pending',
        sync_progress_percent DECIMAL(5,2) DEFAULT 0, bytes_synced BIGINT DEFAULT 0,
        created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP{follows})""",
    "CREATE INDEX disks_job ON vm_disks (job_id)",
    "CREATE INDEX disks_context ON vm_disks (vm_context_id)",
    "CREATE TABLE ossea_volumes (id {serial}, volume_id VARCHAR(191) NOT NULL UNIQUE, status VARCHAR(50))",
    """CREATE TABLE oma_poller_jobs (
        job_id VARCHAR(64) NOT NULL PRIMARY KEY, observation VARCHAR(32) NOT NULL,
        observed_since DATETIME{micros} NOT NULL, reason VARCHAR(500) NOT NULL DEFAULT '',
        consecutive_errors INT NOT NULL DEFAULT 0, updated_at DATETIME{micros} NOT NULL,
        memory TEXT, accepted_at DATETIME{micros} NULL)""",
)

# Latin-1 here, another collation there, numbers of other types, short texts, words that must be one of a few.
_DRIFTED = (
    """CREATE TABLE replication_jobs (
        id VARCHAR(191){latin} NOT NULL PRIMARY KEY, source_vm_name VARCHAR(191), v_center_host VARCHAR(191),
        status VARCHAR(30){latin} NOT NULL, progress_percent DOUBLE NOT NULL DEFAULT 0,
        current_operation VARCHAR(255){latin}, bytes_transferred BIGINT{unsigned} NOT NULL DEFAULT 0,
        total_bytes BIGINT{unsigned} NOT NULL DEFAULT 0, transfer_speed_bps INT NOT NULL DEFAULT 0,
        error_message VARCHAR(100){three}, nbd_export_name VARCHAR(191), vma_sync_type {kinds},
        vma_current_phase VARCHAR(8), vma_throughput_mbps DECIMAL(5,1),
        vma_eta_seconds INT NOT NULL DEFAULT 0,
        vma_error_classification VARCHAR(50) NOT NULL DEFAULT '',
        created_at TIMESTAMP NULL DEFAULT NULL{follows}, updated_at DATETIME)""",
    """CREATE TABLE vm_disks (
        id VARCHAR(64){three} NOT NULL PRIMARY KEY, job_id VARCHAR(191){three} NULL,
        disk_id VARCHAR(191) NOT NULL, vm_dk_path VARCHAR(191), size_gb DOUBLE,
        ossea_volume_id VARCHAR(64){three},
        sync_status VARCHAR(20), sync_progress_percent DOUBLE)""",
    "CREATE INDEX disks_job ON vm_disks (job_id)",
    "CREATE TABLE ossea_volumes (id VARCHAR(64){latin} NOT NULL PRIMARY KEY, volume_id VARCHAR(191))",
)

_STATEMENTS = {Variant.SEED: _SEED, Variant.LATER: _LATER, Variant.DRIFTED: _DRIFTED}
_SQLITE_WORDS = dict.fromkeys(("millis", "micros", "follows", "latin", "three", "unsigned"), "") | {
    "serial": "INTEGER PRIMARY KEY",
    "kinds": "VARCHAR(11) CHECK (vma_sync_type IN ('full', 'incremental'))",
}
_MYSQL_WORDS = {
    "millis": "(3) NULL",
    "micros": "(6)",
    "follows": " ON UPDATE CURRENT_TIMESTAMP",
    "latin": " CHARACTER SET latin1 COLLATE latin1_general_ci",
    "three": " CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci",
    "unsigned": " UNSIGNED",
    "serial": "INT NOT NULL AUTO_INCREMENT PRIMARY KEY",
    "kinds": "ENUM('full', 'incremental')",
}


def variant_ddl(variant: Variant, engine: Engine) -> list[str]:
    """Return the statements that make the tables of *variant*."""
    words = _SQLITE_WORDS if engine is Engine.SQLITE else _MYSQL_WORDS
    return [statement.format_map(words) for statement in _STATEMENTS[variant]]
