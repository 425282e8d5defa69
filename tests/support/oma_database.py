"""An OMA's database as tests fill and read it, on either engine."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import quote

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import connect
from oma_poller.database.oma_schema import init

GIB = 2**30


class OmaDatabase:
    """Each call opens a connection of its own, as another program would."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.address = address

    @property
    def url(self) -> str:
        """The address as `OMA_DATABASE_URL` has it."""
        address = self.address
        if address.engine is Engine.SQLITE:
            return f"sqlite:///{address.name}"
        login = f"{quote(address.user)}:{quote(address.password)}"
        return f"mysql://{login}@{address.host}:{address.port}/{address.name}"

    def create(self) -> "OmaDatabase":
        """Make the OMA's tables."""
        init(self.address)
        return self

    def execute(self, sql: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Run one statement, with `?` for each value, and commit; return its rows."""
        if self.address.engine is Engine.MYSQL:
            sql = sql.replace("%", "%%").replace("?", "%s")
        with closing(connect(self.address)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql, tuple(values))
            rows = cursor.fetchall() if cursor.description else []
            names = [column[0] for column in cursor.description or ()]
            connection.commit()
        return [dict(zip(names, row, strict=True)) for row in rows]

    def add_job(
        self, job_id: str, *volume_ids: str, capacity_bytes: int = 40 * GIB, **columns: object
    ) -> str:
        """Insert a running job with a disk for each volume; *columns* in place of the row's own."""
        row = {"id": job_id, "source_vm_id": job_id, "source_vm_name": f"vm of {job_id}", "status": "running"}
        row |= {"source_vm_path": "/DC/vm", "replication_type": "initial", "target_network": "n"}
        self._insert("replication_jobs", row | columns)
        for number, volume_id in enumerate(volume_ids):
            self.add_disk(job_id, volume_id, number, capacity_bytes)
        return job_id

    def add_disk(self, job_id: str, volume_id: str, number: int, capacity_bytes: int) -> None:
        """Insert a disk, and its volume where it is not there yet."""
        find = "SELECT id FROM ossea_volumes WHERE volume_id = ?"
        if not self.execute(find, (volume_id,)):
            volume = {"volume_id": volume_id, "volume_name": volume_id, "size_gb": 1, "status": "attached"}
            self._insert("ossea_volumes", volume)
        disk = {
            "job_id": job_id,
            "disk_id": str(2000 + number),
            "vmdk_path": f"[ds] {job_id}/{number}.vmdk",
            "size_gb": capacity_bytes // GIB,
            "capacity_bytes": capacity_bytes,
            "unit_number": number,
            "label": f"Hard disk {number}",
            "ossea_volume_id": self.execute(find, (volume_id,))[0]["id"],
            "sync_status": "pending",
        }
        self._insert("vm_disks", disk)

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the row of a job."""
        return self.execute("SELECT * FROM replication_jobs WHERE id = ?", (job_id,))[0]

    def statuses(self) -> dict[str, str]:
        """Return the status of every job."""
        rows = self.execute("SELECT id, status FROM replication_jobs")
        return {row["id"]: row["status"] for row in rows}

    def disks(self, job_id: str) -> list[dict[str, Any]]:
        """Return the rows of a job's disks, in order."""
        return self.execute("SELECT * FROM vm_disks WHERE job_id = ? ORDER BY id", (job_id,))

    def _insert(self, table: str, row: dict[str, object]) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - our own names
