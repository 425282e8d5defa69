"""Where a disk is read from or written to: a file, or an export of an NBD server."""

import os
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from oma_poller.errors import UsageError

ALLOWED = (
    "allowed are a file's path, nbd://HOST[:PORT]/EXPORT and nbd+unix:///EXPORT?socket=PATH (nbds for TLS)"
)
DEFAULT_PORT = 10809
_NETWORK_SCHEMES = frozenset({"nbd", "nbds"})
_SOCKET_SCHEMES = frozenset({"nbd+unix", "nbds+unix"})
_LOOKS_LIKE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PLAIN = re.compile(r"[\x21-\x7e]+")


class FilePlace(Struct, frozen=True):
    """A file on this machine."""

    path: Path
    """Absolute, so that no tool takes a colon in it for a protocol."""

    def __str__(self) -> str:
        return str(self.path)


class NbdPlace(Struct, frozen=True):
    """An export of an NBD server."""

    uri: str
    export: str
    """The export's name; empty for the server's default export."""
    host: str = ""
    port: int = DEFAULT_PORT
    socket: str | None = None
    """Path of the server's Unix socket, where it is not met over TCP."""
    tls: bool = False

    def __str__(self) -> str:
        return self.uri


Place = FilePlace | NbdPlace


def parse_place(text: str, what: str, folder: Path) -> Place:
    """Read a path (relative to *folder*) or an NBD URI; *what* names it in the message of a UsageError."""
    if not text or "\0" in text:
        raise UsageError(f"{what} is empty or holds a NUL: {ALLOWED}")
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in _NETWORK_SCHEMES | _SOCKET_SCHEMES:
        return _nbd(text, what)
    if scheme or (_LOOKS_LIKE_URI.match(text) and not os.path.exists(folder / text)):  # noqa: PTH110 - never raises
        raise UsageError(f"{what} {text!r} is no file and no NBD URI: {ALLOWED}")
    return FilePlace((folder / text).absolute())


def _nbd(text: str, what: str) -> NbdPlace:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"{what} {text!r} cannot be read as an NBD URI: {ALLOWED}") from None
    options = parse_qs(parts.query)
    socket = options.get("socket", [""])[0]
    by_socket = parts.scheme in _SOCKET_SCHEMES
    usable = bool(socket) and not parts.netloc if by_socket else bool(parts.hostname) and port != 0
    if not usable or parts.fragment or not _PLAIN.fullmatch(text):
        raise UsageError(f"{what} {text!r} cannot be used: {ALLOWED}")
    return NbdPlace(
        uri=text,
        export=unquote(parts.path)[1:],
        host=parts.hostname or "",
        port=port or DEFAULT_PORT,
        socket=socket if by_socket else None,
        tls=parts.scheme.startswith("nbds"),
    )


def same_place(one: Place, other: Place) -> bool:
    """Whether both are the same file, by whatever name, or the same export."""
    if isinstance(one, FilePlace) and isinstance(other, FilePlace):
        both_there = one.path.exists() and other.path.exists()
        return one.path.samefile(other.path) if both_there else one.path.resolve() == other.path.resolve()
    if isinstance(one, NbdPlace) and isinstance(other, NbdPlace):
        return (one.export, one.host, one.port, one.socket) == (
            other.export,
            other.host,
            other.port,
            other.socket,
        )
    return False
