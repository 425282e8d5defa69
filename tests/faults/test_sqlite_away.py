"""An SQLite file that is locked, on a full disk, or cannot be written."""

import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from database_outage import JOBS, end_half, finish, polls_go_on
from fault_scenario import SQLITE, scenario
from fault_world import FaultWorld
from oma_database import OmaDatabase
from patience import until

from oma_poller.database.address import DatabaseAddress, Engine

_BLOCK = b"\0" * 4096


@scenario(
    fault="Another program holds the SQLite file (BEGIN EXCLUSIVE) for longer than a statement waits",
    must="Polling goes on; all is written once it is let go",
    engines=(SQLITE,),
)
def test_a_file_that_is_locked(world: FaultWorld) -> str:
    world.add(*JOBS)
    with world.polling():
        world.settled()
        with closing(sqlite3.connect(world.oma.address.name, isolation_level=None)) as holder:
            until(lambda: _begins(holder), "the lock")
            end_half(world)
            until(world.warnings, "the outage told")
            polls_go_on(world)
            holder.execute("ROLLBACK")
        return finish(world)


def _begins(holder: sqlite3.Connection) -> bool:
    with suppress(sqlite3.OperationalError):
        holder.execute("BEGIN EXCLUSIVE")
        return True
    return False


@contextmanager
def small_disk(world: FaultWorld) -> Iterator["SmallDisk | FileLimit"]:
    """Put the OMA's file on a disk of 4 MiB of its own; yield what fills that disk, and frees it.

    Where this user may not mount one, the poller's files may not grow instead.
    """
    folder = world.folder / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    file = folder / "oma.db"
    shutil.copyfile(world.oma.address.name, file)
    world.oma = OmaDatabase(DatabaseAddress(Engine.SQLITE, str(file)))
    try:
        yield SmallDisk(folder / "filler") if mounted else FileLimit(world)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


class SmallDisk:
    """A disk that a file fills."""

    def __init__(self, filler: Path) -> None:
        self._filler = filler

    def fill(self) -> None:
        """Leave not one block."""
        with self._filler.open("wb", buffering=0) as stream, suppress(OSError):
            while True:
                stream.write(_BLOCK)

    def free(self) -> None:
        """Remove the file."""
        self._filler.unlink()


class FileLimit:
    """A limit to the size of the files that the poller writes."""

    def __init__(self, world: FaultWorld) -> None:
        self._world = world

    def fill(self) -> None:
        """Let no byte be written."""
        self._limit(0)

    def free(self) -> None:
        """Lift the limit."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, soft: int) -> None:
        pid = self._world.poller.process.pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))


@scenario(
    fault="The disk of the SQLite file is full",
    must="Polling goes on; all is written when there is room; the file is sound",
    engines=(SQLITE,),
)
def test_a_disk_that_is_full(world: FaultWorld) -> str:
    with small_disk(world) as disk:
        world.add(*JOBS)
        with world.polling():
            world.settled()
            disk.fill()
            end_half(world)
            until(world.warnings, "the outage told")
            polls_go_on(world)
            assert world.untouched()
            disk.free()
            seen = finish(world)
        assert world.oma.execute("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    return f"{seen}; the file is sound"


@scenario(
    fault="The SQLite file is gone for some seconds (moved away and back), with the jobs going on",
    must="The program does not make an empty one in its place; all is written when it is back",
    engines=(SQLITE,),
)
def test_a_file_that_is_gone_for_a_while(world: FaultWorld) -> str:
    world.add(*JOBS)
    path = world.oma.address.path
    with world.polling():
        world.settled()
        path.rename(path.with_suffix(".away"))
        end_half(world)
        polls_go_on(world)
        world.intervals(5)
        assert not path.exists()
        path.with_suffix(".away").rename(path)
        world.wait_for_end(*JOBS[:10])
        world.end_all()
        world.wait_for_end()
        calm = world.calm()
    return f"no file was made; {world.check_end()}; {calm}"
