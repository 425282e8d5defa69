"""The statements of a flush, as text, for what one database has. Each takes its rows as one parameter."""

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.database.capabilities import Capabilities, Table
from oma_poller.database.column import Column, Kind
from oma_poller.database.dialect import Dialect, Join, dialect_of
from oma_poller.database.fitting import Fits, fits_of
from oma_poller.database.written import (
    DISK_VALUES,
    HISTORY_VALUES,
    LATER_VALUES,
    NULLED_VALUES,
    OWN_VALUES,
    SEED_VALUES,
    UNCUT_VALUES,
)

JOB, BORN, DISK, NUMBERS, ENDS = "job", "born", "disk", "numbers", "ends"
"""Fields of a row beside its values: the job's id and creation, the disk's id, whether it has numbers, and
whether it ends the job."""

_FLAG = Column("flag", Kind.INTEGER, scale=0)
_BORN = Column(BORN, Kind.TEXT, characters=255)


class Statement(Struct, frozen=True):
    """A statement, and how the values that its rows may have are made to fit."""

    sql: str
    fits: Fits
    is_guarded: bool = True
    """Whether the active statuses follow the rows as parameters."""


class Statements(Struct, frozen=True):
    """What a flush runs, in this order; None where the tables for it are not there."""

    ends: str
    """The query for the jobs that end and whose row may be written; it locks these rows until they are.

    Its parameters are the rows, then the active statuses. Run only where a job ends.
    """
    disks: Statement | None
    jobs: Statement
    heartbeats: Statement
    own: Statement | None
    history: Statement | None


class StatementText:
    """Writes the statements for one database."""

    def __init__(self, capabilities: Capabilities, guarded: int, *, write_status: bool) -> None:
        self._has = capabilities
        self._dialect: Dialect = dialect_of(capabilities.engine)
        self._write_status = write_status
        self._id = capabilities.jobs.columns["id"]
        marks = ", ".join([self._dialect.mark] * guarded) or "NULL"
        self._guard = f"{self._dialect.unsought('j.status')} IN ({marks})"
        same_id = f"j.id = {self._dialect.field(JOB, self._id)}"
        self._job = Join(capabilities.jobs.name, "j", same_id, by_key=self._id.in_primary_key)
        self._same_job = replace(self._job, on=f"{self._job.on}{self._same_birth()}")

    def all(self) -> Statements:
        """Return the statements of a flush."""
        return Statements(
            ends=self._ends(),
            disks=self._disks(),
            jobs=self._jobs(),
            heartbeats=self._heartbeats(),
            own=self._own(),
            history=self._history(),
        )

    def _ends(self) -> str:
        rows = self._dialect.rows({JOB: self._id, BORN: _BORN})
        writable = replace(self._same_job, on=f"{self._same_job.on} AND {self._guard}")
        return self._dialect.select([f"t.{JOB}"], rows, writable, ()) + self._dialect.for_update

    def _jobs(self) -> Statement:
        table = self._has.jobs
        values = _present(table, SEED_VALUES + (LATER_VALUES if self._write_status else ()))
        sets = {name: self._value(name, column, "j") for name, column in values.items()}
        completed = table.get("completed_at")
        if self._write_status and completed is not None:
            now = self._dialect.now(completed)
            sets["completed_at"] = f"CASE WHEN t.{ENDS} = 1 THEN {now} ELSE j.completed_at END"
        fields = {JOB: self._id, BORN: _BORN, NUMBERS: _FLAG, ENDS: _FLAG, **values}
        sql = self._dialect.update(
            self._dialect.rows(fields), [self._same_job], self._stamped(table, "j", sets), self._guard
        )
        return Statement(sql, fits_of(values))

    def _heartbeats(self) -> Statement:
        sets = self._stamped(self._has.jobs, "j", {})
        rows = self._dialect.rows({JOB: self._id})
        return Statement(self._dialect.update(rows, [self._job], sets, self._guard), {})

    def _disks(self) -> Statement | None:
        """A disk that was given to another job meanwhile is that job's: it is not touched."""
        table = self._has.disks
        values = _present(table, DISK_VALUES)
        if not values or not self._write_status:
            return None
        disk_id, job_id = table.columns["id"], table.get("job_id")
        tie = f"d.id = {self._dialect.field(DISK, disk_id)}"
        if job_id is not None:
            tie += f" AND d.job_id = {self._dialect.field(JOB, job_id)}"
        sets = {name: self._value(name, column, "d") for name, column in values.items()}
        sql = self._dialect.update(
            self._dialect.rows({JOB: self._id, BORN: _BORN, DISK: disk_id, **values}),
            [self._same_job, Join(table.name, "d", tie, by_key=disk_id.in_primary_key)],
            self._stamped(table, "d", sets),
            self._guard,
        )
        return Statement(sql, fits_of(values))

    def _own(self) -> Statement | None:
        table = self._has.own_jobs
        values = _present(table, OWN_VALUES)
        if not values or not table.has("job_id"):
            return None
        sets = {"job_id": "j.id"} | {
            name: self._dialect.field(name, column) for name, column in values.items()
        }
        updated = table.get("updated_at")
        if updated is not None:
            sets["updated_at"] = self._dialect.now(updated)
        rows = self._dialect.rows({JOB: self._id, BORN: _BORN, **values})
        sql = self._dialect.upsert(table.name, "job_id", sets, (rows, self._same_job), frozenset({"memory"}))
        return Statement(sql, fits_of(values, UNCUT_VALUES), is_guarded=False)

    def _history(self) -> Statement | None:
        """Samples are of rows that may be written: what is withheld is no history."""
        table = self._has.own_history
        if not table.has("job_id", *HISTORY_VALUES):
            return None
        values = _present(table, HISTORY_VALUES)
        sets = {"job_id": "j.id"}
        sets |= {name: self._dialect.field(name, column) for name, column in values.items()}
        rows = self._dialect.rows({JOB: self._id, BORN: _BORN, **values})
        active = replace(self._same_job, on=f"{self._same_job.on} AND {self._guard}")
        sql = self._dialect.upsert(table.name, "job_id, at", sets, (rows, active))
        return Statement(sql, fits_of(values))

    def _same_birth(self) -> str:
        """Return the condition that the row was not made anew under its id since its job was read."""
        created = self._has.birth
        if created is None:
            return ""
        return f" AND {self._dialect.is_text(BORN, self._dialect.as_text(f'j.{created.name}'))}"

    def _value(self, name: str, column: Column, alias: str) -> str:
        """Return what *column* becomes: the row's value, or what it was where the row has none."""
        value, last = self._dialect.field(name, column), f"{alias}.{column.name}"
        if name not in NULLED_VALUES:
            return f"COALESCE({value}, {last})"
        if name == "vma_eta_seconds":
            known = value if column.nullable else f"COALESCE({value}, {last})"
            return f"CASE WHEN t.{NUMBERS} = 1 THEN {known} ELSE {last} END"
        return value if column.nullable else f"COALESCE({value}, '')"

    def _stamped(self, table: Table, alias: str, sets: dict[str, str]) -> dict[str, str]:
        """Add the moments; hold still what the server would set by itself, such as an old `created_at`."""
        stamps = ["updated_at"]
        if table is self._has.jobs and self._write_status:
            stamps.append("vma_last_poll_at")
        for name, column in _present(table, tuple(stamps)).items():
            sets[name] = self._dialect.now(column)
        for name, column in table.columns.items():
            if column.follows_updates and name not in sets:
                sets[name] = f"{alias}.{name}"
        return sets


def _present(table: Table, names: tuple[str, ...]) -> dict[str, Column]:
    """Return those of *names* that the table has, with their columns."""
    found = {name: table.get(name) for name in names}
    return {name: column for name, column in found.items() if column is not None}
