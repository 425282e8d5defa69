"""The part of `oma-poller check` that looks at the database."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from oma_poller.cli.finding import Finding, Mark
from oma_poller.database.address import DatabaseAddress
from oma_poller.database.survey import Survey, survey
from oma_poller.database.trial import unwritable
from oma_poller.errors import DatabaseError
from oma_poller.model.policy import Policy

_REQUIRED_TABLE = "replication_jobs"
_MEMORY_TABLE = "oma_poller_jobs"
_LATER_TABLES = {"oma_poller_history": "no history", "oma_poller_flights": "no recorded polls"}
"""Tables of this program that earlier versions had not, and what does not work without them."""
_MISSED = {
    "vm_disks": "the disks of a job are unknown, so only nbd_export_name and the job id are asked for",
    "ossea_volumes": "the exports of disks are unknown, so only nbd_export_name and the job id are asked for",
}
"""What does not work without a table."""
_MOVING_BIRTH = (
    "replication_jobs.created_at changes with every change of a row (ON UPDATE CURRENT_TIMESTAMP), so it is"
    " not used: a job made anew under an old id is not told apart, and a copy that began before its job was"
    " first seen counts once it moves"
)


class DatabaseLook(Struct, frozen=True):
    """What came of looking at the database."""

    address: str
    """Without the password."""
    reachable: bool
    error: str | None
    """Why it could not be looked at, in one line."""
    survey: Survey | None
    unwritable: dict[str, str] = {}  # msgspec copies an empty default
    """Tables that may not be written, each with the database's reason."""

    @property
    def usable(self) -> bool:
        """Whether jobs can be read from it."""
        return self.survey is not None and self.survey.is_usable


def look_at_database(address: DatabaseAddress, policy: Policy) -> DatabaseLook:
    """Look at the database, changing nothing; an error is part of what is found."""
    try:
        found = survey(address, write_status=policy.write_status, active_statuses=policy.active_statuses)
        refused = unwritable(address, write_status=policy.write_status) if found.is_usable else {}
    except DatabaseError as error:
        return DatabaseLook(address.redacted, reachable=False, error=str(error), survey=None)
    return DatabaseLook(address.redacted, reachable=True, error=None, survey=found, unwritable=refused)


def tell_database(look: DatabaseLook) -> Iterator[Finding]:
    """Yield what is there, what is missing, and what would help."""
    found = look.survey
    if found is None:
        yield Finding("database", Mark.WRONG, f"cannot be used: {look.error}")
        return
    what = f"{look.address} is {found.product} {found.version}"
    if found.is_too_old:
        yield Finding("database", Mark.WRONG, f"{what}, which is too old for this program")
    else:
        yield Finding("database", Mark.OK, what)
    yield from _tell_tables(found)
    if found.is_usable:
        yield from _tell_columns(found)
        yield from _tell_oddities(found)
        yield from _tell_rights(look)
        yield from _tell_indexes(found)
    if _REQUIRED_TABLE not in found.missing_tables:
        yield _own_tables(found)


def _tell_tables(found: Survey) -> Iterator[Finding]:
    if found.tables:
        yield Finding("database", Mark.OK, f"tables: {', '.join(found.tables)}")
    for table in found.missing_tables:
        if table == _REQUIRED_TABLE:
            text = "; is it the OMA's database? `oma-poller db init` makes the tables in an empty one"
            yield Finding("database", Mark.WRONG, f"there is no table {table}{text}")
        else:
            yield Finding("database", Mark.HINT, f"there is no table {table}: {_MISSED.get(table, 'unused')}")
    if found.missing_required:
        yield Finding("database", Mark.WRONG, f"required and missing: {', '.join(found.missing_required)}")


def _tell_columns(found: Survey) -> Iterator[Finding]:
    if found.drifted:
        yield Finding("database", Mark.OK, f"used under other names: {', '.join(found.drifted)}")
    yield Finding("database", Mark.OK, f"will be written: {_by_table(found.written)}")
    if found.unwritten:
        yield Finding(
            "database", Mark.HINT, f"not there, so not written: {_by_table(found.unwritten)}; all optional"
        )


def _tell_oddities(found: Survey) -> Iterator[Finding]:
    if found.has_moving_birth:
        yield Finding("database", Mark.HINT, _MOVING_BIRTH)
    if found.unknown_statuses:
        words = ", ".join(found.unknown_statuses)
        text = (
            f"replication_jobs.status has not the words {words}: a job's row keeps its status in their place"
        )
        yield Finding("database", Mark.WRONG, text)


def _tell_rights(look: DatabaseLook) -> Iterator[Finding]:
    for table, reason in look.unwritable.items():
        yield Finding("database", Mark.WRONG, f"{table} may not be written: {reason}")
    if not look.unwritable:
        yield Finding("database", Mark.OK, "all that will be written may be written")


def _tell_indexes(found: Survey) -> Iterator[Finding]:
    for index in found.missing_indexes:
        yield Finding(
            "database", Mark.HINT, f"no index on {index.table}.{index.column}; to add: {index.ddl};"
        )
    if not found.missing_indexes:
        yield Finding("database", Mark.OK, "no index is missing")


def _own_tables(found: Survey) -> Finding:
    if not found.missing_own_tables:
        return Finding("database", Mark.OK, "the program's own tables are there")
    lacks = ", ".join(text for table, text in _LATER_TABLES.items() if table in found.missing_own_tables)
    if _MEMORY_TABLE not in found.missing_own_tables:
        text = f"the program's own tables are of an earlier version: {lacks}; to add: oma-poller db upgrade"
        return Finding("database", Mark.HINT, text)
    return Finding(
        "database",
        Mark.HINT,
        f"the program's own tables are not there: {lacks}, and nothing is remembered across a restart;"
        " to add: oma-poller db upgrade",
    )


def _by_table(columns: Sequence[str]) -> str:
    """Return `table: column column; table: …` of `table.column` names."""
    grouped: dict[str, list[str]] = {}
    for name in columns:
        table, _, column = name.rpartition(".")
        grouped.setdefault(table, []).append(column)
    return "; ".join(f"{table} ({', '.join(names)})" for table, names in grouped.items())
