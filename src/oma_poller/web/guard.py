"""What a request must pass before anything is done for it."""

import ipaddress
import socket
from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oma_poller.web.problem import problem
from oma_poller.web.rate import Rates
from oma_poller.web.settings import ApiSettings

BODY_LIMIT_BYTES = 64 * 1024
HEADERS_LIMIT_BYTES = 16 * 1024
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS = frozenset({"/", "/docs", "/healthz", "/readyz"})
_WATCHED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Not limited by rate: whoever floods the rest must not blind those who watch."""
_OPEN_PREFIX = "/static/"
"""The pages ask for the token themselves, and a supervisor has none: these hold nothing of a job."""
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class Guard:
    """Refuses what comes from elsewhere than it should, and what is too much.

    - A Host that is neither this machine nor an address: a page of another site may have had its own name
      lead here (DNS rebinding).
    - An Origin that is not this very server, and what a browser says comes from another site (CSRF).
    - A call without the token where one is needed; without a token at all, a change from elsewhere than
      loopback.
    - A body over 64 KiB, and more requests than a person or a program has use for.
    """

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self._app = app
        self._settings = settings
        self._rates = Rates()
        self._names = _LOOPBACK_NAMES | _own_names() | set(settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what passes."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _Limited(receive), send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        return (
            (None if scope["path"] in _WATCHED_PATHS else self._too_many(scope))
            or self._wrong_host(headers)
            or self._wrong_origin(scope, headers)
            or self._no_token(scope, headers)
            or _too_large(headers)
            or _too_many_headers(scope)
        )

    def _too_many(self, scope: Scope) -> Response | None:
        wait_s = self._rates.wait_s(_peer(scope))
        if wait_s is None:
            return None
        detail = f"more than {Rates.A_SECOND} requests a second from one address; wait and try again"
        return problem(429, detail, {"Retry-After": str(wait_s)})

    def _wrong_host(self, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        if len(hosts) == 1 and self._is_ours(_name(hosts[0])):
            return None
        return problem(
            421,
            "this Host is not allowed; allowed are addresses, localhost, this machine's own name, and what"
            " OMA_API_ALLOWED_HOSTS names",
        )

    def _is_ours(self, name: str) -> bool:
        return name.lower().rstrip(".") in self._names or _is_address(name)

    @staticmethod
    def _wrong_origin(scope: Scope, headers: Headers) -> Response | None:
        origin = headers.get("origin")
        here = f"{scope['scheme']}://{headers.get('host', '')}"
        is_change = scope["method"] not in _READING
        crosses = is_change and headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}
        if (origin is None or origin.lower() == here.lower()) and not crosses:
            return None
        return problem(403, "calls from pages of other sites are refused")

    def _no_token(self, scope: Scope, headers: Headers) -> Response | None:
        is_change = scope["method"] not in _READING
        token = self._settings.token
        if token is None:
            if not is_change or _is_loopback(_peer(scope)):
                return None
            return problem(403, "without OMA_API_TOKEN, changes are accepted from loopback only")
        path = scope["path"]
        is_open = path in _OPEN_PATHS or path.startswith(_OPEN_PREFIX)
        if not is_change and (is_open or not self._settings.token_for_reading):
            return None
        if carries(token, headers):
            return None
        is_missing = not headers.get("authorization", "")
        said = "the bearer token is missing" if is_missing else "the bearer token is wrong"
        return problem(401, said, {"WWW-Authenticate": "Bearer"})


def carries(token: str, headers: Headers) -> bool:
    """Whether a request has this token."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and compare_digest(value.strip().encode(), token.encode())


class _Limited:
    """Reads a body up to the limit; one that goes on is cut off as if the client had gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > BODY_LIMIT_BYTES:
            return {"type": "http.disconnect"}
        return message


def _too_large(headers: Headers) -> Response | None:
    length = headers.get("content-length", "0")
    if (
        length.isascii()
        and length.isdecimal()
        and len(length) < len(str(2**63))
        and int(length) <= BODY_LIMIT_BYTES
    ):
        return None
    return problem(
        413, f"the body is too large; allowed are {BODY_LIMIT_BYTES} bytes", {"Connection": "close"}
    )


def _too_many_headers(scope: Scope) -> Response | None:
    length = sum(len(name) + len(value) for name, value in scope["headers"])
    length += len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
    if length <= HEADERS_LIMIT_BYTES:
        return None
    return problem(431, f"the headers are too large; allowed are {HEADERS_LIMIT_BYTES} bytes")


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _name(host: str) -> str:
    """Return the name of a Host header, without its port; "" where it is no host."""
    try:
        parts = urlsplit(f"//{host}")
        usable = parts.port is None or parts.port > 0
    except ValueError:
        return ""
    plain = usable and parts.username is None and not (parts.path or parts.query or parts.fragment)
    return (parts.hostname or "") if plain else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _own_names() -> set[str]:
    host = socket.gethostname().lower()
    return {name for name in (host, host.partition(".")[0]) if name}
