"""No token or password stands in any answer, whatever goes wrong."""

from pathlib import Path

from api_world import QUICK, ApiWorld, api_world, moves, sqlite_oma, volume_of
from patience import until
from poller_process import running
from scripted_vma import ScriptedVma, serving

from oma_poller.web.openapi import CALLS

API_TOKEN = "a-secret-of-the-api"  # noqa: S105 - made up
VMA_TOKEN = "a-secret-of-the-vma"  # noqa: S105 - made up
PASSWORD = "a-secret-of-the-database"  # noqa: S105 - made up
SECRETS = (API_TOKEN, VMA_TOKEN, PASSWORD)
BEARER = f"Bearer {API_TOKEN}"
PAGES = ["/", "/docs", "/openapi.json", "/nothing", "/api/v1/progress?x=1"]


def every_answer(world: ApiWorld, job_id: str) -> list[tuple[str, int, str]]:
    """Return path, status and text, headers too, of what every call answers, with the token and without."""
    calls = [(call.method, call.path) for call in CALLS if call.media_type != "text/event-stream"]
    told = []
    for method, path in [*calls, *(("GET", page) for page in PAGES)]:
        for headers in ({"Authorization": BEARER}, {}):
            sent = path.replace("{job_id}", job_id)
            answer = world.ask(sent, method, **headers)
            told.append((sent, answer.status, f"{answer.headers} {answer.body.decode()}"))
    return told


def holds_no_secret(told: list[tuple[str, int, str]], world: ApiWorld) -> None:
    for path, _, text in told:
        assert not [secret for secret in SECRETS if secret in text], path
    assert not [line for line in world.poller.output if any(secret in line for secret in SECRETS)]


def test_no_answer_holds_a_secret(tmp_path: Path) -> None:
    oma = sqlite_oma(tmp_path)
    oma.add_job("job-1", volume_of("job-1"))
    vma = ScriptedVma()
    moves(vma, "job-1", 250)
    settings = {"OMA_API_TOKEN": API_TOKEN, "VMA_PROGRESS_TOKEN": VMA_TOKEN}
    with api_world(tmp_path, oma, vma, **settings) as world:
        world.wait_for("job-1", percent=25)
        told = every_answer(world, "job-1")
        assert {200, 202, 400, 401, 404} <= {status for _, status, _ in told}
        holds_no_secret(told, world)


def test_no_answer_holds_a_secret_while_the_database_and_the_vma_are_away(tmp_path: Path) -> None:
    own = {
        "OMA_DATABASE_URL": f"mysql://oma:{PASSWORD}@127.0.0.1:1/oma",
        "OMA_API_TOKEN": API_TOKEN,
        "VMA_PROGRESS_TOKEN": VMA_TOKEN,
    }
    vma = ScriptedVma()
    with serving(vma) as url:
        own["VMA_PROGRESS_CLIENT_URL"] = url
    with running(tmp_path, QUICK | own) as poller:
        world = ApiWorld(sqlite_oma(tmp_path), vma, poller)
        until(lambda: world.ask("/readyz").document["checks"]["database"] != "answers", "the outage")
        told = every_answer(world, "job-1")
        assert 503 in {status for path, status, _ in told if path == "/api/v1/progress/job-1"}
        assert 500 not in {status for _, status, _ in told}
        holds_no_secret(told, world)
