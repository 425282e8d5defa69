"""What a statement reads from: the rows that it is given, and the tables that are joined to them."""

from collections.abc import Iterable, Mapping

from msgspec import Struct


class Join(Struct, frozen=True):
    """A table under an alias, and the condition that ties it to what stands before it."""

    table: str
    alias: str
    on: str
    by_key: bool = False
    """Whether its rows are looked for by their primary key, so that no other row is locked or waited for."""


class Given(Struct, frozen=True):
    """The rows that a statement is given, as its text names them."""

    relation: str
    """What stands in FROM; nothing where the statement is run once a row, with its values as parameters."""
    fields: Mapping[str, str]
    """Each field of a row as an expression."""


def of_t(fields: Iterable[str]) -> dict[str, str]:
    """Return the fields of rows that have the alias `t`."""
    return {name: f"t.{name}" for name in fields}


def changes(news: Mapping[str, str], table: str, kept: frozenset[str]) -> str:
    """Return the assignments of an upsert to a row that is there."""
    return ", ".join(
        f"{column} = COALESCE({new}, {table}.{column})" if column in kept else f"{column} = {new}"
        for column, new in news.items()
    )
