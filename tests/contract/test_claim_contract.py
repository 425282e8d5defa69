"""What every claim does, in memory and on each engine; and what of it is an engine's own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from mariadb_server import MariadbServer
from oma_database import OmaDatabase
from oma_rows import ACTIVE

from oma_poller.database.address import DatabaseAddress, Engine
from oma_poller.database.claim import MysqlClaim, SqliteClaim, claim_on, lock_name
from oma_poller.database.memory import MemoryJobSource, MemoryOma
from oma_poller.database.memory_claim import MemoryClaim
from oma_poller.database.source import SqlJobSource
from oma_poller.engine.claimed import ClaimedSink, ClaimedSource
from oma_poller.engine.ports import Claim, Flushed, JobSource
from oma_poller.errors import DatabaseUnavailableError, RivalError

MakeClaim = Callable[[], Claim]
MARIADB = pytest.param("mariadb", marks=pytest.mark.mariadb)


def _address(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseAddress:
    if request.param == "sqlite":
        return DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))
    address = request.getfixturevalue("mariadb_address")
    assert isinstance(address, DatabaseAddress)
    return address


@pytest.fixture(params=["memory", "sqlite", MARIADB])
def claims(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeClaim]:
    """Return what makes claims on one OMA; all of them are given up at the end."""
    made: list[Claim] = []
    memory = MemoryOma()
    address = None if request.param == "memory" else _address(request, tmp_path)
    if address is not None:
        OmaDatabase(address).create()

    def make() -> Claim:
        made.append(MemoryClaim(memory) if address is None else claim_on(address))
        return made[-1]

    yield make
    for claim in made:
        claim.close()


@pytest.fixture
def database(mariadb_address: DatabaseAddress) -> OmaDatabase:
    """Return an OMA's database on MariaDB."""
    return OmaDatabase(mariadb_address).create()


@pytest.fixture
def file(tmp_path: Path) -> OmaDatabase:
    """Return an OMA's database in a file."""
    return OmaDatabase(DatabaseAddress(Engine.SQLITE, str(tmp_path / "oma.db"))).create()


def test_the_second_is_kept_out_until_the_first_gives_it_up(claims: MakeClaim) -> None:
    first, second = claims(), claims()
    for _ in range(3):
        first.hold()
        with pytest.raises(RivalError, match="another poller is at work"):
            second.hold()
    first.close()
    second.hold()
    with pytest.raises(RivalError):
        first.hold()
    first.close()
    second.hold()


def test_one_claim_is_held_on_two_threads(claims: MakeClaim) -> None:
    claim, failures = claims(), []

    def hold() -> None:
        try:
            for _ in range(20):
                claim.hold()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test fails with it
            failures.append(error)

    threads = [Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_claim_may_be_closed_twice_and_held_again(claims: MakeClaim) -> None:
    claim = claims()
    claim.close()
    claim.hold()
    claim.close()
    claim.close()
    claim.hold()
    rival = claims()
    with pytest.raises(RivalError):
        rival.hold()
    claim.close()
    rival.hold()


def test_nothing_is_read_or_written_without_the_claim() -> None:
    oma = MemoryOma()
    oma.add_job("job-1")
    ours, theirs = MemoryClaim(oma), MemoryClaim(oma)
    source: JobSource = ClaimedSource(MemoryJobSource(oma, ACTIVE), ours)
    written: list[object] = []

    class Sink:
        def write(self, updates: object, heartbeat_ids: object = (), memories: object = ()) -> Flushed:
            written.append((updates, heartbeat_ids, memories))
            return Flushed()

        def close(self) -> None:
            written.append("closed")

    sink = ClaimedSink(Sink(), ours)
    assert source.active() == {"job-1"}
    sink.write([], ["job-1"])
    ours.close()
    theirs.hold()
    with pytest.raises(RivalError):
        source.active()
    with pytest.raises(RivalError):
        sink.write([], ["job-1"])
    sink.close()
    source.close()
    assert written == [([], ["job-1"], ()), "closed"]


@pytest.mark.mariadb
def test_a_lock_whose_connection_was_killed_is_taken_again_at_once(database: OmaDatabase) -> None:
    claim, other = MysqlClaim(database.address), MysqlClaim(database.address)
    claim.hold()
    kill_holder(database)
    claim.hold()
    with pytest.raises(RivalError, match=r"from 127\.0\.0\.1"):
        other.hold()
    claim.close()
    other.close()


@pytest.mark.mariadb
def test_a_lock_that_another_took_meanwhile_is_lost(database: OmaDatabase) -> None:
    claim, other = MysqlClaim(database.address), MysqlClaim(database.address)
    claim.hold()
    kill_holder(database)
    other.hold()
    with pytest.raises(RivalError):
        claim.hold()
    other.close()
    claim.hold()
    claim.close()


@pytest.mark.mariadb
def test_holding_it_for_long_leaves_nothing_to_be_let_go_of(database: OmaDatabase) -> None:
    claim = MysqlClaim(database.address)
    for _ in range(5):
        claim.hold()
    assert claim._connection is not None
    cursor = claim._connection.cursor()
    cursor.execute("SELECT RELEASE_LOCK(%s)", (lock_name(database.address.name),))
    cursor.execute("SELECT IS_FREE_LOCK(%s)", (lock_name(database.address.name),))
    assert cursor.fetchone() == (1,)
    claim.close()


@pytest.mark.mariadb
def test_the_server_forgets_a_poller_that_it_does_not_hear_of(database: OmaDatabase) -> None:
    silent, other = MysqlClaim(database.address, idle_s=1), MysqlClaim(database.address)
    silent.hold()
    assert database.execute("SELECT IS_FREE_LOCK(?) AS free", [lock_name(database.address.name)]) == [
        {"free": 0}
    ]
    wait = f"SELECT GET_LOCK('{lock_name(database.address.name)}', 20) AS got"
    assert database.execute(wait) == [{"got": 1}]  # the server's own waiting; the connection then closes
    other.hold()
    with pytest.raises(RivalError):
        silent.hold()
    other.close()
    silent.close()


@pytest.mark.mariadb
def test_two_databases_of_one_server_do_not_keep_each_other_out(mariadb_server: MariadbServer) -> None:
    names = [mariadb_server.create_database() for _ in range(2)]
    claims = [MysqlClaim(mariadb_server.address(name)) for name in names]
    for claim in claims:
        claim.hold()
    rival = MysqlClaim(mariadb_server.address(names[0]))
    with pytest.raises(RivalError):
        rival.hold()
    rival.close()
    for claim, name in zip(claims, names, strict=True):
        claim.close()
        mariadb_server.drop_database(name)


def test_the_name_of_a_lock_fits_whatever_the_database_is_called() -> None:
    names = {lock_name("oma"), lock_name("x" * 53), lock_name("x" * 63 + "y"), lock_name("x" * 64)}
    assert "oma_poller.oma" in names
    assert len(names) == 4
    assert max(map(len, names)) <= 64


def test_a_server_that_does_not_answer_is_away_and_not_lost() -> None:
    nowhere = DatabaseAddress(Engine.MYSQL, "oma", host="127.0.0.1", port=1, user="u")
    with pytest.raises(DatabaseUnavailableError) as raised:
        claim_on(nowhere).hold()
    assert not isinstance(raised.value, RivalError)


@pytest.mark.mariadb
def test_a_server_that_gives_no_locks_is_told_of_once_and_used_without(
    database: OmaDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("oma_poller.database.claim._HOLD", "SELECT NO_SUCH_FUNCTION(%s, %s)")
    claim = MysqlClaim(database.address)
    for _ in range(3):
        claim.hold()
    claim.close()
    assert "".join(capsys.readouterr()).count("a second poller would not be noticed") == 1


def test_every_way_to_a_file_leads_to_one_claim(file: OmaDatabase, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(file.address.path)
    first, second = SqliteClaim(file.address), SqliteClaim(DatabaseAddress(Engine.SQLITE, str(link)))
    first.hold()
    with pytest.raises(RivalError, match=f"process {os.getpid()}"):
        second.hold()
    first.close()
    second.close()


def test_a_lock_file_that_was_deleted_is_made_anew(file: OmaDatabase) -> None:
    first, second = SqliteClaim(file.address), SqliteClaim(file.address)
    first.hold()
    lock = file.address.path.with_name("oma.db.poller-lock")
    lock.unlink()
    first.hold()
    assert lock.exists()
    with pytest.raises(RivalError):
        second.hold()
    lock.unlink()
    second.hold()
    with pytest.raises(RivalError):
        first.hold()
    first.close()
    second.close()


def test_a_database_that_is_made_anew_has_the_claim_that_the_one_before_it_had(file: OmaDatabase) -> None:
    first, second = SqliteClaim(file.address), SqliteClaim(file.address)
    first.hold()
    content = file.address.path.read_bytes()
    file.address.path.unlink()
    first.hold()
    file.address.path.write_bytes(content)
    first.hold()
    with pytest.raises(RivalError):
        second.hold()
    first.close()
    second.hold()
    second.close()


def test_where_there_is_no_database_no_file_is_made(tmp_path: Path) -> None:
    claim_on(DatabaseAddress(Engine.SQLITE, str(tmp_path / "absent.db"))).hold()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_lock_file_is_told_of_once_and_used_without(
    file: OmaDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    file.address.path.with_name("oma.db.poller-lock").mkdir()  # root may write to every folder
    claim = SqliteClaim(file.address)
    for _ in range(3):
        claim.hold()
    claim.close()
    assert "".join(capsys.readouterr()).count("a second poller would not be noticed") == 1


def test_the_source_of_a_claim_reads_as_any_other(file: OmaDatabase) -> None:
    file.add_job("job-1", "v-1")
    claim = claim_on(file.address)
    source = ClaimedSource(SqlJobSource(file.address, ACTIVE), claim)
    assert source.active() == {"job-1"}
    assert [disk.volume_id for job in source.details(["job-1"]) for disk in job.disks] == ["v-1"]
    source.close()
    claim.close()


def kill_holder(database: OmaDatabase) -> None:
    """Kill the connection that has the lock, and wait until it is free."""
    name = lock_name(database.address.name)
    (row,) = database.execute("SELECT IS_USED_LOCK(?) AS holder", [name])
    database.execute(f"KILL {row['holder']}")
    assert database.execute(f"SELECT GET_LOCK('{name}', 20) AS got") == [{"got": 1}]
