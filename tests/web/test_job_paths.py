"""A job's id in the path of a request, whatever it is made of."""

from collections.abc import Iterator

import pytest
from api_world import ApiWorld, api_world, path_of, sqlite_oma, volume_of
from patience import until
from scripted_vma import ScriptedVma

IDS = [
    "job-1",
    "a/b",
    "a/history",
    "a/explain",
    "/",
    "..",
    ".",
    " blank within ",
    "a?b#c",
    "100%",
    "%2F",
    "żółw-猫",
    "\u2028\u00a0",
    "<script>alert(1)</script>",
    "x" * 255,
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """Return a program that watches a job of each id."""
    folder = tmp_path_factory.mktemp("paths")
    oma = sqlite_oma(folder)
    for job_id in IDS:
        oma.add_job(job_id, volume_of(job_id))
    with api_world(folder, oma, ScriptedVma()) as made:
        until(lambda: made.ask("/api/v1/polling").document["active_jobs"] == len(IDS), "all jobs")
        yield made


@pytest.mark.parametrize("job_id", IDS)
def test_every_call_finds_the_job_that_is_meant(world: ApiWorld, job_id: str) -> None:
    assert world.ask(path_of(job_id)).document["job"]["job_id"] == job_id
    history = world.ask(path_of(job_id, after="/history"))
    assert history.document == {"job_id": job_id, "points": history.document["points"]}
    assert world.ask(path_of(job_id, after="/explain")).document["job_id"] == job_id
    exports = world.ask(path_of(job_id, "/api/debug/nbd-export-names/"))
    assert exports.document["nbd_export_names"] == [f"migration-vol-{volume_of(job_id)}"]
    for path in (
        path_of(job_id, "/api/test/start-polling/"),
        path_of(job_id, "/api/v1/polling/", "/start"),
        path_of(job_id, "/api/v1/polling/", "/stop"),
    ):
        answer = world.ask(path, "POST")
        assert (answer.status, answer.document["job_id"]) == (202, job_id)


def test_a_slash_of_an_id_is_never_taken_for_the_end_of_it(world: ApiWorld) -> None:
    # Were it one, this would stop job-1, and this would be the history of a.
    assert world.ask("/api/v1/polling/job-1%2Fstop", "POST").status in {404, 405}
    assert world.ask("/api/v1/progress/a%2Fhistory").document["job"]["job_id"] == "a/history"


@pytest.mark.parametrize(
    "sent",
    ["", "a/b", "%00", "a%0Ab", "a%7Fb", "%1B[2J", "%C2%85", "%FF", "x" * 256, "%C5%BC" * 256],
)
def test_what_is_no_id_is_refused_in_one_line(world: ApiWorld, sent: str) -> None:
    allowed = "this is no job id; allowed are 1 to 255 characters, none of them a control; a / is sent as %2F"
    assert world.ask(f"/api/v1/progress/{sent}").detail == allowed
    assert world.ask(f"/api/v1/progress/{sent}").status == 400
    assert world.ask(f"/api/v1/polling/{sent}/start", "POST").detail == allowed
