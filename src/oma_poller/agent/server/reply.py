"""HTTP replies, with the headers of the recorded servers."""

import gzip

from starlette.datastructures import Headers
from starlette.responses import Response

from oma_poller.agent.server.register import CAPABILITIES

_GZIP_FROM = 500
"""Shorter bodies are not worth it."""
_NOT_MODIFIED = 304
_ALWAYS = {"Vary": "Accept-Encoding", "X-Progress-Capabilities": ", ".join(CAPABILITIES)}


def json_reply(body: bytes, request_headers: Headers, headers: dict[str, str] | None = None) -> Response:
    """Return 200 with JSON, compressed where the client asked for that."""
    told = {"Content-Type": "application/json", **_ALWAYS, **(headers or {})}
    if len(body) >= _GZIP_FROM and _accepts_gzip(request_headers.get("accept-encoding", "")):
        told["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=1, mtime=0)
    return Response(body, headers=told)


def entry_reply(body: bytes, etag: str, request_headers: Headers) -> Response:
    """Return 200 with an entry, or 304 where the client has it already."""
    headers = {"Cache-Control": "no-cache", "ETag": etag}
    if _matches(request_headers.get("if-none-match", ""), etag):
        return Response(status_code=_NOT_MODIFIED, headers=headers | _ALWAYS)
    return json_reply(body, request_headers, headers)


def text_reply(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Return one line of plain text."""
    told = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", **_ALWAYS}
    return Response(text + "\n", status, told | (headers or {}))


def _matches(condition: str, etag: str) -> bool:
    """Return whether If-None-Match names the tag. Tags are compared weakly (RFC 9110, 8.8.3.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in condition.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


def _accepts_gzip(accepted: str) -> bool:
    for coding in accepted.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in {"gzip", "x-gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
