"""The calls of jobs, asked of the real program: numbers, pages, filters, history, exports."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_world import ApiWorld, Reply, api_world, moves, path_of, sqlite_oma, volume_of
from oma_database import OmaDatabase
from patience import until
from scripted_vma import ScriptedVma

from oma_poller.database.upgrade import upgrade

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
HARMFUL = "<script>alert(1)</script>"
MANY = 30


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def oma(request: pytest.FixtureRequest, tmp_path: Path) -> OmaDatabase:
    """Return an OMA with the program's own tables, on each engine."""
    if request.param == "sqlite":
        return sqlite_oma(tmp_path)
    made = OmaDatabase(request.getfixturevalue("mariadb_address")).create()
    upgrade(made.address)
    return made


@pytest.fixture
def world(oma: OmaDatabase, tmp_path: Path) -> Iterator[ApiWorld]:
    """Return a program that watches one job that moves, and one that nobody knows."""
    oma.add_job("job-1", volume_of("job-1"), source_vm_name="web-01", created_at="2026-01-01 00:00:00")
    oma.add_job("job-2", volume_of("job-2"), source_vm_name=HARMFUL, created_at="2026-01-02 00:00:00")
    vma = ScriptedVma()
    moves(vma, "job-1", 250)
    with api_world(tmp_path, oma, vma) as made:
        yield made


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """Return a program that watches many jobs that stand where they are; no test changes it."""
    folder = tmp_path_factory.mktemp("fleet")
    oma = sqlite_oma(folder)
    for number in range(MANY):
        day = f"2026-01-{number + 1:02d} 00:00:00"
        oma.add_job(f"job-{number}", volume_of(f"job-{number}"), created_at=day)
    vma = ScriptedVma()
    for number in range(MANY // 2):
        moves(vma, f"job-{number}", 10 * number)
    with api_world(folder, oma, vma, VMA_PROGRESS_STALL_AFTER="1h") as made:
        until(lambda: len(listed(made, "observation=fresh").document["jobs"]) == MANY // 2, "half of them")
        yield made


def listed(world: ApiWorld, query: str = "", **headers: str) -> Reply:
    """Return the answer to a list."""
    return world.ask(f"/api/v1/progress?{query}", **headers)


def ids(reply: Reply) -> list[str]:
    """Return the jobs of a list, in order."""
    return [job["job_id"] for job in reply.document["jobs"]]


def explained(world: ApiWorld, job_id: str) -> Any:  # noqa: ANN401 - a JSON object
    """Return the explanation of a job."""
    return world.ask(path_of(job_id, after="/explain")).document


def moments(document: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield what stands under names of moments, all the way down."""
    if isinstance(document, list):
        for one in document:
            yield from moments(one)
    elif isinstance(document, dict):
        for name, value in document.items():
            if isinstance(value, str) and (
                name in {"at", "as_of", "since"} or name.endswith(("_at", "_since"))
            ):
                yield value
            yield from moments(value)


def test_a_job_is_told_with_its_disks_its_keys_and_how_it_is_polled(world: ApiWorld) -> None:
    world.wait_for("job-1", percent=25, total_bytes=1000, observation="fresh")
    one = world.ask("/api/v1/progress/job-1").document
    assert one["job"]["name"] == "web-01"
    assert (one["job"]["bytes_transferred"], one["job"]["total_bytes"]) == (250, 1000)
    assert (one["job"]["disks"], one["disks"][0]["volume_id"]) == (1, volume_of("job-1"))
    assert one["disks"][0]["nbd_export_name"] == f"migration-vol-{volume_of('job-1')}"
    assert [key["raw_bytes"] for key in one["keys"]] == [250]
    assert (one["polling"]["parked"], one["polling"]["max_errors"]) == (False, 100)
    found = list(moments(one))
    assert len(found) > 4
    assert all(RFC_3339.fullmatch(moment) for moment in found)


def test_what_is_not_known_is_null_and_a_name_is_text(world: ApiWorld) -> None:
    row = world.wait_for("job-2", observation="never_reported")
    unknown = ("percent", "bytes_transferred", "total_bytes", "speed_bps", "eta_seconds", "as_of")
    assert {row[name] for name in unknown} == {None}
    assert row["name"] == HARMFUL


def test_a_job_that_ended_is_not_watched_but_explained_and_its_history_stays(world: ApiWorld) -> None:
    world.wait_for("job-1", percent=25)
    world.moves("job-1", 1000, status="completed", percentage=100)
    until(lambda: world.row("job-1") is None, "the end of job-1")
    gone = world.ask("/api/v1/progress/job-1")
    assert (gone.status, gone.detail) == (404, "job 'job-1' is not watched: its status is completed")
    account = explained(world, "job-1")
    assert account["status"] == "completed"
    assert "not an active one" in account["written"]
    recorded = until(lambda: explained(world, "job-1")["recorded"], "the recorded polls")
    assert recorded[-1]["state"] == "completed"
    points = world.ask("/api/v1/progress/job-1/history").document["points"]
    assert points[-1]["percent"] == 100
    assert all(RFC_3339.fullmatch(point["at"]) for point in points)


def test_an_active_job_is_explained_by_asking_its_vma_now(world: ApiWorld) -> None:
    world.wait_for("job-1", percent=25)
    account = explained(world, "job-1")
    assert account["keys"][0]["answer"].endswith("250 of 1000 bytes")
    recorded = until(lambda: explained(world, "job-1")["recorded"], "the recorded polls")
    assert recorded[0]["of_this_job"]
    assert until(lambda: explained(world, "job-1")["remembered"], "its memory")


@pytest.mark.parametrize("after", ["", "/history", "/explain"])
def test_a_job_that_is_in_no_row_is_unknown(world: ApiWorld, after: str) -> None:
    answer = world.ask(path_of("job-9", after=after))
    assert (answer.status, answer.detail) == (404, "job 'job-9' is not in replication_jobs")


def test_exports_are_named_as_the_seed_has_it(world: ApiWorld) -> None:
    exports = world.ask("/api/debug/nbd-export-names/job-1")
    names = [f"migration-vol-{volume_of('job-1')}"]
    assert exports.document == {"job_id": "job-1", "nbd_export_names": names}
    unknown = world.ask("/api/debug/nbd-export-names/job-9")
    assert (unknown.status, unknown.detail) == (404, "job 'job-9' is not in replication_jobs")
    world.oma.add_job("job-3", "not/a volume", status="pending")
    bad = world.ask("/api/debug/nbd-export-names/job-3")
    assert (bad.status, "'not/a volume' cannot name an NBD export" in bad.detail) == (409, True)
    assert world.ask("/api/v1/progress/job-3/explain").status == 409


def test_history_is_bounded_by_a_moment_and_a_number(world: ApiWorld) -> None:
    columns = "job_id, at, grain_s, observation, percent_bp"
    sample = f"INSERT INTO oma_poller_history ({columns}) VALUES (?, ?, 30, ?, ?)"  # noqa: S608 - our own names
    for minute in range(4):
        world.oma.execute(sample, ("job-7", f"2026-01-01 00:0{minute}:00.000000", "fresh", minute * 100))
    path = "/api/v1/progress/job-7/history"
    assert [point["percent"] for point in world.ask(path).document["points"]] == [0, 1, 2, 3]
    assert [point["percent"] for point in world.ask(f"{path}?limit=2").document["points"]] == [2, 3]
    since = world.ask(f"{path}?since=2026-01-01T01:02:00%2B01:00").document["points"]
    assert [point["at"] for point in since] == ["2026-01-01T00:02:00Z", "2026-01-01T00:03:00Z"]
    assert since[0]["bytes_transferred"] is None
    assert "since is 'now'; allowed is a moment" in world.ask(f"{path}?since=now").detail
    assert "limit is '5001'" in world.ask(f"{path}?limit=5001").detail


def test_without_the_own_tables_history_says_what_makes_them(tmp_path: Path) -> None:
    oma = sqlite_oma(tmp_path, own_tables=False)
    oma.add_job("job-1", volume_of("job-1"))
    with api_world(tmp_path, oma, ScriptedVma()) as world:
        answer = world.ask("/api/v1/progress/job-1/history")
        assert (answer.status, "`oma-poller db upgrade`" in answer.detail) == (503, True)
        assert world.ask("/api/v1/progress/job-1/explain").document["recorded"] is None


def test_pages_together_are_the_list(fleet: ApiWorld) -> None:
    whole = listed(fleet, "limit=10000")
    assert (whole.document["total"], len(ids(whole))) == (MANY, MANY)
    assert ids(whole) == [f"job-{number}" for number in reversed(range(MANY))]
    pages = [ids(listed(fleet, f"limit=7&offset={offset}")) for offset in range(0, MANY + 7, 7)]
    assert [job for page in pages for job in page] == ids(whole)
    assert pages[-1] == []


def test_a_list_is_filtered_and_sorted_and_its_summary_is_of_all_that_match(fleet: ApiWorld) -> None:
    reply = listed(fleet, "observation=fresh&sort=percent&order=desc&limit=3")
    assert [job["percent"] for job in reply.document["jobs"]] == [14, 13, 12]
    half = MANY // 2
    summary = reply.document["summary"]
    assert (reply.document["total"], summary["jobs"]) == (half, half)
    assert summary["observations"] == {"fresh": half}
    assert summary["total_bytes"] == 1000 * half
    assert summary["bytes_transferred"] == sum(10 * number for number in range(half))
    assert set(ids(listed(fleet, "name=VM%20OF%20JOB-1"))) == {"job-1", *(f"job-1{n}" for n in range(10))}
    assert listed(fleet, "vma=elsewhere").document["jobs"] == []
    nulls_last = [job["percent"] for job in listed(fleet, "sort=percent&limit=100").document["jobs"]]
    assert nulls_last == [*range(half), *[None] * half]


def test_a_list_that_did_not_change_is_not_sent_again(fleet: ApiWorld) -> None:
    def unchanged() -> Reply | None:
        first = listed(fleet, "limit=5")
        again = listed(fleet, "limit=5", If_None_Match=first.headers["etag"])
        return again if again.status == 304 else None

    answer = until(unchanged, "a list that stands still")
    assert answer is not None
    assert answer.body == b""
    assert listed(fleet, "limit=6", If_None_Match=answer.headers["etag"]).status == 200
    assert listed(fleet, "limit=5", If_None_Match='W/"another"').status == 200


def test_a_list_changes_its_tag_when_a_job_moves(world: ApiWorld) -> None:
    world.wait_for("job-1", percent=25)
    first = listed(world)
    world.moves("job-1", 500)
    world.wait_for("job-1", percent=50)
    changed = listed(world, If_None_Match=first.headers["etag"])
    assert (changed.status, changed.headers["etag"] != first.headers["etag"]) == (200, True)
    assert changed.headers["cache-control"] == "no-cache"


def test_a_list_is_compressed_for_who_takes_that(fleet: ApiWorld) -> None:
    plain = listed(fleet)
    packed = listed(fleet, Accept_Encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 3
    assert json.loads(gzip.decompress(packed.body))["total"] == MANY


@pytest.mark.parametrize(
    "path", ["/api/v1/progress", "/api/v1/polling", "/api/v1/progress/job-1", "/healthz"]
)
def test_the_head_of_an_answer_can_be_had_alone(fleet: ApiWorld, path: str) -> None:
    head = fleet.ask(path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/api/v1/progress?stat=x", "unknown parameter 'stat'; allowed are status, state, observation"),
        ("/api/v1/progress?sort=x", "sort is 'x'; allowed are created_at"),
        ("/api/v1/progress?limit=1&limit=2", "limit is given more than once"),
        ("/api/v1/progress/job-1?x=", "unknown parameter 'x'; this call has none"),
        ("/api/v1/progress/job-1/history?x=1", "unknown parameter 'x'; allowed are since, limit"),
        ("/api/v1/polling?x=1", "unknown parameter 'x'; this call has none"),
    ],
)
def test_a_wrong_parameter_is_told_in_one_line(fleet: ApiWorld, path: str, line: str) -> None:
    answer = fleet.ask(path)
    assert (answer.status, answer.detail.startswith(line)) == (400, True), answer


def test_what_is_not_there_and_what_is_not_allowed_is_told(fleet: ApiWorld) -> None:
    nothing = fleet.ask("/api/v1/nothing")
    assert (nothing.status, nothing.detail) == (
        404,
        "there is nothing at /api/v1/nothing; /docs lists every call",
    )
    assert (
        fleet.ask("/api/v1/progress/job-1", "DELETE").detail
        == "DELETE is not allowed here; allowed are GET, HEAD"
    )
    assert fleet.ask("/api/v1/polling/job-1/start").status == 405
