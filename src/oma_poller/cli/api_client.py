"""A client of the OMA API, for commands that are given `--url`: one GET at a time, and no more than that."""

import http.client
import os
import ssl
from collections.abc import Mapping
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import msgspec

from oma_poller.errors import ApiError, ApiUnavailableError, UsageError

ANSWER_S = 30.0
"""How long an answer may take to begin: the API may have to ask a VMA for it."""
WHOLE_ANSWER_S = 120.0
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_OK = 200
_REDIRECTS = range(300, 400)
_TOKEN_WRONG = 401
_UNAVAILABLE = frozenset({429, 500, 502, 503, 504})
T = TypeVar("T")


class ApiClient:
    """Asks the OMA API at one address. It follows no redirect and uses no proxy."""

    def __init__(self, url: str, token: str | None) -> None:
        self._parts = _checked(url)
        self._token = token
        self.url = f"{self._parts.scheme}://{self._parts.netloc}"

    def get(self, path: str, query: Mapping[str, object] | None = None) -> bytes:
        """Return the body of a reply that is JSON.

        Raises ApiUnavailableError, or ApiError where trying again would not help.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            status, media_type, body = self._ask(target)
        except TimeoutError:
            raise ApiUnavailableError(f"{self.url} does not answer within {ANSWER_S:g} s") from None
        except ssl.SSLCertVerificationError as error:
            advice = "SSL_CERT_FILE can name the CA that signed it"
            raise ApiError(
                f"the certificate of {self.url} is refused: {error.verify_message}; {advice}"
            ) from None
        except OSError as error:  # ssl.SSLError is one
            reason = getattr(error, "reason", None) or error.strerror or str(error)
            raise ApiUnavailableError(f"{self.url} cannot be reached: {reason}") from None
        except (http.client.HTTPException, ValueError) as error:
            raise ApiError(f"{self.url} is not the OMA API: {type(error).__name__}") from None
        if status == _OK and media_type == "application/json":
            return body
        raise self._refusal(status, media_type, body)

    def decoded(self, body: bytes, kind: type[T]) -> T:
        """Return a body as a value of a type. Raises ApiError where it is none."""
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.MsgspecError as error:
            detail = f"is not the OMA API, or one of another version: {error}"
            raise ApiError(f"{self.url} {detail}") from None

    def _ask(self, target: str) -> tuple[int, str, bytes]:
        way = self._connection()
        try:
            way.request("GET", target, headers=self._headers())
            reply = way.getresponse()
            return reply.status, reply.headers.get_content_type(), self._body(reply)
        finally:
            way.close()

    def _connection(self) -> http.client.HTTPConnection:
        host = self._parts.hostname or ""
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, self._parts.port, timeout=ANSWER_S)
        return http.client.HTTPSConnection(host, self._parts.port, timeout=ANSWER_S, context=_trusted())

    def _headers(self) -> dict[str, str]:
        accepted = {"Accept": "application/json, application/problem+json"}
        return accepted if self._token is None else accepted | {"Authorization": f"Bearer {self._token}"}

    def _body(self, reply: http.client.HTTPResponse) -> bytes:
        ends_at_s = monotonic() + WHOLE_ANSWER_S
        body = bytearray()
        while chunk := reply.read1(_CHUNK_BYTES):
            body += chunk
            if len(body) > LARGEST_ANSWER_BYTES:
                most = LARGEST_ANSWER_BYTES // 2**20
                raise ApiError(f"the answer of {self.url} is too large; allowed are {most} MiB")
            if monotonic() > ends_at_s:
                raise ApiUnavailableError(f"{self.url} takes more than {WHOLE_ANSWER_S:g} s for an answer")
        return bytes(body)

    def _refusal(self, status: int, media_type: str, body: bytes) -> ApiError:
        if status in _REDIRECTS:
            return ApiError(f"{self.url} leads elsewhere (HTTP {status}); give the address of the OMA API")
        detail = _detail(body) if media_type == "application/problem+json" else None
        if detail is None:
            kind = ApiUnavailableError if status in _UNAVAILABLE else ApiError
            return kind(f"{self.url} is not the OMA API: it answers HTTP {status} with {media_type}")
        if status == _TOKEN_WRONG:
            return ApiError(f"{self.url}: {detail}; set OMA_API_TOKEN or OMA_API_TOKEN_FILE")
        kind = ApiUnavailableError if status in _UNAVAILABLE else ApiError
        return kind(f"{self.url}: {detail}")


def job_path(before: str, job_id: str, after: str = "") -> str:
    """Return the path of a call for a job, its id percent-encoded."""
    return f"{before}{quote(job_id, safe='', errors='surrogateescape')}{after}"


def _trusted() -> ssl.SSLContext:
    """Return whom to trust: the system's CAs, or those of SSL_CERT_FILE. Raises UsageError for a bad file."""
    context = ssl.create_default_context()
    path = os.environ.get("SSL_CERT_FILE")
    if path:  # OpenSSL itself passes over a file that it cannot read
        try:
            context.load_verify_locations(cafile=path)
        except OSError as error:  # ssl.SSLError is one
            why = "no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
            allowed = "allowed is a file of CA certificates in PEM"
            raise UsageError(f"SSL_CERT_FILE={path} cannot be read: {why}; {allowed}") from None
    return context


def _checked(url: str) -> SplitResult:
    """Return the parts of a URL. Raises UsageError; a password in it is not repeated."""
    try:
        parts = urlsplit(url)
        usable = parts.port != 0 and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        raise _usage("is no URL") from None
    if parts.username is not None or parts.password is not None:
        raise _usage("holds a user or password")
    if not usable or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _usage(f"is {url[:200]!r}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _usage("has more than an address")
    return parts


def _usage(wrong: str) -> UsageError:
    return UsageError(f"--url {wrong}; allowed is http://HOST:PORT or https://HOST:PORT")


def _detail(body: bytes) -> str | None:
    """Return the one line of a problem; None where the body is none."""
    try:
        problem: Any = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return None
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return detail if isinstance(detail, str) else None
