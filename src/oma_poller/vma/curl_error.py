"""libcurl's error codes, as kinds of failure: the one seam where they are translated."""

import pycurl  # type: ignore[import-untyped] # pycurl ships no types

from oma_poller.model.reading import Failure, FailureKind
from oma_poller.vma.text import one_line

_DETAIL_LIMIT = 200

_KINDS: dict[int, FailureKind] = {
    pycurl.E_OPERATION_TIMEDOUT: FailureKind.TIMEOUT,
    pycurl.E_FILESIZE_EXCEEDED: FailureKind.TOO_LARGE,
    pycurl.E_SSL_CONNECT_ERROR: FailureKind.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: FailureKind.TLS,
    pycurl.E_SSL_ENGINE_NOTFOUND: FailureKind.TLS,
    pycurl.E_SSL_ENGINE_SETFAILED: FailureKind.TLS,
    pycurl.E_SSL_CERTPROBLEM: FailureKind.TLS,
    pycurl.E_SSL_CIPHER: FailureKind.TLS,
    pycurl.E_SSL_ENGINE_INITFAILED: FailureKind.TLS,
    pycurl.E_SSL_CACERT_BADFILE: FailureKind.TLS,
    pycurl.E_SSL_SHUTDOWN_FAILED: FailureKind.TLS,
    pycurl.E_SSL_CRL_BADFILE: FailureKind.TLS,
    pycurl.E_SSL_ISSUER_ERROR: FailureKind.TLS,
    pycurl.E_SSL_PINNEDPUBKEYNOTMATCH: FailureKind.TLS,
    pycurl.E_SSL_INVALIDCERTSTATUS: FailureKind.TLS,
    # What came was no HTTP/1 reply at all, or one whose head is broken.
    pycurl.E_UNSUPPORTED_PROTOCOL: FailureKind.UNEXPECTED_STATUS,
    pycurl.E_FTP_WEIRD_SERVER_REPLY: FailureKind.UNEXPECTED_STATUS,
}
"""Every other code is a connection that could not be made or did not hold."""


def failure(code: int, message: str) -> Failure:
    """Return the failure an error of libcurl stands for. Its messages hold addresses, but no secrets."""
    kind = _KINDS.get(code, FailureKind.UNREACHABLE)
    # With TLS 1.3 a missing client certificate is only told after the handshake, as an error of reading.
    if code in (pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR) and "alert" in message:
        kind = FailureKind.TLS
    return Failure(kind, one_line(message, _DETAIL_LIMIT) or f"libcurl error {code}")
