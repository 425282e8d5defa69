"""Twenty jobs through an outage of the database: half of them end meanwhile, the others go on."""

from fault_world import FaultWorld
from patience import until

ENDING = [f"job-{number:02}" for number in range(10)]
STAYING = [f"job-{number:02}" for number in range(10, 20)]
JOBS = ENDING + STAYING


def end_half(world: FaultWorld, takes_s: float = 0.5) -> None:
    """Let half of the jobs move to their end, and the others a little further."""
    for job in ENDING:
        world.copy(job).moves(takes_s)
    for job in STAYING:
        world.copy(job).stands_at(400)


def polls_go_on(world: FaultWorld) -> None:
    """Wait until the copies that end have ended, and every other job was asked some times more.

    The pauses between attempts to write double, so this is long enough for one to fail with the ends in it.
    """
    until(lambda: all(world.copy(job).moved_bytes == 1000 for job in ENDING), "the end of half of the copies")
    keys = [world.copy(job).key for job in STAYING]
    before = world.vma.asked.copy()
    until(lambda: all(world.vma.asked[key] >= before[key] + 8 for key in keys), "eight polls of every job")


def told_once(world: FaultWorld) -> None:
    """Check that the outage was told at its begin and at its end, a line for reading and one for writing."""
    until(lambda: world.poller.said("database for writing back"), "the end of the outage told")
    assert len(world.warnings()) <= 4, world.warnings()


def finish(world: FaultWorld) -> str:
    """Wait for the end of half of the jobs, then of all; return what was seen of it."""
    world.wait_for_end(*ENDING)
    world.end_all()
    world.wait_for_end()
    told_once(world)
    calm = world.calm()
    return f"polls went on; {world.check_end()}; at most 4 warnings; {calm}"
