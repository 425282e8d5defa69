"""The queries of discovery, as text, for what one database has."""

from oma_poller.database.active_ids import SEPARATOR
from oma_poller.database.capabilities import JOBS, Capabilities, Table
from oma_poller.database.column import Column, Kind
from oma_poller.database.dialect import Dialect
from oma_poller.database.job_rows import DISK_COLUMNS, JOB_COLUMNS, PAST_COLUMNS
from oma_poller.database.relation import Join
from oma_poller.database.unnamed_disks import ALIAS, VM, may_be, unnamed_disks

ID, NEW = "id", "is_new"
"""Fields of a row that is asked for: the job's id, and whether its past is wanted."""

_FLAG = Column("flag", Kind.INTEGER, scale=0)


def active_query(dialect: Dialect, statuses: int) -> str:
    """Return the query for ids alone, a row each; without ORDER BY, which doubles its cost."""
    return _of_active(dialect, "id", statuses)


def listing_query(dialect: Dialect, statuses: int) -> str:
    """Return the query for all these ids in one row, as `split_ids` takes it."""
    return _of_active(dialect, dialect.listed("id", SEPARATOR), statuses)


def _of_active(dialect: Dialect, columns: str, statuses: int) -> str:
    marks = ", ".join([dialect.mark] * statuses)
    return f"SELECT {columns} FROM {JOBS} WHERE status IN ({marks})"  # noqa: S608  # names of our own


def newest_query(dialect: Dialect, has: Capabilities, statuses: int, limit: int) -> str:
    """Return the query for the ids of the newest active jobs."""
    marks = ", ".join([dialect.mark] * statuses)
    order = "id DESC" if has.birth is None else f"{has.birth.name} DESC, id DESC"
    return f"SELECT id FROM {JOBS} WHERE status IN ({marks}) ORDER BY {order} LIMIT {limit:d}"  # noqa: S608  # names of our own and from the catalog


def details_query(dialect: Dialect, has: Capabilities) -> str:
    """Return the query for whole jobs; its one parameter is a JSON array of [`ID`, `NEW`].

    A row is `JOB_COLUMNS`, the job's birth, when it was accepted, `PAST_COLUMNS`, `DISK_COLUMNS` and the
    volume's id; what this database lacks is NULL, and the past of a job whose `NEW` is not 1.
    """
    job_id = has.jobs.columns["id"]
    asked = dialect.asked({ID: job_id, NEW: _FLAG})
    inner = Join(has.jobs.name, "j", f"j.id = {dialect.stored(asked.fields[ID], job_id)}")
    outer = []
    if has.own_jobs.has("job_id", "memory"):
        tie = dialect.equal(("o.job_id", has.own_jobs.columns["job_id"]), ("j.id", job_id))
        outer.append(Join(has.own_jobs.name, "o", tie))
    if has.disks:
        outer.append(Join(has.disks.name, "d", _disk_tie(dialect, has)))
    if may_be(has):
        outer.append(unnamed_disks(dialect, has))
    if has.volumes:
        volume = (_disk_column(has, "ossea_volume_id"), has.disks.columns["ossea_volume_id"])
        tie = dialect.equal(("v.id", has.volumes.columns["id"]), volume)
        outer.append(Join(has.volumes.name, "v", tie))
    columns = [
        *(_job_column(has, name) for name in JOB_COLUMNS),
        _born(dialect, has),
        *_past(has, asked.fields[NEW]),
        *(_disk_column(has, name) for name in DISK_COLUMNS),
        _column("v", has.volumes, "volume_id"),
    ]
    return dialect.select(columns, asked.relation, inner, outer)


def _job_column(has: Capabilities, name: str) -> str:
    """Return a column of a job; a date of creation that moves is none."""
    return "NULL" if name == "created_at" and has.birth is None else _column("j", has.jobs, name)


def _born(dialect: Dialect, has: Capabilities) -> str:
    """Return what tells two rows apart that had the same id one after the other."""
    return "NULL" if has.birth is None else dialect.as_text(f"j.{has.birth.name}")


def _past(has: Capabilities, is_new: str) -> list[str]:
    """Return the columns of a job's past. Memories are long, so they are read only where they are wanted."""
    own = has.own_jobs
    if not own.has("job_id", "memory"):
        return ["NULL"] * (1 + len(PAST_COLUMNS))
    columns = ["o.memory", *(_column("j", has.jobs, name) for name in PAST_COLUMNS[1:])]
    wanted = [f"CASE WHEN {is_new} = 1 THEN {column} END" for column in columns]
    return [_column("o", own, "accepted_at"), *wanted]


def _disk_tie(dialect: Dialect, has: Capabilities) -> str:
    """Tie a disk to its job; in databases that know no `vm_disks.job_id`, by the VM of both."""
    name = "job_id" if has.disks.has("job_id") else VM
    of_job = "id" if name == "job_id" else name
    left, right = has.disks.columns[name], has.jobs.columns[of_job]
    return dialect.equal((f"d.{name}", left), (f"j.{of_job}", right))


def _disk_column(has: Capabilities, name: str) -> str:
    """Return a column of a disk, of one that names the job or, where none does, of one that names none."""
    named = _column("d", has.disks, name)
    return f"COALESCE({named}, {_column(ALIAS, has.disks, name)})" if may_be(has) else named


def _column(alias: str, table: Table, name: str) -> str:
    column = table.get(name)
    return "NULL" if column is None else f"{alias}.{column.name}"
