"""A socket that listens, and the URL that leads to it."""

import socket

from oma_poller.errors import OmaPollerError, UsageError

BACKLOG = 2048


def bind(host: str, port: int, setting: str) -> socket.socket:
    """Return a socket that listens; port 0 is a free one. *setting* names where the address comes from.

    Raises UsageError for a host that is not known, OmaPollerError where the address cannot be had.
    """
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        # As bytes, since a text would first load Python's tables for names that are not ASCII.
        name = host.encode("ascii" if host.isascii() else "idna")
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise UsageError(f"{setting} {shown}: the host is unknown: {error}") from error
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


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """Return the address that a client can use."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if listener.family == socket.AF_INET6 else host
    return f"{scheme}://{shown}:{port}"
