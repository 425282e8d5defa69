"""The API's own description: valid, complete, and the one that is served."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from api_world import ApiWorld, api_world, sqlite_oma
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from scripted_vma import ScriptedVma
from starlette.routing import Route

from oma_poller.web import events, health, metrics, routes_jobs, routes_polling
from oma_poller.web.openapi import document

TOKEN = "a-t0ken-for-this-test"  # noqa: S105 - made up


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """Return a program that has a token and no job."""
    folder = tmp_path_factory.mktemp("openapi")
    with api_world(folder, sqlite_oma(folder), ScriptedVma(), OMA_API_TOKEN=TOKEN) as made:
        yield made


def operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of each call."""
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


@pytest.mark.parametrize("has_token", [True, False])
def test_the_description_is_valid_openapi(*, has_token: bool) -> None:
    made = document(has_token=has_token)
    assert made["openapi"] == "3.1.0"
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(made)] == []
    for schema in made["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)
    assert ("security" in made) is has_token


def test_every_name_it_points_to_is_there() -> None:
    made = document(has_token=False)
    pointers = {part.split('"')[0] for part in json.dumps(made).split('"#/components/schemas/')[1:]}
    assert pointers == set(made["components"]["schemas"])


def test_it_lists_exactly_the_calls_there_are(world: ApiWorld) -> None:
    listed = {(method, path) for method, path, _ in operations(document(has_token=False))}
    served = world.ask("/openapi.json").document
    assert listed == {(method, path) for method, path, _ in operations(served)}
    assert listed == set(_routes())
    for method, path in listed - {("GET", "/api/v1/events")}:  # its answer never ends
        answer = world.ask(path.replace("{job_id}", "job-1"), method, Authorization=f"Bearer {TOKEN}")
        found = answer.status != 404 or "is not in replication_jobs" in answer.detail
        assert (found, answer.status == 405) == (True, False), (method, path, answer)


def _routes() -> Iterator[tuple[str, str]]:
    """Yield method and path of every route that is no page; making routes needs none of the running parts."""
    parts = _Anything()
    for module in (routes_polling, routes_jobs, events, metrics, health):
        for route in module.routes(parts):
            assert isinstance(route, Route)
            assert route.methods is not None
            for method in route.methods - {"HEAD"}:
                yield method, route.path.replace("{job_id:path}", "{job_id}")


class _Anything:
    """Has every attribute, and can be called."""

    def __getattr__(self, name: str) -> "_Anything":
        return self

    def __call__(self, *_: object) -> "_Anything":
        return self


def test_every_call_tells_of_each_parameter_and_of_its_problems() -> None:
    for method, path, operation in operations(document(has_token=False)):
        assert operation["summary"], (method, path)
        in_path = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
        assert in_path == (["job_id"] if "{job_id}" in path else [])
        assert {"401", "403", "421", "429"} <= operation["responses"].keys()
        assert all(one.get("description") for one in operation["responses"].values())


def test_moments_are_said_to_be_moments_and_what_may_be_unknown_may_be_null() -> None:
    schemas = document(has_token=False)["components"]["schemas"]
    row = schemas["JobRow"]["properties"]
    moment = {"type": "string", "format": "date-time"}
    assert row["polling_since"] == moment
    assert row["as_of"] == {"anyOf": [moment, {"type": "null"}]}
    assert row["percent"] == {"anyOf": [{"type": "number"}, {"type": "null"}]}
    assert schemas["HistoryPoint"]["properties"]["at"] == moment


def test_no_secret_stands_in_the_description_or_on_its_page(world: ApiWorld) -> None:
    for path in ("/openapi.json", "/docs", "/static/docs.js"):
        answer = world.ask(path)
        assert answer.status == 200
        assert TOKEN.encode() not in answer.body
    described = world.ask("/openapi.json").document
    assert described["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}


def test_the_page_of_the_description_loads_nothing_from_elsewhere(world: ApiWorld) -> None:
    page = Path(routes_jobs.__file__).parent / "page"
    for name in ("docs.html", "docs.js", "docs.css"):
        text = (page / name).read_text()
        assert "http://" not in text.replace("http://www.w3.org/", "")
        assert "https://" not in text
        assert "innerHTML" not in text
    policy = world.ask("/docs").headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy
