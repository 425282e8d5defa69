"""Where the server listens."""

from msgspec import Struct

from oma_poller.errors import UsageError

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
