"""Creates and migrates our own tables, those whose names begin with `oma_poller_`, and no others.

Imported by `oma-poller db upgrade` alone: what polls has no use for SQLAlchemy.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.capabilities import OWN_TABLES, read_capabilities, require_usable
from oma_poller.database.connect import Connection, connect
from oma_poller.database.driver_errors import translating
from oma_poller.database.schema_lock import take_schema_lock
from oma_poller.errors import DatabaseError

VERSION_TABLE = "oma_poller_schema"
_MIGRATIONS = Path(__file__).parent / "migrations"
_DIALECTS = {Engine.SQLITE: "sqlite://", Engine.MYSQL: "mysql+pymysql://"}


def upgrade(address: DatabaseAddress) -> tuple[str, ...]:
    """Bring our tables to this program's version; return what was done, a line each, or () for nothing.

    Raises DatabaseError where the database is not an OMA's, or our tables in it are of a newer program.
    """
    _silence()
    with _translating(address), _engine(address).connect() as connection:
        link = cast("Connection", connection.connection.driver_connection)
        require_usable(read_capabilities(link, address), address)
        take_schema_lock(link, address)
        # The versions read from here on are those that no other process is changing.
        with connection.begin():
            done = _restore(connection, link, address)
            return (*done, *_migrate(connection, address))


def _restore(connection: sa.Connection, link: Connection, address: DatabaseAddress) -> tuple[str, ...]:
    """Make the tables anew that somebody dropped since they were made; return a line for each.

    Every version can be applied once more, and makes only what is not there: so all of them are, up to the
    one that the database is of.
    """
    script = ScriptDirectory(str(_MIGRATIONS))
    options = {"version_table": VERSION_TABLE, "script": script}
    context = MigrationContext.configure(connection, opts=options)
    heads = context.get_current_heads()
    if not heads:
        return ()
    _require_known(script, heads, address)
    before = _own_tables(link, address)
    if before.issuperset(OWN_TABLES):
        return ()
    with Operations.context(context):
        for version in reversed(list(script.iterate_revisions(heads, "base"))):
            version.module.upgrade()
    made = _own_tables(link, address) - before
    return tuple(f"{table} was not there any more: made anew, without rows" for table in sorted(made))


def _own_tables(link: Connection, address: DatabaseAddress) -> set[str]:
    has = read_capabilities(link, address)
    return {name for name in OWN_TABLES if has.tables[name]}


def _engine(address: DatabaseAddress) -> sa.Engine:
    """Return SQLAlchemy on connections of our own: the same session, limits and errors as everywhere."""

    def creator() -> Any:  # noqa: ANN401 - the driver's connection, which SQLAlchemy types by itself
        return connect(address, autocommit=True)

    return sa.create_engine(_DIALECTS[address.engine], creator=creator, poolclass=sa.NullPool)


def _migrate(connection: sa.Connection, address: DatabaseAddress) -> tuple[str, ...]:
    script = ScriptDirectory(str(_MIGRATIONS))
    done: list[str] = []

    def steps(heads: tuple[str, ...], _context: MigrationContext) -> Iterable[MigrationStep]:
        _require_known(script, heads, address)
        ahead = list(script.iterate_revisions("head", heads, implicit_base=True))
        return [
            MigrationStep.upgrade_from_script(script.revision_map, version) for version in reversed(ahead)
        ]

    def note(step: Any, **_rest: object) -> None:  # noqa: ANN401 - alembic's MigrationInfo, which it does not export
        done.append(f"{step.up_revision_id}: {step.up_revision.doc}")

    options = {"version_table": VERSION_TABLE, "script": script, "fn": steps, "on_version_apply": (note,)}
    context = MigrationContext.configure(connection, opts=options)
    with Operations.context(context):
        context.run_migrations()
    return tuple(done)


def _require_known(script: ScriptDirectory, heads: tuple[str, ...], address: DatabaseAddress) -> None:
    known = {version.revision for version in script.walk_revisions()}
    unknown = sorted(set(heads) - known)
    if unknown:
        raise DatabaseError(
            f"{address.redacted}: its oma_poller_ tables are of version {unknown[0]}, but this program "
            f"knows them up to {script.get_current_head()}: run the newer program"
        )


def _silence() -> None:
    """Keep the libraries' own log out of the program's: what matters is returned or raised."""
    for name in ("alembic", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False


@contextmanager
def _translating(address: DatabaseAddress) -> Iterator[None]:
    """Raise the libraries' errors as DatabaseError; those that wrap a driver's become what that one means."""
    try:
        with translating(address):
            try:
                yield
            except DBAPIError as error:
                raise error.orig or error from None
    except (SQLAlchemyError, CommandError, RevisionError) as error:
        raise DatabaseError(f"{address.redacted}: {' '.join(str(error).split())}") from error
