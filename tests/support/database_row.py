"""A row of the database, as the updates written to it leave it."""

from oma_poller.model.update import Update


class DatabaseRow:
    """One row of `replication_jobs` and its rows of `vm_disks`. None in an update leaves what is there."""

    def __init__(self) -> None:
        self.columns: dict[str, object] = {"status": "queued"}
        self.disks: dict[int | str, dict[str, object]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatabaseRow) and (self.columns, self.disks) == (other.columns, other.disks)

    __hash__ = None  # type: ignore[assignment] # a row changes

    def __repr__(self) -> str:
        return f"{self.columns} {self.disks}"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing may change the row any more (D5)."""
        return self.columns["status"] in {"completed", "failed", "cancelled"}

    def copy(self) -> "DatabaseRow":
        """Return a row of its own with the same values."""
        row = DatabaseRow()
        row.columns = dict(self.columns)
        row.disks = {disk_id: dict(columns) for disk_id, columns in self.disks.items()}
        return row

    def write(self, update: Update) -> None:
        """Do what the guarded statement of a flush does."""
        if self.is_terminal:
            return
        self.columns |= {"sighting": update.sighting, "errors": update.consecutive_errors}
        if update.status is not None:
            self.columns["status"] = update.status
        if update.error_message is not None:
            self.columns["error"] = update.error_message
        if update.progress is None:
            return
        progress = update.progress
        self.columns |= {"percent": progress.percent_bp, "operation": progress.operation}
        self.columns |= {"bytes": progress.bytes_transferred, "total": progress.total_bytes}
        self.columns |= {"speed": progress.speed_bps, "eta": progress.eta_s}
        for disk in progress.disks:
            columns = self.disks.setdefault(disk.id, {})
            columns |= {"status": disk.status, "percent": disk.percent_bp}
            if disk.bytes_synced is not None:
                columns["bytes"] = disk.bytes_synced
