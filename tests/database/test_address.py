"""`OMA_DATABASE_URL`: what is read, what is refused, and that no password shows."""

import pytest

from oma_poller.database.address import DatabaseAddress, Engine, parse_address
from oma_poller.errors import UsageError


def test_a_file_is_named_by_its_path() -> None:
    assert parse_address("sqlite:///oma-poller.db") == DatabaseAddress(Engine.SQLITE, "oma-poller.db")
    assert parse_address("sqlite:////var/lib/oma%20x.db").name == "/var/lib/oma x.db"


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
def test_a_server_is_named_by_user_host_and_database(scheme: str) -> None:
    address = parse_address(f"{scheme}://oma:s3cret@db.example:3307/migratekit")
    assert address == DatabaseAddress(
        Engine.MYSQL,
        "migratekit",
        host="db.example",
        port=3307,
        user="oma",
        password="s3cret",  # noqa: S106  # made up
    )


def test_what_is_left_out_has_its_default() -> None:
    address = parse_address("mysql://oma@db/migratekit")
    assert (address.port, address.password, address.unix_socket, address.ssl_ca) == (3306, "", None, None)


def test_odd_characters_are_percent_encoded() -> None:
    address = parse_address("mysql://o%40ma:p%2Fw%C5%BC%3A@[::1]:3306/my%20db")
    assert (address.user, address.password, address.host, address.name) == ("o@ma", "p/wż:", "::1", "my db")


def test_a_socket_stands_for_the_host() -> None:
    address = parse_address("mysql://oma@/migratekit?unix_socket=/run/mysqld/mysqld.sock&ssl_ca=/etc/ca.pem")
    assert (address.host, address.unix_socket) == ("localhost", "/run/mysqld/mysqld.sock")
    assert address.ssl_ca == "/etc/ca.pem"


def test_a_password_file_stands_for_the_password() -> None:
    assert parse_address("mysql://oma@db/x", "from the file").password == "from the file"  # noqa: S105  # made up


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "has no scheme"),
        ("/var/lib/oma.db", "has no scheme"),
        ("postgres://oma@db/x", "has the scheme 'postgres'"),
        ("sqlite://", "names no SQLite file"),
        ("sqlite:///", "names no SQLite file"),
        ("sqlite:///:memory:", "names no SQLite file"),
        ("sqlite://host/oma.db", "names no SQLite file"),
        ("sqlite:///oma.db?mode=ro", "names no SQLite file"),
        ("sqlite:///oma%00.db", "names no SQLite file"),
        ("mysql://oma:s3cret@db", "names no database"),
        ("mysql://oma:s3cret@db/a/b", "names no database"),
        ("mysql://:s3cret@db/x", "names no user"),
        ("mysql://oma:s3cret@/x", "names neither a host nor a socket"),
        ("mysql://oma:s3cret@db:0/x", "has the port 0"),
        ("mysql://oma:s3cret@db:99999/x", "cannot be read"),
        ("mysql://oma:s3cret@db:port/x", "cannot be read"),
        ("mysql://oma:s3cret@[db/x", "cannot be read"),
        ("mysql://oma:s3cret@db/x?charset=latin1", "has the unknown option 'charset'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_without_the_url(url: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(url)
    message = str(caught.value)
    assert message.startswith(f"OMA_DATABASE_URL {complaint}; allowed are sqlite:///FILE and mysql://")
    assert "\n" not in message
    assert "s3cret" not in message


def test_two_passwords_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="give one") as caught:
        parse_address("mysql://oma:s3cret@db/x", "other")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mysql://oma:s3cret@db/x", "mysql://oma@db:3306/x"),
        ("mysql://oma:s3cret@[::1]:3307/x", "mysql://oma@[::1]:3307/x"),
        ("mysql://oma:s3cret@/x?unix_socket=/run/my.sock", "mysql://oma@/run/my.sock/x"),
        ("sqlite:///a/b.db", "sqlite:///a/b.db"),
    ],
)
def test_the_text_form_never_shows_the_password(url: str, shown: str) -> None:
    address = parse_address(url)
    assert address.redacted == shown
    assert repr(address) == f"<DatabaseAddress {shown}>"
    assert "s3cret" not in f"{address} {address!r}"
