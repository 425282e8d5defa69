"""Where the server listens."""

import socket

from msgspec import Struct

from oma_poller.errors import OmaPollerError, UsageError

BACKLOG = 2048
_PORT_LIMIT = 65_535


class Address(Struct, frozen=True):
    """Host and port; port 0 lets the system choose a free one."""

    host: str
    port: int


def read_address(text: str) -> Address:
    """Read `HOST:PORT` or `[IPV6]:PORT`. Raises UsageError for anything else."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    plain = bool(host) and (bracketed or ":" not in host) and host.isprintable() and " " not in host
    number = int(port) if port.isascii() and port.isdecimal() and len(port) <= len(str(_PORT_LIMIT)) else -1
    if not colon or not plain or not 0 <= number <= _PORT_LIMIT:
        raise UsageError(
            f"--listen {text!r} is no address: allowed are HOST:PORT and [IPV6]:PORT, port 0 to {_PORT_LIMIT}"
        )
    return Address(host, number)


def bind(address: Address) -> socket.socket:
    """Return a socket bound to an address. Raises OmaPollerError where that cannot be."""
    shown = f"{address.host}:{address.port}"
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise UsageError(f"--listen {shown}: the host is unknown: {error}") from error
    family, kind, protocol, _, place = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(place)
        listener.listen(BACKLOG)  # two sockets with SO_REUSEADDR may be bound to one port, but not listen
    except OSError as error:
        listener.close()
        raise OmaPollerError(f"cannot listen on {shown}: {error.strerror}") from error
    return listener


def url(listener: socket.socket) -> str:
    """Return the address that a client can use."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"
