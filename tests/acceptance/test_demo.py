"""The demonstration ends by itself, with every image identical and every row complete."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from patience import until
from poller_process import environment, oma_poller

from oma_poller.demo.nbd_server import nbd_programs


@pytest.mark.parametrize("over_nbd", [pytest.param(True, marks=pytest.mark.nbd), False])
def test_the_demo_copies_watches_and_proves_it(tmp_path: Path, *, over_nbd: bool) -> None:
    if over_nbd and not all(nbd_programs()):
        pytest.skip("no NBD programs: nbdkit or qemu-nbd, and nbdcopy or qemu-img, are not installed")
    folder = tmp_path / "demo"
    path = {} if over_nbd else {"PATH": str(tmp_path)}  # a machine without any of the programs
    ended = oma_poller("demo", "--folder", str(folder), "--json", cwd=tmp_path, settings=path)
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    assert told["over_nbd"] is over_nbd
    assert [job["status"] for job in told["jobs"]] == ["completed"] * 3
    assert all(job["bytes_transferred"] == job["total_bytes"] > 2**20 for job in told["jobs"])
    assert len(told["findings"]) == 6
    assert all(finding["good"] for finding in told["findings"])
    log = (folder / "logs" / "poller.log").read_text()
    assert "run changed" in log  # the killed copier's second run was seen as one
    assert "Traceback" not in log


def test_the_demo_says_what_it_shows_and_where_to_look_next(tmp_path: Path) -> None:
    ended = oma_poller("demo", cwd=tmp_path, settings={"TMPDIR": str(tmp_path)})
    assert ended.returncode == 0, ended
    assert "was killed (kill -9)" in ended.stdout
    assert "was started again" in ended.stdout
    assert "The page: open it now, http://127.0.0.1:" in ended.stdout
    assert "it is gone when the demo ends, --keep serves it on" in ended.stdout
    assert ended.stdout.count("ok     ") == 6
    (database,) = tmp_path.glob("oma-poller-demo-*/oma-poller.db")
    assert f"OMA_DATABASE_URL=sqlite:///{database}" in ended.stdout
    shown = oma_poller(
        "status", "--all", cwd=tmp_path, settings={"OMA_DATABASE_URL": f"sqlite:///{database}"}
    )
    assert shown.stdout.count("100.00 %") == 3


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    ended = oma_poller("demo", "--folder", str(tmp_path), cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == [
        f"oma-poller: --folder {tmp_path} is not empty: allowed is an empty or new folder"
    ]


def test_a_demo_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "oma_poller", "demo", "--folder", str(folder), "--json"]
    with subprocess.Popen(command, env=environment({}), stdout=subprocess.DEVNULL) as demo:
        until((folder / "logs" / "poller.log").exists, "the poller of the demo")
        children = until(lambda: children_of(demo.pid), "its processes")
        assert all(map(is_alive, children))
        demo.kill()
    until(lambda: not any(map(is_alive, children)), f"the end of {children}")


def children_of(parent: int) -> list[int]:
    told = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(child) for child in told.split()]


def is_alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
