"""`ssl_ca` proves the server: its certificate must be of that CA, and of that host."""

import datetime as dt
import ipaddress
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mariadb_server import MariadbServer, missing_programs
from msgspec.structs import replace

from oma_poller.database.address import DatabaseAddress
from oma_poller.database.connect import connect
from oma_poller.errors import DatabaseUnavailableError

pytestmark = pytest.mark.mariadb


def certify(folder: Path, name: str) -> Path:
    """Write a certificate for 127.0.0.1 that is its own CA, with its key beside it; return its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(encoding))
    return folder / f"{name}.pem"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two certificates."""
    folder = tmp_path_factory.mktemp("tls")
    certify(folder, "server")
    certify(folder, "stranger")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[DatabaseAddress]:
    """Return the address of a database on a server with TLS."""
    if missing_programs():
        pytest.skip(f"MariaDB is not installed: {', '.join(missing_programs())} not found")
    server = MariadbServer(f"--ssl-cert={folder / 'server.pem'}", f"--ssl-key={folder / 'server.key'}")
    yield server.address(server.create_database())
    server.stop()


def cipher(address: DatabaseAddress) -> str:
    """Return the cipher of a connection; empty without TLS."""
    with closing(connect(address)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        row = cursor.fetchone()
        return str(row[1]) if row else ""


def test_a_server_of_that_ca_is_trusted(address: DatabaseAddress, folder: Path) -> None:
    assert cipher(replace(address, ssl_ca=str(folder / "server.pem")))


def test_a_server_of_another_ca_is_not(address: DatabaseAddress, folder: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match="certificate verify failed"):
        connect(replace(address, ssl_ca=str(folder / "stranger.pem")))


def test_a_server_of_another_host_is_not(address: DatabaseAddress, folder: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match="certificate verify failed"):
        connect(replace(address, host="localhost", ssl_ca=str(folder / "server.pem")))


def test_without_a_ca_tls_is_used_where_it_is_offered(address: DatabaseAddress) -> None:
    assert cipher(address)
