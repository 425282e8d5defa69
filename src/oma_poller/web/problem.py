"""Errors as RFC 9457 has them: `application/problem+json`."""

import msgspec
from msgspec import Struct
from starlette.responses import Response

_TYPE = "about:blank"
_TITLES = {
    400: "Bad request",
    401: "Token missing or wrong",
    403: "Refused",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Body too large",
    421: "Host not allowed",
    429: "Too many requests",
    431: "Headers too large",
    500: "Defect of this program",
    503: "Not available now",
}


class Problem(Struct, frozen=True):
    """What went wrong with a request, in one line and in fields."""

    type: str
    title: str
    status: int
    detail: str


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error reply; *detail* is one line that says what was wrong and what is allowed."""
    body = Problem(_TYPE, _TITLES.get(status, "Error"), status, detail)
    return Response(msgspec.json.encode(body), status, headers, media_type="application/problem+json")
