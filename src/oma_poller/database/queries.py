"""The two queries of discovery, as text, for what one database has."""

from oma_poller.database.capabilities import JOBS, Capabilities, Table
from oma_poller.database.dialect import Dialect, Join
from oma_poller.database.job_rows import DISK_COLUMNS, JOB_COLUMNS


def active_query(dialect: Dialect, statuses: int) -> str:
    """Return the query for ids and statuses alone; without ORDER BY, which doubles its cost."""
    marks = ", ".join([dialect.mark] * statuses)
    return f"SELECT id, status FROM {JOBS} WHERE status IN ({marks})"  # noqa: S608  # names of our own


def details_query(dialect: Dialect, has: Capabilities) -> str:
    """Return the query for whole jobs; its one parameter is a JSON array of ids.

    A row is `JOB_COLUMNS`, `DISK_COLUMNS` and the volume's id; what this database lacks is NULL.
    """
    job_id = has.jobs.columns["id"]
    inner = Join(has.jobs.name, "j", f"j.id = {dialect.field('id', job_id)}")
    outer = []
    if has.disks:
        outer.append(Join(has.disks.name, "d", _disk_tie(dialect, has)))
    if has.volumes:
        tie = dialect.equal(
            ("v.id", has.volumes.columns["id"]), ("d.ossea_volume_id", has.disks.columns["ossea_volume_id"])
        )
        outer.append(Join(has.volumes.name, "v", tie))
    columns = [
        *(_column("j", has.jobs, name) for name in JOB_COLUMNS),
        *(_column("d", has.disks, name) for name in DISK_COLUMNS),
        _column("v", has.volumes, "volume_id"),
    ]
    return dialect.select(columns, dialect.texts("id", job_id), inner, outer)


def _disk_tie(dialect: Dialect, has: Capabilities) -> str:
    """Tie a disk to its job; in databases that know no `vm_disks.job_id`, by the VM of both."""
    name = "job_id" if has.disks.has("job_id") else "vm_context_id"
    of_job = "id" if name == "job_id" else name
    left, right = has.disks.columns[name], has.jobs.columns[of_job]
    return dialect.equal((f"d.{name}", left), (f"j.{of_job}", right))


def _column(alias: str, table: Table, name: str) -> str:
    column = table.get(name)
    return "NULL" if column is None else f"{alias}.{column.name}"
