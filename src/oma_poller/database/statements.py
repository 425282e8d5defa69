"""The statements of a flush, as text, for what one database has."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from oma_poller.database.capabilities import Capabilities, Table
from oma_poller.database.column import Column, Kind
from oma_poller.database.dialect import Dialect, dialect_of
from oma_poller.database.fitting import Fits, fits_of
from oma_poller.database.relation import Given, Join
from oma_poller.database.unnamed_disks import is_unnamed, may_be
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
    """A statement for rows that are written, and how the values that these may have are made to fit."""

    sql: str
    fits: Fits
    width: int
    """How many values a row has."""


class Statements(Struct, frozen=True):
    """What a flush runs, in this order; None where the tables for it are not there."""

    ends: str
    """The query for the jobs that end and whose row may be written; it locks these rows until they are.

    Its parameter are the rows. Run only where a job ends.
    """
    disks: Statement | None
    jobs: Statement
    heartbeats: Statement
    own: Statement | None
    history: Statement | None


class StatementText:
    """Writes the statements for one database, guarded by the active *statuses*."""

    def __init__(self, capabilities: Capabilities, statuses: Sequence[str], *, write_status: bool) -> None:
        self._has = capabilities
        self._dialect: Dialect = dialect_of(capabilities.engine)
        self._write_status = write_status
        self._id = capabilities.jobs.columns["id"]
        words = ", ".join(map(self._dialect.literal, statuses)) or "NULL"
        self._guard = f"{self._dialect.unsought('j.status')} IN ({words})"

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
        given = self._dialect.asked({JOB: self._id, BORN: _BORN})
        writable = self._guarded(self._same_job(given))
        job = given.fields[JOB]
        return self._dialect.select([job], given.relation, writable, ()) + self._dialect.for_update

    def _jobs(self) -> Statement:
        table = self._has.jobs
        values = _present(table, SEED_VALUES + (LATER_VALUES if self._write_status else ()))
        given = self._dialect.written({JOB: self._id, BORN: _BORN, NUMBERS: _FLAG, ENDS: _FLAG, **values})
        sets = {name: self._value(given, name, column, "j") for name, column in values.items()}
        completed = table.get("completed_at")
        if self._write_status and completed is not None:
            now = self._dialect.now(completed)
            sets["completed_at"] = f"CASE WHEN {given.fields[ENDS]} = 1 THEN {now} ELSE j.completed_at END"
        stamped = self._stamped(table, "j", sets)
        sql = self._dialect.update(given.relation, [self._same_job(given)], stamped, self._guard)
        return Statement(sql, fits_of(values), len(given.fields))

    def _heartbeats(self) -> Statement:
        sets = self._stamped(self._has.jobs, "j", {})
        given = self._dialect.written({JOB: self._id})
        sql = self._dialect.update(given.relation, [self._same_id(given)], sets, self._guard)
        return Statement(sql, {}, len(given.fields))

    def _disks(self) -> Statement | None:
        """A disk that was given to another job meanwhile is that job's: it is not touched."""
        table = self._has.disks
        values = _present(table, DISK_VALUES)
        if not values or not self._write_status:
            return None
        disk_id, job_id = table.columns["id"], table.get("job_id")
        given = self._dialect.written({JOB: self._id, BORN: _BORN, DISK: disk_id, **values})
        tie, guard = f"d.id = {self._dialect.stored(given.fields[DISK], disk_id)}", self._guard
        if job_id is not None:
            owner = f"d.job_id = {self._dialect.stored(given.fields[JOB], job_id)}"
            if may_be(self._has):
                guard += f" AND ({owner} OR ({is_unnamed(self._dialect, self._has)}))"
            else:
                tie += f" AND {owner}"
        disks = Join(table.name, "d", tie, by_key=disk_id.in_primary_key)
        sets = {name: self._value(given, name, column, "d") for name, column in values.items()}
        stamped = self._stamped(table, "d", sets)
        sql = self._dialect.update(given.relation, [self._same_job(given), disks], stamped, guard)
        return Statement(sql, fits_of(values), len(given.fields))

    def _own(self) -> Statement | None:
        table = self._has.own_jobs
        values = _present(table, OWN_VALUES)
        if not values or not table.has("job_id"):
            return None
        given = self._dialect.written({JOB: self._id, BORN: _BORN, **values})
        sets = self._inserted(given, values)
        updated = table.get("updated_at")
        if updated is not None:
            sets["updated_at"] = self._dialect.now(updated)
        source = (given.relation, self._same_job(given))
        sql = self._dialect.upsert(table.name, "job_id", sets, source, frozenset({"memory"}))
        return Statement(sql, fits_of(values, UNCUT_VALUES), len(given.fields))

    def _history(self) -> Statement | None:
        """Samples are of rows that may be written: what is withheld is no history."""
        table = self._has.own_history
        if not table.has("job_id", *HISTORY_VALUES):
            return None
        values = _present(table, HISTORY_VALUES)
        given = self._dialect.written({JOB: self._id, BORN: _BORN, **values})
        source = (given.relation, self._guarded(self._same_job(given)))
        sql = self._dialect.upsert(table.name, "job_id, at", self._inserted(given, values), source)
        return Statement(sql, fits_of(values), len(given.fields))

    def _same_id(self, given: Given) -> Join:
        tie = f"j.id = {self._dialect.stored(given.fields[JOB], self._id)}"
        return Join(self._has.jobs.name, "j", tie, by_key=self._id.in_primary_key)

    def _same_job(self, given: Given) -> Join:
        """Return the job's row, where it was not made anew under its id since its job was read."""
        join, created = self._same_id(given), self._has.birth
        if created is None:
            return join
        born = self._dialect.is_text(given.fields[BORN], self._dialect.as_text(f"j.{created.name}"))
        return replace(join, on=f"{join.on} AND {born}")

    def _guarded(self, join: Join) -> Join:
        return replace(join, on=f"{join.on} AND {self._guard}")

    def _inserted(self, given: Given, values: Mapping[str, Column]) -> dict[str, str]:
        """Return what the columns of a table of ours become; a job has its id as the OMA writes it."""
        sets = {name: self._dialect.stored(given.fields[name], column) for name, column in values.items()}
        return {"job_id": "j.id", **sets}

    def _value(self, given: Given, name: str, column: Column, alias: str) -> str:
        """Return what *column* becomes: the row's value, or what it was where the row has none."""
        value, last = self._dialect.stored(given.fields[name], column), f"{alias}.{column.name}"
        if name not in NULLED_VALUES:
            return f"COALESCE({value}, {last})"
        if name == "vma_eta_seconds":
            known = value if column.nullable else f"COALESCE({value}, {last})"
            return f"CASE WHEN {given.fields[NUMBERS]} = 1 THEN {known} ELSE {last} END"
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
