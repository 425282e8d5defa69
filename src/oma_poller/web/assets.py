"""The page and what belongs to it: files of the package, read once."""

from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from oma_poller.web.parts import ApiParts
from oma_poller.web.problem import problem

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PAGES = {"/": "index.html", "/docs": "docs.html"}


class _File(Struct, frozen=True):
    body: bytes
    media_type: str
    etag: str


def routes(parts: ApiParts) -> list[BaseRoute]:  # noqa: ARG001 - as every group of routes is made
    """Return the routes of the pages, and of the files they name."""
    known = {
        file.name: _read(file) for file in (files("oma_poller.web") / "page").iterdir() if file.is_file()
    }

    async def asset(request: Request) -> Response:
        name = PAGES.get(request.url.path) or request.path_params.get("name", "")
        file = known.get(name)
        if file is None:
            return problem(404, "the page has no such file")
        headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(file.body, headers=headers, media_type=file.media_type)

    pages = [Route(path, asset, methods=["GET"]) for path in PAGES]
    return [*pages, Route("/static/{name}", asset, methods=["GET"])]


def _read(file: Traversable) -> _File:
    body = file.read_bytes()
    suffix = "." + file.name.rpartition(".")[2]
    return _File(body, _TYPES.get(suffix, "application/octet-stream"), f'"{sha256(body).hexdigest()[:20]}"')
