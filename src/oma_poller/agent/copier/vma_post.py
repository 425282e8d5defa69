"""One report, one POST to the VMA, over a connection that is kept."""

import http.client
import ssl
from urllib.parse import urlsplit

from oma_poller.agent.copier.copy_order import key_segment
from oma_poller.errors import CopyError, UsageError

_TIMEOUT_S = 10.0
_REPLY_LIMIT = 4096
_REASON_LIMIT = 200
_WORTH_RETRYING = frozenset({401, 403, 404, 408, 425, 429})
"""Refusals that may be the fault of the way or of the moment, not of the report."""
_ALLOWED = "allowed is http://HOST[:PORT][/PATH] or https://…, without user, query or fragment"


class DeliveryError(CopyError):
    """A report did not reach the VMA, or was refused."""

    def __init__(self, reason: str, *, is_refusal: bool = False) -> None:
        self.is_refusal = is_refusal
        """Whether the VMA will not take this report, however often it is sent."""
        super().__init__(reason)


class VmaAddress:
    """The base URL of a VMA, proven to be usable."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            raise UsageError(f"the VMA's URL cannot be read; {_ALLOWED}") from None
        if parts.username is not None or parts.password is not None:
            raise UsageError(f"the VMA's URL holds a user or password; {_ALLOWED}")
        if (
            not usable
            or parts.query
            or parts.fragment
            or not url.isascii()
            or " " in url
            or not url.isprintable()
        ):
            raise UsageError(f"the VMA's URL {url!r} cannot be used; {_ALLOWED}")
        self.url = url
        self.host = parts.hostname or ""
        self.port = parts.port
        self.tls = parts.scheme == "https"
        self.path = parts.path.rstrip("/")


class VmaPost:
    """Sends reports. One thread at a time."""

    def __init__(self, address: VmaAddress, timeout_s: float = _TIMEOUT_S) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def send(self, key: str, body: bytes) -> None:
        """POST a report. Raises DeliveryError unless the VMA took it."""
        path = f"{self._address.path}/api/v1/progress/{key_segment(key)}/update"
        kept = self._connection is not None
        try:
            status, text = self._exchange(path, body)
        except (ConnectionError, http.client.BadStatusLine) as error:
            self.close()
            if not kept:
                raise DeliveryError(_reason(error)) from None
            # The VMA closed the idle connection just before; that says nothing about this report.
            self._retry(path, body)
            return
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise DeliveryError(_reason(error)) from None
        _check(status, text)

    def _retry(self, path: str, body: bytes) -> None:
        try:
            status, text = self._exchange(path, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise DeliveryError(_reason(error)) from None
        _check(status, text)

    def _exchange(self, path: str, body: bytes) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._connect()
        headers = {"Content-Type": "application/json", "User-Agent": "oma-poller"}
        self._connection.request("POST", path, body, headers)
        reply = self._connection.getresponse()
        text = reply.read(_REPLY_LIMIT)
        if not reply.isclosed():  # longer than anybody reads: the rest must not be taken for the next reply
            self.close()
        return reply.status, text

    def _connect(self) -> http.client.HTTPConnection:
        address = self._address
        if address.tls:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                address.host, address.port, timeout=self._timeout_s, context=context
            )
        return http.client.HTTPConnection(address.host, address.port, timeout=self._timeout_s)

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _check(status: int, text: bytes) -> None:
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's class of success
        return
    words = " ".join(text.decode(errors="replace").split())
    shown = "".join(letter for letter in words if letter.isprintable())[:_REASON_LIMIT]
    is_refusal = 400 <= status < 500 and status not in _WORTH_RETRYING  # noqa: PLR2004 - HTTP's class of refusals
    raise DeliveryError(f"HTTP {status}{f': {shown}' if shown else ''}", is_refusal=is_refusal)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
