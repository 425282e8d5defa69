"""More jobs than polls may be in flight, and very many that come and go at once."""

from fault_scenario import BOTH, scenario
from fault_world import INTERVAL_S, MAX_CONCURRENT, FaultWorld
from patience import until

MANY = 1000


@scenario(
    fault="An 11th job with VMA_PROGRESS_MAX_CONCURRENT=10, on a VMA that takes 0.5 intervals to answer",
    must="All are watched and served in turn; never more than 10 polls in flight, never two of one job",
)
def test_an_eleventh_job(world: FaultWorld) -> str:
    world.add(*(f"job-{number:02}" for number in range(11)))
    world.vma.delay_s = 0.5 * INTERVAL_S
    with world.polling():
        world.settled()
        before = world.vma.asked.copy()
        world.intervals(10)
        each = [world.vma.asked[key] - before[key] for key in world.vma.copies]
        assert min(each) >= 6, each
        assert world.vma.most_in_flight <= MAX_CONCURRENT
        assert world.vma.most_of_one_key == 1
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"6 or more polls of each in 10 intervals, at most 10 in flight; {world.check_end()}; {calm}"


@scenario(
    fault="1,000 jobs appear at once; then all vanish at once, half of them cancelled and half deleted",
    must="All are watched; nothing is held of them afterwards; memory, threads and files stay bounded",
    engines=BOTH,
)
def test_a_thousand_jobs_that_come_and_go(world: FaultWorld) -> str:
    world.add("stays")
    many = [f"job-{number:04}" for number in range(MANY)]
    with world.polling(VMA_PROGRESS_POLL_INTERVAL="2s"):
        world.settled()
        world.add(*many)
        world.wait_for_numbers(*many)
        for job in many[::2]:
            world.truth.may_end(job, "cancelled")
        world.oma.execute(
            "UPDATE replication_jobs SET status = 'cancelled' WHERE id LIKE 'job-___0' OR id LIKE 'job-___2'"
            " OR id LIKE 'job-___4' OR id LIKE 'job-___6' OR id LIKE 'job-___8'"
        )
        world.oma.execute("DELETE FROM replication_jobs WHERE id LIKE 'job-%' AND status <> 'cancelled'")
        until(
            lambda: sum(line.get("jobs", 1) for line in world.poller.said("jobs left")) == MANY,
            "all jobs dropped",
        )
        asked = {job: world.vma.asked[world.copy(job).key] for job in many}
        key = world.copy("stays").key
        stays = world.vma.asked[key]
        until(lambda: world.vma.asked[key] >= stays + 2, "two polls of the job that stays")
        late = sum(world.vma.asked[world.copy(job).key] - asked[job] for job in many)
        assert late <= MAX_CONCURRENT, late
        assert len(world.poller.lines) < MANY + 40
        world.copy("stays").ends()
        world.wait_for_end("stays")
        calm = world.calm()
    end = world.check_end("stays")
    return f"all had numbers; at most 10 requests afterwards; one log line a job; {end}; {calm}"
