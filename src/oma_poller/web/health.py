"""`/healthz`: whether the program's loops go round. `/readyz`: whether it can do its work."""

from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from oma_poller.engine.beats import Beats
from oma_poller.web.guard import carries
from oma_poller.web.parts import ApiParts
from oma_poller.web.surroundings import DatabaseRow, database_row


def routes(parts: ApiParts) -> list[BaseRoute]:
    """Return both routes."""

    async def healthz(_: Request) -> Response:
        is_well, checks = health_of(parts.beats)
        return _reply(is_well=is_well, word="healthy", checks=checks)

    token = parts.settings.token

    async def readyz(request: Request) -> Response:
        database = database_row(parts)
        discovered = parts.beats.first_discovery_at is not None
        waiting = parts.discovery.is_waiting
        checks = {
            "database": _database_words(database, in_full=token is None or carries(token, request.headers)),
            "discovery": "done" if discovered else "waits for another poller" if waiting else "not done yet",
        }
        return _reply(is_well=database.up and discovered, word="ready", checks=checks)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]


def health_of(beats: Beats) -> tuple[bool, dict[str, str]]:
    """Return whether every loop goes round, and which does."""
    stuck = beats.stuck()
    checks = {name: "stands still" if name in stuck else "goes round" for name in beats.loops_s.copy()}
    return not stuck, checks


def _database_words(database: DatabaseRow, *, in_full: bool) -> str:
    """Say how the database is; why it is away, which names where it lives, only to who may know that."""
    if database.up:
        return "answers"
    if database.since is None:
        return database.detail or "does not answer"
    since = f"away since {database.since:%Y-%m-%dT%H:%M:%SZ}"
    return f"{since}: {database.detail}" if in_full else since


def _reply(*, is_well: bool, word: str, checks: dict[str, str]) -> Response:
    body = {"status": word if is_well else f"not {word}", "checks": checks}
    status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(msgspec.json.encode(body), status, media_type="application/json")
