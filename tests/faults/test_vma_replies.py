"""A VMA that answers, but not with what it should."""

import json

from fault_scenario import scenario
from fault_world import INTERVAL_S, FaultWorld
from faulty_vma import Answer, truncated
from patience import until
from scripted_vma import entry

HTML = b"<html><body><h1>It works!</h1></body></html>"


def useless(world: FaultWorld, answer: Answer, *, errors: int = 3) -> str:
    """Answer one of two jobs with *answer* until it is late, then as it should be; return what was seen."""
    world.add("job-1", "job-2", moved=0.5)
    with world.polling():
        world.settled()
        key = world.copy("job-1").key
        before = world.vma.asked[key]
        world.vma.answers[key] = answer
        until(lambda: world.vma.asked[key] - before >= errors, "some polls that failed")
        until(lambda: world.observation("job-1") in {"late", "parked"}, "the job late")
        assert world.oma.job("job-1")["bytes_transferred"] == 500
        assert world.observation("job-2") == "fresh"
        assert world.untouched()
        assert len(world.warnings()) <= 3, world.warnings()
        del world.vma.answers[key]
        world.see("job-1", "fresh")
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    end = world.check_end()
    return f"late with its 500 bytes kept, the other job fresh; at most 3 warnings; then {end}; {calm}"


@scenario(fault="500 with a text", must="Numbers are kept, the job is called late, no job fails")
def test_server_errors(world: FaultWorld) -> str:
    return useless(world, (500, b"internal error\n", {}))


@scenario(
    fault="429 with Retry-After: 2, for all jobs of the VMA",
    must="Nobody asks before the time is over; the jobs go on then",
)
def test_too_many_requests(world: FaultWorld) -> str:
    world.add("job-1", "job-2", "job-3", moved=0.5)
    with world.polling():
        world.settled()
        before = world.vma.asked.copy()
        world.vma.all_answer = (429, b"slow down\n", {"Retry-After": "2"})
        until(lambda: world.vma.asked_since(before) >= len(world.copies), "the refusal of every job")
        refused = world.vma.asked.copy()
        world.intervals(0.8 * 2 / INTERVAL_S)
        assert world.vma.asked_since(refused) <= 2
        world.vma.all_answer = None
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"at most 2 late requests of 3 jobs within 1.6 s of the refusal; then {world.check_end()}; {calm}"


@scenario(fault="200 with an HTML page", must="It is an error with a name, never a number")
def test_a_web_page(world: FaultWorld) -> str:
    return useless(world, (200, HTML, {"Content-Type": "text/html"}))


@scenario(fault="A body that breaks off in the middle", must="It is an error with a name, never a number")
def test_a_truncated_body(world: FaultWorld) -> str:
    return useless(
        world, truncated(json.dumps(entry("migration-vol-v-job-1-0", bytes_transferred=900)).encode())
    )


@scenario(fault="A body of 5 MB", must="It is refused while it comes; memory stays bounded")
def test_a_huge_body(world: FaultWorld) -> str:
    body = json.dumps(entry("migration-vol-v-job-1-0", current_operation="x" * 5_000_000)).encode()
    return useless(world, (200, body, {}))


@scenario(
    fault="The reply of another job, completed with 100 %",
    must="Nothing of it is believed: the job neither ends nor changes",
)
def test_the_reply_of_another_job(world: FaultWorld) -> str:
    body = entry(
        "migration-vol-of-another", status="completed", percentage=100, bytes_transferred=9, total_bytes=9
    )
    return useless(world, (200, json.dumps(body).encode(), {}))


@scenario(
    fault="200 with `job not found` as its text (F1)",
    must="It counts as 404: vanished, neither success nor failure",
)
def test_not_found_with_status_200(world: FaultWorld) -> str:
    world.add("job-1", moved=0.5)
    with world.polling():
        world.settled()
        key = world.copy("job-1").key
        world.vma.answers[key] = (200, b"job not found\n", {})
        world.see("job-1", "vanished")
        assert world.untouched()
        del world.vma.answers[key]
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"vanished, then {world.check_end()}; {calm}"
