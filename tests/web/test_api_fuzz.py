"""Every call with what its own description allows, and with what it does not: it answers as it says it does.

The cases are the same in every run. `/api/v1/events` is not among them: its answer never ends.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from api_world import ApiWorld, api_world, moves, sqlite_oma, volume_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S, until
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from scripted_vma import ScriptedVma

from oma_poller.web.openapi import CALLS, document

JOBS = ["job-1", "job-2", "a/b", "<script>", "over"]
TOLD = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES = 30
_BUSY = 429
_AWAY = 503
_QUIET = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """Return a program that watches a few jobs: one moves, one is over, the others are unknown to the VMA."""
    folder = tmp_path_factory.mktemp("fuzz")
    oma = sqlite_oma(folder)
    for job_id in JOBS:
        oma.add_job(job_id, volume_of(job_id), status="completed" if job_id == "over" else "replicating")
    vma = ScriptedVma()
    moves(vma, "job-1", 250)
    with api_world(folder, oma, vma) as made:
        made.wait_for("job-1", percent=25)
        yield made


def operation_of(method: str, path: str) -> APIOperation[Any, Any, Any, Any]:
    """Return a call as schemathesis knows it."""
    return schemathesis.openapi.from_dict(document(has_token=False))[path][method]


def answer_to(case: Case[Any], world: ApiWorld) -> Response:
    """Send a case; one that comes too soon is sent again."""

    def answers() -> list[Response]:
        answer = case.call(base_url=world.url.rstrip("/"), timeout=PATIENCE_S)
        return [] if answer.status_code == _BUSY else [answer]

    return until(answers, "an answer that is not 429")[0]


SINGLE = [call for call in CALLS if call.media_type != "text/event-stream"]
PLAIN = [(call.method, call.path, GenerationMode.POSITIVE) for call in SINGLE]
WRONG = [
    (call.method, call.path, GenerationMode.NEGATIVE)
    for call in SINGLE
    if call.parameters or "{job_id}" in call.path  # else there is nothing to be wrong
]


@pytest.mark.parametrize(("method", "path", "mode"), [*PLAIN, *WRONG])
def test_a_call_answers_only_what_it_is_said_to(
    method: str, path: str, mode: GenerationMode, world: ApiWorld
) -> None:
    operation = operation_of(method, path)
    job_ids = [*JOBS, "unknown"]
    is_wrong = mode is GenerationMode.NEGATIVE
    statuses = set()

    @_QUIET
    @given(operation.as_strategy(mode), st.none() | st.sampled_from(job_ids))
    def holds(case: Case[Any], job_id: str | None) -> None:
        if job_id is not None and "{job_id}" in path and not is_wrong:
            case.path_parameters["job_id"] = quote(job_id, safe="")
        answer = answer_to(case, world)
        statuses.add(answer.status_code)
        checks = [*TOLD, negative_data_rejection] if is_wrong else TOLD
        if answer.status_code != _AWAY:  # a call that may answer so says it: the conformance of the status
            checks = [*checks, not_a_server_error]
        case.validate_response(answer, checks=checks)

    holds()
    assert is_wrong or statuses & {200, 202}, statuses
    assert world.poller.process.poll() is None
    assert world.poller.said("defect of this program") == []
