"""A MariaDB server that answers, but refuses: read-only, full of connections, another password."""

from contextlib import ExitStack, suppress

import pymysql
from database_outage import JOBS, end_half, finish, polls_go_on, told_once
from fault_scenario import MARIADB, scenario
from fault_world import FaultWorld
from patience import until

FEW_CONNECTIONS = 12


@scenario(
    fault="The database becomes read-only while 20 jobs end",
    must="Polling goes on; every end is written when it is writable again",
    engines=(MARIADB,),
)
def test_a_database_that_is_read_only(world: FaultWorld) -> str:
    world.add(*JOBS)
    server = world.server.server
    with world.polling():
        world.settled()
        server.query("SET GLOBAL read_only = 1")
        end_half(world)
        until(world.warnings, "the outage told")
        polls_go_on(world)
        assert world.untouched()
        server.query("SET GLOBAL read_only = 0")
        return finish(world)


def take_all_connections(world: FaultWorld, held: ExitStack) -> None:
    """Take every connection the server has to give, the poller's too."""
    server, user = world.server.server, world.server.user

    def hog() -> None:
        with suppress(pymysql.MySQLError):
            while True:
                link = pymysql.connect(host="127.0.0.1", port=server.port, user="hog", password="hog")  # noqa: S106  # of a server that lives for one test run
                held.enter_context(link)

    def taken() -> bool:
        with suppress(
            pymysql.MySQLError
        ):  # of the one connection that is left for us, while it is not free yet
            for number in server.connections_of(user):
                server.query(f"KILL {number}")
                hog()
            return not server.connections_of(user)
        return False

    until(taken, "all connections taken")


@scenario(
    fault="max_connections is reached, and the poller's own connections are cut",
    must="Polling goes on; all is written when there is room",
    engines=(MARIADB,),
)
def test_a_server_without_free_connections(world: FaultWorld) -> str:
    world.add(*JOBS)
    server = world.server.server
    server.query("CREATE USER IF NOT EXISTS 'hog'@'%' IDENTIFIED BY 'hog'")
    with world.polling():
        world.settled()
        server.query(f"SET GLOBAL max_connections = {FEW_CONNECTIONS}")
        with ExitStack() as held:
            take_all_connections(world, held)
            end_half(world)
            until(lambda: len(world.warnings()) >= 2, "the outage told")
            polls_go_on(world)
        return finish(world)


@scenario(
    fault="The password is changed: connections are cut, OMA_DATABASE_PASSWORD_FILE is rewritten later",
    must="Polling goes on; the new password is read and all is written, without a restart",
    engines=(MARIADB,),
)
def test_a_password_that_is_changed(world: FaultWorld) -> str:
    world.add(*JOBS)
    server, user = world.server.server, world.server.user
    file = world.folder / "password"
    file.write_text(world.server.password + "\n", "utf-8")
    world.server.password = ""
    with world.polling(OMA_DATABASE_PASSWORD_FILE=str(file)):
        world.settled()
        server.query(f"ALTER USER '{user}'@'%' IDENTIFIED BY 'second'")
        for number in server.connections_of(user):
            server.query(f"KILL {number}")
        end_half(world)
        until(lambda: len(world.warnings()) >= 2, "the outage told")
        polls_go_on(world)
        file.write_text("second\n", "utf-8")
        return finish(world)


@scenario(
    fault="All connections of the poller are killed by an administrator, ten times",
    must="It connects again; nothing is lost",
    engines=(MARIADB,),
)
def test_connections_that_are_killed(world: FaultWorld) -> str:
    world.add(*JOBS)
    server, user = world.server.server, world.server.user
    with world.polling():
        world.settled()
        world.end_all(takes_s=2)
        for _ in range(10):
            numbers = until(lambda: server.connections_of(user), "a connection of the poller")
            for number in numbers:
                with suppress(pymysql.MySQLError):
                    server.query(f"KILL {number}")
        world.wait_for_end()
        calm = world.calm()
    return f"{world.check_end()}; {calm}"


@scenario(
    fault="The server restarts in order while 20 jobs end",
    must="The outage is told once at its begin and once at its end; nothing is lost",
    engines=(MARIADB,),
)
def test_a_server_that_restarts(world: FaultWorld) -> str:
    world.add(*JOBS)
    with world.polling():
        world.settled()
        world.end_all(takes_s=1)
        world.server.server.shut_down()
        until(lambda: len(world.warnings()) >= 2, "the outage told")
        world.server.server.start_again()
        world.wait_for_end()
        told_once(world)
        calm = world.calm()
    return f"{world.check_end()}; at most 4 warnings; {calm}"
