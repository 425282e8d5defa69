"""Several VMAs, one of which is dead or hangs: the jobs of the others notice nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from fault_scenario import scenario
from fault_world import INTERVAL_S, FaultWorld
from faulty_vma import FaultyVma
from patience import until

BAD, GOOD = [f"bad-{number}" for number in range(12)], [f"good-{number}" for number in range(10)]


@contextmanager
def second_vma(world: FaultWorld) -> Iterator[FaultyVma]:
    """Serve a VMA of its own to the jobs `bad-…`, which belong to another vCenter."""
    world.add(*GOOD, vcenter_host="vc-a.example")
    world.add(*BAD, vcenter_host="vc-b.example")
    other = FaultyVma()
    other.come_up()
    for job in BAD:
        copy = world.copy(job)
        other.copies[copy.key] = world.vma.copies.pop(copy.key)
    table = f'[[vma]]\nname = "b"\nurl = "{other.url}"\nmatch = {{ vcenter_host = "vc-b.*" }}\n'
    (world.folder / "oma-poller.toml").write_text(table, "utf-8")
    try:
        yield other
    finally:
        other.close()


def polls_of_good(world: FaultWorld, intervals: int) -> list[int]:
    """Return how often each good job was asked in so many intervals."""
    keys = [world.copy(job).key for job in GOOD]
    before = world.vma.asked.copy()
    world.intervals(intervals)
    return [world.vma.asked[key] - before[key] for key in keys]


def check_and_finish(world: FaultWorld) -> str:
    """Check that the good jobs were polled at their pace, then let them end while the other VMA is away."""
    polls = polls_of_good(world, 10)
    assert min(polls) >= 8, polls
    for job in GOOD:
        world.copy(job).moves(2 * INTERVAL_S)
    world.wait_for_end(*GOOD)
    assert all(world.oma.job(job)["status"] == "replicating" for job in BAD)
    return f"8 or more polls of each job in 10 intervals; {world.check_end(*GOOD)}"


@scenario(
    fault="Two VMAs, one of them dead, with more jobs than polls may be in flight",
    must="The jobs of the other are polled at their pace and end; those of the dead one go on later",
)
def test_a_dead_vma_beside_a_good_one(world: FaultWorld) -> str:
    with second_vma(world) as other, world.polling():
        world.settled()
        other.go_down()
        until(
            lambda: all(world.observation(job) in {"blind", "parked"} for job in BAD), "the bad jobs unseen"
        )
        seen = check_and_finish(world)
        other.come_up()
        world.end_all()
        world.wait_for_end()
    return f"{seen} while the other was dead; then {world.check_end()}"


@scenario(
    fault="Two VMAs, one of them hangs, with more jobs than polls may be in flight and a long time-out",
    must="The jobs of the other are polled at their pace and end, from the first moment on",
)
def test_a_hanging_vma_beside_a_good_one(world: FaultWorld) -> str:
    with second_vma(world) as other, world.polling(VMA_PROGRESS_HTTP_TIMEOUT="2s"):
        world.settled()
        other.hold = Event()
        seen = check_and_finish(world)
        other.hold.set()
        other.hold = None
        world.end_all()
        world.wait_for_end()
    return f"{seen} while the other hung; then {world.check_end()}"
