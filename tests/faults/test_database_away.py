"""A MariaDB server that is killed, away, frozen, narrowed, or locks us out."""

import re
from time import monotonic

import pymysql
from database_outage import ENDING, JOBS, end_half, finish, polls_go_on
from fault_scenario import MARIADB, scenario
from fault_world import FaultWorld
from mariadb_server import MariadbServer
from patience import until


@scenario(
    fault="kill -9 of the database server while 20 jobs are written; half of them end before it is back",
    must="Polling goes on; every end is written afterwards, none is lost, none is changed",
    engines=(MARIADB,),
)
def test_a_database_server_that_is_killed(world: FaultWorld) -> str:
    world.add(*JOBS)
    with world.polling():
        world.settled()
        end_half(world, takes_s=1.5)
        world.intervals(2)  # writes are under way
        world.server.server.kill()
        polls_go_on(world)
        world.server.server.start_again()
        return finish(world)


@scenario(
    fault="The database is away for 60 poll intervals of 100 ms, half of 20 jobs end meanwhile",
    must="Polling goes on; one result a job is kept; all is written on reconnection",
    engines=(MARIADB,),
)
def test_a_database_that_is_away_for_sixty_intervals(world: FaultWorld) -> str:
    world.add(*JOBS)
    with world.polling(VMA_PROGRESS_POLL_INTERVAL="100ms"):
        world.settled()
        world.server.server.shut_down()
        end_half(world, takes_s=4)
        world.intervals(30)  # of 200 ms, so sixty of the poller's
        polls_go_on(world)
        world.server.server.start_again()
        return finish(world)


@scenario(
    fault="The database server is frozen (SIGSTOP): it takes connections and answers nothing",
    must="Polling goes on; all is written when it goes on",
    engines=(MARIADB,),
)
def test_a_database_that_hangs(world: FaultWorld) -> str:
    world.add(*JOBS)
    with world.polling():
        world.settled()
        world.server.server.freeze()
        try:
            end_half(world)
            polls_go_on(world)
            until(lambda: len(world.warnings()) >= 2, "the outage told, of reading and of writing")
        finally:
            world.server.server.thaw()
        return finish(world)


@scenario(
    fault="SIGTERM while the database server is frozen",
    must="The program ends in bounded time, says how much was not written, with exit 1",
    engines=(MARIADB,),
)
def test_an_end_while_the_database_hangs(world: FaultWorld) -> str:
    world.add(*JOBS)
    with world.process():
        world.settled()
        world.server.server.freeze()
        try:
            end_half(world)
            polls_go_on(world)
            began_s = monotonic()
            assert world.poller.stop() == 1, world.poller.output[-20:]
            took_s = monotonic() - began_s
        finally:
            world.server.server.thaw()
    assert took_s < 20, took_s
    assert world.untouched()
    told = [line for line in world.poller.output if "stopped with unwritten rows" in line]
    assert len(told) == 1, told
    assert re.search(r'"ends": ?[1-9]', told[0]), told
    return "exit 1 within 20 s, with the number of rows and ends in one line"


@scenario(
    fault="Another program holds the lock of a job's row for 3 s, longer than a statement waits",
    must="Polling goes on; the rows are written once the lock is gone",
    engines=(MARIADB,),
)
def test_a_row_that_another_program_holds(world: FaultWorld) -> str:
    world.add(*JOBS)
    with world.polling():
        world.settled()
        holder = pymysql.connect(
            unix_socket=world.server.server.unix_socket, user="root", database=world.server.name
        )
        with holder, holder.cursor() as cursor:
            cursor.execute("SELECT id FROM replication_jobs WHERE id = 'job-05' FOR UPDATE")
            end_half(world)
            world.intervals(15)
            polls_go_on(world)
            holder.rollback()
        world.wait_for_end(*ENDING)
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
        assert len(world.warnings()) <= 4, world.warnings()
    return f"polls went on; {world.check_end()}; at most 4 warnings; {calm}"


def row_lock_waits(server: MariadbServer) -> int:
    """Return how often anybody has had to wait for a row."""
    return int(str(server.query("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'")[0][1]))


@scenario(
    fault="Deadlocks: another program updates the jobs in the opposite order, and the poller is the victim",
    must="Tried again; nothing is lost, nothing is written twice",
    engines=(MARIADB,),
)
def test_deadlocks(world: FaultWorld) -> str:
    world.add(*JOBS)
    server = world.server.server
    with world.polling():
        world.settled()
        other = pymysql.connect(unix_socket=server.unix_socket, user="root", database=world.server.name)
        with other, other.cursor() as cursor:
            # Whose transaction has changed less is the victim, so this one changes more.
            rows = ", ".join(f"('v', 'e-{number}')" for number in range(500))
            cursor.execute(f"INSERT INTO nbd_exports (volume_id, export_name) VALUES {rows}")  # noqa: S608  # the test's own
            # While a flush waits for the first row, all gathers for the next, which waits for the last.
            cursor.execute("UPDATE replication_jobs SET target_device = 'x' WHERE id = 'job-00'")
            waited = row_lock_waits(server)
            world.copy("job-00").stands_at(600)
            until(lambda: row_lock_waits(server) > waited, "the poller waiting for the first row")
            cursor.execute("UPDATE replication_jobs SET target_device = 'x' WHERE id = 'job-19'")
            for job in JOBS:
                world.copy(job).stands_at(600)
            until(lambda: row_lock_waits(server) > waited + 1, "the poller waiting for the last row")
            cursor.execute("UPDATE replication_jobs SET target_device = 'x' WHERE id < 'job-19'")
            other.commit()
        found = int(str(server.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1]))
        assert found >= 1, found
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"1 deadlock or more, by the server's own count; {world.check_end()}; {calm}"
