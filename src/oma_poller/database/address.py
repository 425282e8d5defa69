"""Where the OMA's database is: `OMA_DATABASE_URL`, read and proven to be usable."""

from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

from oma_poller.errors import UsageError

ALLOWED = (
    "allowed are sqlite:///FILE and mysql://USER[:PASSWORD]@HOST[:PORT]/NAME (mariadb:// too), "
    "with ?unix_socket=PATH or ?ssl_ca=FILE"
)
DEFAULT_PORT = 3306
_MYSQL_SCHEMES = frozenset({"mysql", "mariadb"})
_OPTIONS = frozenset({"unix_socket", "ssl_ca"})


class Engine(StrEnum):
    """The two kinds of database. MariaDB and MySQL are one: they differ in nothing that is used here."""

    SQLITE = "sqlite"
    MYSQL = "mysql"


class DatabaseAddress(Struct, frozen=True):
    """What is needed to connect. The password never appears in its text form."""

    engine: Engine
    name: str
    """Name of the database; for SQLite the path of the file."""
    host: str = ""
    port: int = DEFAULT_PORT
    user: str = ""
    password: str = ""
    password_file: Path | None = None
    """Where the password is read anew at each connection; it then stands for `password`."""
    unix_socket: str | None = None
    ssl_ca: str | None = None

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(self.name)

    @property
    def redacted(self) -> str:
        """The address without the password, for logs and messages."""
        if self.engine is Engine.SQLITE:
            return f"sqlite:///{self.name}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        place = self.unix_socket or f"{host}:{self.port}"
        return f"mysql://{self.user}@{place}/{self.name}"

    def __repr__(self) -> str:
        return f"<DatabaseAddress {self.redacted}>"


def parse_address(url: str, password: str | None = None) -> DatabaseAddress:
    """Read a database URL; *password*, when given, stands for the one the URL lacks.

    Raises UsageError with one line, which never shows the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError(f"OMA_DATABASE_URL cannot be read; {ALLOWED}") from None
    if parts.scheme == Engine.SQLITE:
        return _sqlite(parts)
    if parts.scheme in _MYSQL_SCHEMES:
        return _mysql(parts, port, password)
    scheme = f" has the scheme {parts.scheme!r}" if parts.scheme else " has no scheme"
    raise UsageError(f"OMA_DATABASE_URL{scheme}; {ALLOWED}")


def _sqlite(parts: SplitResult) -> DatabaseAddress:
    path = unquote(parts.path)[1:]
    if parts.netloc or parts.query or parts.fragment or not path or path == ":memory:" or "\0" in path:
        raise UsageError(f"OMA_DATABASE_URL names no SQLite file; {ALLOWED}")
    return DatabaseAddress(Engine.SQLITE, path)


def _mysql(parts: SplitResult, port: int | None, password: str | None) -> DatabaseAddress:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise UsageError(f"OMA_DATABASE_URL has the unknown option {unknown[0]!r}; {ALLOWED}")
    name = unquote(parts.path)[1:]
    if not name or "/" in name or parts.fragment:
        raise UsageError(f"OMA_DATABASE_URL names no database; {ALLOWED}")
    if not parts.username:
        raise UsageError(f"OMA_DATABASE_URL names no user; {ALLOWED}")
    if not parts.hostname and not options.get("unix_socket"):
        raise UsageError(f"OMA_DATABASE_URL names neither a host nor a socket; {ALLOWED}")
    if port == 0:
        raise UsageError(f"OMA_DATABASE_URL has the port 0; {ALLOWED}")
    given = unquote(parts.password) if parts.password is not None else None
    if given is not None and password is not None:
        raise UsageError(
            "OMA_DATABASE_URL holds a password although OMA_DATABASE_PASSWORD_FILE is set: give one"
        )
    return DatabaseAddress(
        Engine.MYSQL,
        name,
        host=parts.hostname or "localhost",
        port=port or DEFAULT_PORT,
        user=unquote(parts.username),
        password=given or password or "",
        unix_socket=options.get("unix_socket") or None,
        ssl_ca=options.get("ssl_ca") or None,
    )
