"""Connections: what they promise, and each way in which none is to be had."""

import socket
import ssl
import threading
from contextlib import closing
from pathlib import Path

import pytest
from mariadb_server import PASSWORD, MariadbServer
from msgspec.structs import replace

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.connect import Connection, connect
from oma_poller.database.driver_errors import translating
from oma_poller.errors import (
    DatabaseError,
    DatabaseGoneError,
    DatabaseLockedError,
    DatabaseLockTimeoutError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
)


def ask(connection: Connection, sql: str) -> tuple[object, ...]:
    """Return the first row of a query."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        return tuple(cursor.fetchone() or ())


def refusal(address: DatabaseAddress) -> DatabaseError:
    """Return why there is no connection; the reason never shows a password and takes one line."""
    with pytest.raises(DatabaseError) as caught:
        connect(address)
    message = str(caught.value)
    assert "\n" not in message
    assert PASSWORD not in message
    assert message.startswith(address.redacted)
    return caught.value


@pytest.fixture
def file(tmp_path: Path) -> DatabaseAddress:
    """Return the address of an SQLite file that is not there yet."""
    return DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma ü?#.db"))


def make(file: DatabaseAddress) -> None:
    """Make the file, with one table."""
    with closing(connect(file, create=True)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT CHECK (word <> 'no'))")


def test_a_missing_file_is_not_made_but_told(file: DatabaseAddress) -> None:
    error = refusal(file)
    assert not isinstance(error, DatabaseUnavailableError)
    assert "`oma-poller db init` makes it" in str(error)
    assert not file.path.exists()


def test_a_file_is_made_where_that_is_asked_for(file: DatabaseAddress) -> None:
    make(file)
    with closing(connect(file)) as connection:
        assert ask(connection, "SELECT COUNT(*) FROM t") == (0,)


def test_a_folder_and_a_text_are_no_databases(tmp_path: Path) -> None:
    assert "is a folder" in str(refusal(DatabaseAddress(Engine.SQLITE, str(tmp_path))))
    (tmp_path / "text").write_text("this is a text, and long enough to be looked at " * 20)
    error = refusal(DatabaseAddress(Engine.SQLITE, str(tmp_path / "text")))
    assert "not a database" in str(error)
    assert not isinstance(error, DatabaseUnavailableError)


@pytest.mark.parametrize("mode", ["delete", "wal", "truncate"])
def test_the_journal_of_a_file_stays_what_it_was(file: DatabaseAddress, mode: str) -> None:
    make(file)
    with closing(connect(file, autocommit=True)) as connection:
        ask(connection, f"PRAGMA journal_mode = {mode}")
    with closing(connect(file)) as connection:
        assert ask(connection, "PRAGMA journal_mode")[0] == ("delete" if mode == "truncate" else mode)


def test_a_text_that_is_not_utf8_hides_no_row(file: DatabaseAddress) -> None:
    make(file)
    with closing(connect(file, autocommit=True)) as connection:
        ask(connection, "INSERT INTO t VALUES (1, CAST(x'61ff62' AS TEXT)) RETURNING id")
        assert ask(connection, "SELECT word FROM t") == ("a\ufffdb",)


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("INSERT INTO t VALUES (1, 'no')", DatabaseRefusedError),
        ("INSERT INTO nowhere VALUES (1)", DatabaseError),
        ("SELEKT", DatabaseError),
        ("PRAGMA query_only = ON; ", None),
    ],
)
def test_what_sqlite_says_is_translated(file: DatabaseAddress, sql: str, kind: type | None) -> None:
    make(file)
    with closing(connect(file)) as connection:
        if kind is not None:
            with pytest.raises(DatabaseError) as caught, translating(file):
                ask(connection, sql)
            assert type(caught.value) is kind
            return
        ask(connection, sql)
        with pytest.raises(DatabaseUnavailableError, match="readonly"), translating(file):
            ask(connection, "INSERT INTO t VALUES (1, 'yes')")


def test_a_locked_file_and_a_closed_connection_are_told_apart(file: DatabaseAddress) -> None:
    make(file)
    with closing(connect(file)) as first, closing(connect(file)) as second:
        ask(second, "PRAGMA busy_timeout = 0")
        ask(first, "BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLockedError), translating(file):
            ask(second, "INSERT INTO t VALUES (1, 'yes')")
    with pytest.raises(DatabaseGoneError), translating(file):
        ask(second, "SELECT 1")


@pytest.mark.mariadb
def test_a_session_is_in_utc_and_locks_little(mariadb_address: DatabaseAddress) -> None:
    with closing(connect(mariadb_address)) as connection:
        assert ask(connection, "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())") == (0,)
        assert ask(connection, "SELECT @@global.time_zone <> @@time_zone, @@time_zone") == (1, "+00:00")
        assert ask(connection, "SELECT @@tx_isolation, @@autocommit") == ("READ-COMMITTED", 0)
        assert ask(connection, "SELECT @@innodb_lock_wait_timeout < 5, @@lock_wait_timeout < 5") == (1, 1)
        assert ask(connection, "SELECT '\U0001f600'") == ("\U0001f600",)


@pytest.mark.mariadb
def test_a_server_is_reached_by_its_socket(
    mariadb_server: MariadbServer, mariadb_address: DatabaseAddress
) -> None:
    address = replace(mariadb_address, host="nowhere.invalid", unix_socket=mariadb_server.unix_socket)
    with closing(connect(address)) as connection:
        assert ask(connection, "SELECT DATABASE()") == (address.name,)


@pytest.mark.mariadb
def test_a_wrong_password_may_be_right_soon(mariadb_address: DatabaseAddress) -> None:
    error = refusal(replace(mariadb_address, password="wr0ng"))  # noqa: S106  # made up
    assert isinstance(error, DatabaseUnavailableError)
    assert "wr0ng" not in str(error)


@pytest.mark.mariadb
def test_a_database_that_is_not_there_is_another_matter(mariadb_address: DatabaseAddress) -> None:
    error = refusal(replace(mariadb_address, name="nowhere"))
    assert not isinstance(error, DatabaseUnavailableError)
    assert "Unknown database" in str(error)


def nobody(host: str = "127.0.0.1", port: int = 1) -> DatabaseAddress:
    """Return the address of a server that is not there."""
    return DatabaseAddress(Engine.MYSQL, "oma", host=host, port=port, user="oma", password=PASSWORD)


def test_a_server_that_is_not_there_may_come() -> None:
    for address in (nobody(), nobody("nowhere.invalid")):
        assert isinstance(refusal(address), DatabaseUnavailableError)


@pytest.mark.parametrize(
    "greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x05\0\0\0\x0aabc\0", b"\0" * 99]
)
def test_a_server_of_another_kind_is_told(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(greeting)

        greeter = threading.Thread(target=greet)
        greeter.start()
        error = refusal(nobody(port=listener.getsockname()[1]))
        greeter.join()
    assert isinstance(error, DatabaseUnavailableError)


def test_a_server_that_hangs_holds_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oma_poller.database.connect.READ_S", 0.2)
    with socket.create_server(
        ("127.0.0.1", 0)
    ) as listener:  # the kernel takes the connection, nobody answers
        assert isinstance(refusal(nobody(port=listener.getsockname()[1])), DatabaseUnavailableError)


def test_a_file_that_proves_no_server_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("empty.pem", "missing.pem"):
        error = refusal(replace(nobody(), ssl_ca=str(tmp_path / name)))
        assert f"ssl_ca names no file of PEM certificates: {tmp_path / name}" in str(error)
        assert not isinstance(error, DatabaseUnavailableError)


@pytest.mark.mariadb
def test_with_a_ca_a_server_without_tls_is_not_trusted(mariadb_address: DatabaseAddress) -> None:
    ca = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    if not Path(ca).is_file():
        pytest.skip("this machine has no CA certificates")
    error = refusal(replace(mariadb_address, ssl_ca=ca))
    assert isinstance(error, DatabaseUnavailableError)
    assert "SSL is required" in str(error)


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("number", "state", "kind"),
    [
        (1205, "HY000", DatabaseLockTimeoutError),
        (1213, "40001", DatabaseLockedError),
        (1053, "08S01", DatabaseGoneError),
        (1040, "08004", DatabaseUnavailableError),
        (1290, "HY000", DatabaseUnavailableError),
        (1114, "HY000", DatabaseUnavailableError),
        (1406, "22001", DatabaseRefusedError),
        (1048, "23000", DatabaseRefusedError),
        (1644, "45000", DatabaseRefusedError),
        (4025, "HY000", DatabaseRefusedError),
        (1142, "42000", DatabaseError),
        (1146, "42S02", DatabaseError),
    ],
)
def test_what_a_server_says_is_translated(
    mariadb_address: DatabaseAddress, number: int, state: str, kind: type[DatabaseError]
) -> None:
    signal = f"SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'told\nso'"
    with closing(connect(mariadb_address)) as connection:
        with pytest.raises(DatabaseError, match="told so") as caught, translating(mariadb_address):
            ask(connection, signal)
        assert type(caught.value) is kind
