"""`/metrics`: the program's counts in Prometheus' form."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from oma_poller.web.parts import ApiParts

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def routes(parts: ApiParts) -> list[BaseRoute]:
    """Return the route of the metrics."""
    registry: CollectorRegistry | None = None

    async def scrape(request: Request) -> Response:
        nonlocal registry
        from oma_poller.web import metric_families  # noqa: PLC0415 - 1.5 MB, of no use where nobody scrapes

        registry = registry or metric_families.registry_of(parts)
        body, content_type = metric_families.exposition(registry, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    return [Route("/metrics", scrape, methods=["GET"])]
