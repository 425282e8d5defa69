"""One easy handle of libcurl, set up for one VMA and used again for request after request."""

import ssl
from collections.abc import Iterable
from contextlib import suppress

import pycurl  # type: ignore[import-untyped] # pycurl ships no types
from msgspec import Struct

import oma_poller
from oma_poller.model.reading import Failure, FailureKind
from oma_poller.vma.curl_error import failure
from oma_poller.vma.target import VmaTarget

BODY_LIMIT_BYTES = 1024 * 1024
"""A larger body is refused while it comes, chunked or not. No compression is asked for."""

_OK = 200
_QUICK_EXIT = 322
"""CURLOPT_QUICK_EXIT, which pycurl does not name: closing does not wait for a name look-up."""
_LONGEST_TIMEOUT_S = 86_400.0
_FIRST_LETTERS = frozenset({b"H", b"h", b"D", b"d", b"R", b"r", b"X", b"x"})
"""Of the lines that are looked at: most are not, and this is run for every reply."""
_HEADERS_READ = {
    b"date": "date",
    b"retry-after": "retry-after",
    b"x-progress-capabilities": "x-progress-capabilities",
}


class Received(Struct, gc=False):
    """A whole reply."""

    status: int
    headers: dict[str, str]
    """Those that are read, by lower-case name."""
    body: bytes
    has_headers: bool = True
    """Whether they were read at all; else there is at most `retry-after`, in seconds."""


class Exchange:
    """A request and its reply. Belongs to one thread."""

    __slots__ = ("_chunks", "_header_lines", "_reads_headers", "curl", "target")

    def __init__(self, target: VmaTarget, timeout_s: float) -> None:
        self.target = target
        self._chunks: list[bytes] = []
        self._header_lines: list[bytes] = []
        self.curl = pycurl.Curl()
        _set_up(self.curl, target, timeout_s)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._chunks.append)
        self._reads_headers = False

    def begin(self, path: str, *, with_headers: bool = True) -> None:
        """Prepare a new exchange, or one that was ended, to ask for a path below the target's base URL.

        Without *with_headers* the reply's are not read.
        """
        if with_headers is not self._reads_headers:
            self._reads_headers = with_headers
            if with_headers:
                self.curl.setopt(pycurl.HEADERFUNCTION, self._header_lines.append)
            else:
                self.curl.unsetopt(pycurl.HEADERFUNCTION)
        self.curl.setopt(pycurl.URL, self.target.url + path)

    def end(self) -> None:
        """Let go of what came: a body is large, and the next request may be long away."""
        self._chunks.clear()
        self._header_lines.clear()

    def received(self) -> Received | Failure:
        """Return the reply, after libcurl says that it is whole."""
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else self.body
        if len(body) > BODY_LIMIT_BYTES:  # a libcurl before 8.4 does not limit a chunked body by itself
            return self.too_large()
        status: int = self.curl.getinfo(pycurl.RESPONSE_CODE)
        if self._reads_headers:
            return Received(status, _headers(self._header_lines), body)
        return Received(status, {} if status == _OK else self._retry_after(), body, has_headers=False)

    def fault(self, code: int, message: str) -> Failure:
        """Return what happened, after libcurl has given up."""
        return self.too_large() if code == pycurl.E_FILESIZE_EXCEEDED else failure(code, message)

    @property
    def duration_s(self) -> float:
        """Seconds that the whole of it took."""
        return float(self.curl.getinfo(pycurl.TOTAL_TIME))

    @property
    def status(self) -> int:
        """The HTTP status of the reply."""
        return int(self.curl.getinfo(pycurl.RESPONSE_CODE))

    @property
    def body(self) -> bytes:
        """The body as far as it has come."""
        return b"".join(self._chunks)

    def _retry_after(self) -> dict[str, str]:
        """Return how long the reply asks to wait, as libcurl read it; a date by our own clock."""
        wait_s = int(self.curl.getinfo(pycurl.RETRY_AFTER))
        return {"retry-after": str(wait_s)} if wait_s > 0 else {}

    @staticmethod
    def too_large() -> Failure:
        """Return what a body over the limit comes to."""
        return Failure(FailureKind.TOO_LARGE, f"the body is larger than {BODY_LIMIT_BYTES} bytes")


def _set_up(curl: "pycurl.Curl", target: VmaTarget, timeout_s: float) -> None:
    http_only = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
    headers = ["Accept: application/json"]
    if target.token is not None:
        headers.append(f"Authorization: Bearer {target.token}")
    curl.setopt(pycurl.TIMEOUT_MS, max(1, round(min(timeout_s, _LONGEST_TIMEOUT_S) * 1000)))
    curl.setopt(pycurl.MAXFILESIZE, BODY_LIMIT_BYTES)
    curl.setopt(pycurl.HTTPHEADER, headers)
    curl.setopt(pycurl.USERAGENT, f"oma-poller/{oma_poller.__version__}")
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    curl.setopt(pycurl.PROTOCOLS, http_only)
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.PATH_AS_IS, 1)
    curl.setopt(pycurl.NOPROXY, "*")  # the environment's proxy is for the way out, not for appliances
    curl.setopt(pycurl.NETRC, 0)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.TCP_NODELAY, 1)
    with suppress(pycurl.error):  # a libcurl before 7.87 does not know it
        curl.setopt(_QUICK_EXIT, 1)
    _set_up_tls(curl, target)


def _set_up_tls(curl: "pycurl.Curl", target: VmaTarget) -> None:
    curl.setopt(pycurl.SSL_VERIFYPEER, 1)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2)
    if target.ca_file is not None:
        curl.setopt(pycurl.CAINFO, str(target.ca_file))
        # Only the named CA is trusted, not the machine's own folder as well.
        curl.unsetopt(pycurl.CAPATH)
    else:
        # The libcurl inside pycurl's wheel looks where another distribution keeps its certificates.
        paths = ssl.get_default_verify_paths()
        if paths.cafile is not None:
            curl.setopt(pycurl.CAINFO, paths.cafile)
        if paths.capath is not None:
            curl.setopt(pycurl.CAPATH, paths.capath)
    if target.cert_file is not None:
        curl.setopt(pycurl.SSLCERT, str(target.cert_file))
        curl.setopt(pycurl.SSLKEY, str(target.key_file))


def _headers(lines: Iterable[bytes]) -> dict[str, str]:
    """Return the headers that are read, by lower-case name; an interim reply's do not count."""
    read: dict[str, str] = {}
    for line in lines:
        if line[:1] not in _FIRST_LETTERS:
            continue
        name, _, value = line.partition(b":")
        known = _HEADERS_READ.get(name.lower())
        if known is not None:
            read[known] = value.strip().decode("latin-1")
        elif line[:5].lower() == b"http/":
            read.clear()
    return read
