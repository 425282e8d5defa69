"""Numbers that no column holds, that go back, or that change their minds."""

import json

from fault_scenario import BOTH, MARIADB, scenario
from fault_world import FaultWorld
from faulty_vma import with_number
from patience import until
from scripted_vma import entry

BIGINT_MAX = 2**63 - 1


def answer_with(world: FaultWorld, job_id: str, name: str, number: str) -> None:
    """Let the job's reply hold this number, whatever JSON makes of it."""
    key = world.copy(job_id).key
    body = entry(key, bytes_transferred=500, total_bytes=1000, percentage=50)
    world.vma.answers[key] = (200, with_number(body, name, number), {})


@scenario(
    fault="Percent 123456.789, -3 and NaN, with bytes of 500 of 1000",
    must="The row's percent follows from the bytes, or stays; within 0 to 100, and 100 only at the end",
    engines=BOTH,
)
def test_wild_percentages(world: FaultWorld) -> str:
    world.add("over", "below", "nan", moved=0.3)
    with world.polling():
        world.settled()
        for job, number in (("over", "123456.789"), ("below", "-3"), ("nan", "NaN")):
            answer_with(world, job, "percentage", number)
        until(lambda: float(world.oma.job("over")["progress_percent"]) == 50, "50 % of the first")
        until(lambda: float(world.oma.job("below")["progress_percent"]) == 50, "50 % of the second")
        until(lambda: world.observation("nan") in {"late", "parked"}, "the third late")
        assert float(world.oma.job("nan")["progress_percent"]) == 30
        assert world.untouched()
        world.vma.answers.clear()
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"50, 50, and late with its 30 % kept; then {world.check_end()}; {calm}"


@scenario(
    fault="Percent 123456.789 and -3 without a total to reckon with",
    must="Taken as reported, within 0 to 100, and 100 only at the end",
    engines=(MARIADB,),
)
def test_wild_percentages_without_a_total(world: FaultWorld) -> str:
    world.add("over", "below")
    for job, number in (("over", "123456.789"), ("below", "-3")):
        body = entry(world.copy(job).key, bytes_transferred=500, total_bytes=0, percentage=50)
        world.vma.answers[world.copy(job).key] = (200, with_number(body, "percentage", number), {})
    with world.polling():
        until(lambda: world.oma.job("over")["bytes_transferred"] == 500, "the bytes of the first")
        until(lambda: world.oma.job("below")["bytes_transferred"] == 500, "the bytes of the second")
        assert float(world.oma.job("over")["progress_percent"]) == 99.99
        assert float(world.oma.job("below")["progress_percent"]) == 0
        assert world.untouched()
    return "99.99 and 0; no job ended"


@scenario(
    fault="Bytes of 2^63, and -5 bytes",
    must="A number that no BIGINT holds is an error with a name; negative ones never reach a row",
    engines=BOTH,
)
def test_bytes_beyond_every_column(world: FaultWorld) -> str:
    world.add("big", "negative", moved=0.3)
    with world.polling():
        world.settled()
        answer_with(world, "big", "bytes_transferred", str(2**63))
        answer_with(world, "negative", "bytes_transferred", "-5")
        until(lambda: world.observation("big") in {"late", "parked"}, "the job late")
        key = world.copy("negative").key
        asked = world.vma.asked[key]
        until(lambda: world.vma.asked[key] >= asked + 3, "three more polls")
        assert [world.oma.job(job)["bytes_transferred"] for job in ("big", "negative")] == [300, 300]
        world.vma.answers.clear()
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"both rows kept their 300 bytes; then {world.check_end()}; {calm}"


@scenario(
    fault="Two disks of 2^63-1 bytes each, half moved, then done",
    must="A sum beyond BIGINT is held at its limit; percent stays right; the job completes",
    engines=BOTH,
)
def test_two_disks_of_the_largest_size(world: FaultWorld) -> str:
    world.add("job-1", sizes_bytes=(BIGINT_MAX, BIGINT_MAX), moved=0)
    for copy in world.copies["job-1"]:
        copy.stands_at(BIGINT_MAX // 2)
    with world.polling():
        until(lambda: world.oma.job("job-1")["bytes_transferred"] >= BIGINT_MAX - 1, "the sum of the bytes")
        until(lambda: world.oma.job("job-1")["total_bytes"] == BIGINT_MAX, "the limit of the total")
        assert 49.9 <= float(world.oma.job("job-1")["progress_percent"]) <= 50
        for copy in world.copies["job-1"]:
            copy.ends()
        world.wait_for_end()
        row = world.oma.job("job-1")
        assert (float(row["progress_percent"]), row["bytes_transferred"]) == (100, BIGINT_MAX)
    return "50 % with the total at 2^63-1; completed with 100 % and 2^63-1 bytes"


@scenario(
    fault="Bytes go back from 600 to 200 and on to 700 within a run",
    must="The row never goes back; the raw value is told once",
)
def test_bytes_that_go_back(world: FaultWorld) -> str:
    world.add("job-1", moved=0.6)
    with world.polling():
        world.settled()
        world.copy("job-1").stands_at(200)
        until(lambda: "bytes went back" in world.warnings(), "the regression told")
        asked = world.vma.asked.total()
        until(lambda: world.vma.asked.total() >= asked + 4, "some more polls")
        assert world.oma.job("job-1")["bytes_transferred"] == 600
        world.copy("job-1").stands_at(700)
        until(lambda: world.oma.job("job-1")["bytes_transferred"] == 700, "the bytes beyond")
        assert world.warnings() == ["bytes went back"]
        world.end_all()
        world.wait_for_end()
    return f"the row stayed at 600, then 700; one warning; {world.check_end()}"


@scenario(
    fault="The total grows from 1000 to 2000 and shrinks to 900, with 500 bytes moved",
    must="The written percent never goes back; a smaller total does not complete the job",
)
def test_a_total_that_grows_and_shrinks(world: FaultWorld) -> str:
    world.add("job-1", moved=0.5)
    copy = world.copy("job-1")
    with world.polling():
        world.settled()
        copy.fields = {"total_bytes": 2000}
        until(lambda: world.oma.job("job-1")["total_bytes"] == 2000, "the larger total")
        assert float(world.oma.job("job-1")["progress_percent"]) == 50
        copy.fields = {"total_bytes": 900}
        until(lambda: world.oma.job("job-1")["total_bytes"] == 900, "the smaller total")
        until(lambda: float(world.oma.job("job-1")["progress_percent"]) == 55.55, "the percent of it")
        assert world.untouched()
        copy.fields = {}
        world.end_all()
        world.wait_for_end()
    return f"50 % of 1000, 50 kept at 2000, 55.55 % of 900; {world.check_end()}"


@scenario(
    fault="Every field of the reply is null, or of a type that is none of its own",
    must="It is an error with a name or nothing at all; no number changes, no job ends",
)
def test_fields_of_the_wrong_type(world: FaultWorld) -> str:
    world.add("nulls", "texts", moved=0.3)
    with world.polling():
        world.settled()
        whole = entry(world.copy("nulls").key)
        nulls = dict.fromkeys(whole) | {"job_id": world.copy("nulls").key}
        texts = dict.fromkeys(whole, "completed") | {"job_id": world.copy("texts").key}
        for job, body in (("nulls", nulls), ("texts", texts)):
            world.vma.answers[world.copy(job).key] = (200, json.dumps(body).encode(), {})
        asked = world.vma.asked.copy()
        keys = [copy.key for job in world.copies for copy in world.copies[job]]
        until(lambda: all(world.vma.asked[key] >= asked[key] + 3 for key in keys), "three more polls of each")
        assert [world.oma.job(job)["bytes_transferred"] for job in world.copies] == [300, 300]
        assert world.untouched()
        world.vma.answers.clear()
        world.end_all()
        world.wait_for_end()
    return f"both rows kept their 300 bytes; then {world.check_end()}"
