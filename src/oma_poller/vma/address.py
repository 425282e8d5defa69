"""A VmaTarget proven to be usable, before the first request is made."""

import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from oma_poller.errors import UsageError
from oma_poller.vma.target import VmaTarget

PROGRESS_PATH = "/api/v1/progress/"
"""Where the entry of a key is: the key follows, as `path_segment` writes it."""
_KEY_LIMIT = 1000
"""Characters of a percent-encoded key; servers refuse request lines of some 8,000."""
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")
_TOKEN = re.compile(r"[\x21-\x7e]+")


def path_segment(key: str) -> str | None:
    """Return a key percent-encoded as one path segment; None for one that cannot be asked for."""
    try:
        segment = key if _PLAIN_KEY.fullmatch(key) else quote(key, safe="")
    except UnicodeEncodeError:
        return None
    # "." and ".." are no names but steps in a path, however they are written.
    return segment if 0 < len(segment) <= _KEY_LIMIT and segment not in {".", ".."} else None


def check_targets(targets: Sequence[VmaTarget]) -> None:
    """Raise UsageError with one line for the first target that cannot be used."""
    seen: set[str] = set()
    for target in targets:
        if target.name in seen:
            raise UsageError(f"VMA {target.name!r} is configured twice: names must differ")
        seen.add(target.name)
        check_target(target)


def check_target(target: VmaTarget) -> None:
    """Raise UsageError with one line if the address or the credentials cannot be used."""
    _check_url(target)
    if target.token is not None and not _TOKEN.fullmatch(target.token):
        raise UsageError(f"VMA {target.name!r}: the token must be printable ASCII without blanks")
    if (target.cert_file is None) != (target.key_file is None):
        raise UsageError(f"VMA {target.name!r}: a client certificate needs both a cert file and a key file")
    for path in (target.ca_file, target.cert_file, target.key_file):
        if path is not None:
            _check_readable(target, path)
    _check_tls_files(target)


def _check_url(target: VmaTarget) -> None:
    allowed = "allowed is http://HOST[:PORT][/PATH] or https://…, without user, query or fragment"
    try:
        parts = urlsplit(target.url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise UsageError(f"VMA {target.name!r}: the URL cannot be read; {allowed}") from None
    if parts.username is not None or parts.password is not None:
        # The URL is not shown: it holds a password.
        raise UsageError(f"VMA {target.name!r}: the URL holds a user or password; {allowed}")
    if not usable or parts.query or parts.fragment or not _TOKEN.fullmatch(target.url):
        raise UsageError(f"VMA {target.name!r}: URL {target.url!r} cannot be used; {allowed}")


def _check_readable(target: VmaTarget, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"VMA {target.name!r}: cannot read {path}: {reason}") from None


def _check_tls_files(target: VmaTarget) -> None:
    """Load the files once, so that a wrong one is told at the start and not at each poll."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if target.ca_file is not None:
            context.load_verify_locations(cafile=target.ca_file)
    except (ssl.SSLError, ValueError):
        raise UsageError(f"VMA {target.name!r}: {target.ca_file} holds no PEM certificate") from None
    try:
        if target.cert_file is not None:
            # An empty password makes an encrypted key an error, where none would ask on the terminal.
            context.load_cert_chain(target.cert_file, target.key_file, password="")
    except (ssl.SSLError, ValueError):
        raise UsageError(
            f"VMA {target.name!r}: {target.cert_file} and {target.key_file} must be a PEM certificate and its"
            " own unencrypted private key"
        ) from None
