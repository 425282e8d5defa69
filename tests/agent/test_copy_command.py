"""`oma-poller vma copy` from outside, with the tool of our own: it runs on any machine."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from copier_process import child_of, copy_disk, events, is_gone, running_copier
from nbd_exports import MIB, make_disk
from patience import PATIENCE_S, until
from progress_receiver import ProgressReceiver, progress_receiver

from oma_poller.cli.vma_copy import copy
from oma_poller.errors import UsageError

GIB = 1024 * MIB
KEY = "migration-vol-c290646c-41ba-4d50-a31f-f497320ca0bd"
BUILTIN = ("--tool", "builtin")


@pytest.fixture
def vma() -> Iterator[ProgressReceiver]:
    """Return a VMA that takes reports."""
    with progress_receiver() as receiver:
        yield receiver


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a disk of 20 GiB with 8 MiB of data at two places."""
    return make_disk(tmp_path / "source.raw", 20 * GIB, {5 * GIB: 3 * MIB, 19 * GIB: 5 * MIB})


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return where to copy to; what lies there is longer than nothing and not zero."""
    path = tmp_path / "target.raw"
    path.write_bytes(b"old" * 1000)
    return path


def same_data(one: Path, other: Path) -> bool:
    """Whether two sparse disks are equal, read only where they have data."""
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        for at in (0, 5 * GIB - MIB, 19 * GIB - MIB):
            left.seek(at)
            right.seek(at)
            if left.read(8 * MIB) != right.read(8 * MIB):
                return False
    return True


def test_a_raw_file_is_copied_sparse_and_reported(vma: ProgressReceiver, source: Path, target: Path) -> None:
    end = copy_disk(source, target, "--key", KEY, "--vma", vma.url, "--rate", "4M", *BUILTIN)
    assert (end.returncode, end.stderr) == (0, "")
    assert same_data(source, target)
    assert target.stat().st_blocks * 512 <= 9 * MIB
    reports = vma.reports(KEY)
    done = [report["bytes_transferred"] for report in reports]
    assert done == sorted(done)
    assert len(set(done)) > 2
    assert {report["total_bytes"] for report in reports if report["stage"] == "Transfer"} == {8 * MIB}
    assert all(report["percent"] < 100 for report in reports[:-1] if "percent" in report)
    last = reports[-1]
    assert (last["status"], last["percent"], last["bytes_transferred"]) == ("completed", 100, 8 * MIB)
    assert len({report["run_id"] for report in reports}) == 1
    assert f"{KEY}: 8.00 MiB of data in a disk of 20.00 GiB, copied by builtin" in end.stdout
    assert end.stdout.endswith(f"{KEY}: completed, 8.00 MiB\n")


def test_each_run_has_an_id_of_its_own(vma: ProgressReceiver, source: Path, target: Path) -> None:
    for _ in range(2):
        assert copy_disk(source, target, "--key", KEY, "--vma", vma.url, *BUILTIN).returncode == 0
    assert len({report["run_id"] for report in vma.reports()}) == 2


def test_json_lines_tell_a_program_everything(vma: ProgressReceiver, source: Path, target: Path) -> None:
    end = copy_disk(source, target, "--key", KEY, "--vma", vma.url, "--json", *BUILTIN)
    told = events(end.stdout)
    prepared = next(event for event in told if event["event"] == "prepared")
    assert (prepared["tool"], prepared["size_bytes"], prepared["total_bytes"]) == (
        "builtin",
        20 * GIB,
        8 * MIB,
    )
    assert (prepared["key"], prepared["format"], prepared["source"]) == (KEY, "raw", str(source))
    assert (told[-1]["event"], told[-1]["status"], told[-1]["percent"]) == ("report", "completed", 100)


def test_a_terminal_shows_a_bar(vma: ProgressReceiver, source: Path, target: Path) -> None:
    asked = [source, target, "--key", KEY, "--vma", vma.url, "--rate", "16M", *BUILTIN]
    command = [sys.executable, "-m", "oma_poller", "vma", "copy", *map(str, asked)]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=theirs) as process:
        os.close(theirs)
        shown = read_terminal(ours)
    assert process.returncode == 0
    assert "8.00 MiB of data in a disk of 20.00 GiB" in " ".join(shown.split())
    assert "━━━" in shown
    assert "100.00 %" in shown


def read_terminal(descriptor: int) -> str:
    """Return all that is written to a terminal until its last writer is gone."""
    shown = bytearray()
    with os.fdopen(descriptor, "rb", buffering=0) as terminal, suppress(OSError):
        while chunk := terminal.read(4096):
            shown += chunk
    return shown.decode()


def test_a_disk_without_data_is_told_as_such(vma: ProgressReceiver, tmp_path: Path, target: Path) -> None:
    source = make_disk(tmp_path / "empty.raw", GIB, {})
    end = copy_disk(source, target, "--key", KEY, "--vma", vma.url, *BUILTIN)
    assert end.returncode == 0
    assert f"{KEY}: no data to move in a disk of 1.00 GiB" in end.stdout
    last = vma.reports(KEY)[-1]
    assert (last["status"], last["bytes_transferred"], last["total_bytes"], last["percent"]) == (
        "completed", 0, 0, 100,
    )  # fmt: skip
    assert (target.stat().st_size, target.stat().st_blocks) == (GIB, 0)


def test_a_vma_that_is_away_costs_nothing_but_its_report(source: Path, target: Path) -> None:
    with progress_receiver() as gone:
        url = gone.url
    end = copy_disk(source, target, "--key", KEY, "--vma", url, "--report-timeout", "100ms", *BUILTIN)
    assert end.returncode == 1
    assert same_data(source, target)
    told = end.stderr.splitlines()
    assert told[0].startswith(f"oma-poller: VMA {url} does not take reports (Connection refused)")
    assert told[1] == (
        f"oma-poller: all is copied, but VMA {url} was not told how it ended: {KEY}: Connection refused"
    )


def test_the_end_is_told_when_the_vma_is_back(vma: ProgressReceiver, source: Path, target: Path) -> None:
    vma.hold = Event()
    with running_copier(source, target, "--key", KEY, "--vma", vma.url, *BUILTIN) as process:
        assert process.stdout is not None
        until(lambda: "completed" in process.stdout.readline(), "the end of the copy")  # type: ignore[union-attr]
        assert vma.reports() == []
        vma.hold.set()
        assert process.wait(PATIENCE_S) == 0
    assert vma.reports(KEY)[-1]["status"] == "completed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_copy_and_is_reported(
    vma: ProgressReceiver, source: Path, target: Path, number: signal.Signals
) -> None:
    arguments = (source, target, "--key", KEY, "--vma", vma.url, "--rate", "1M", *BUILTIN)
    with running_copier(*arguments) as process:
        vma.moving(KEY)
        tool = child_of(process, "python")
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert err == f"oma-poller: {KEY} failed: stopped by {number.name}\n"
    assert is_gone(tool)
    last = vma.reports(KEY)[-1]
    assert (last["status"], last["error_message"]) == ("failed", f"stopped by {number.name}")
    assert 0 < last["bytes_transferred"] < 8 * MIB


def test_a_second_signal_does_not_wait_for_the_vma(vma: ProgressReceiver, source: Path, target: Path) -> None:
    arguments = (source, target, "--key", KEY, "--vma", vma.url, "--rate", "1M", *BUILTIN)
    with running_copier(*arguments) as process:
        vma.moving(KEY)
        vma.status = 503
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        until(lambda: "failed" in process.stdout.readline(), "the end of the copy")  # type: ignore[union-attr]
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 1  # the first signal alone would have waited for 10 s


def test_a_killed_tool_fails_the_copy(vma: ProgressReceiver, source: Path, target: Path) -> None:
    arguments = (source, target, "--key", KEY, "--vma", vma.url, "--rate", "1M", *BUILTIN)
    with running_copier(*arguments) as process:
        vma.moving(KEY)
        os.kill(child_of(process, "python"), signal.SIGKILL)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert err == f"oma-poller: {KEY} failed: builtin was killed by SIGKILL\n"
    assert vma.reports(KEY)[-1]["error_message"] == "builtin was killed by SIGKILL"


def test_a_killed_copier_leaves_no_tool_and_a_new_one_makes_it_whole(
    vma: ProgressReceiver, source: Path, target: Path
) -> None:
    arguments = (source, target, "--key", KEY, "--vma", vma.url, *BUILTIN)
    with running_copier(*arguments, "--rate", "1M") as process:
        vma.moving(KEY)
        tool = child_of(process, "python")
        process.kill()
        process.wait(PATIENCE_S)
        until(lambda: is_gone(tool), "the end of the tool")
    assert vma.reports(KEY)[-1]["status"] == "in_progress"
    assert not same_data(source, target)
    assert copy_disk(*arguments).returncode == 0
    assert same_data(source, target)


def test_a_target_that_cannot_grow_fails_with_the_tools_words(
    vma: ProgressReceiver, source: Path, target: Path
) -> None:
    arguments = (source, target, "--key", KEY, "--vma", vma.url, *BUILTIN)
    end = copy_disk(*arguments, within=("prlimit", f"--fsize={GIB}"))
    reason = f"builtin ended with exit status 1: {target}: File too large"
    assert (end.returncode, end.stderr) == (1, f"oma-poller: {KEY} failed: {reason}\n")
    assert vma.reports(KEY)[-1]["error_message"] == reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": None}, "SOURCE, TARGET and --key are needed"),
        ({"plan": Path("p")}, "--plan names sources, targets, keys and formats itself"),
        ({"tool": "dd"}, "--tool is 'dd': allowed are auto, nbdcopy, qemu-img, builtin"),
        ({"source_format": "vdi"}, "--source-format is 'vdi': allowed are raw, qcow2, vmdk"),
        ({"rate": "fast"}, "--rate is 'fast': allowed are bytes a second"),
        ({"rate": "0"}, "--rate is '0': allowed"),
        ({"parallel": 0}, "--parallel is 0: allowed are 1 to 64"),
        ({"lease": "1s"}, "--lease is '1s': allowed are whole seconds from 3s to 24h"),
        ({"lease": "3500ms"}, "--lease is '3500ms': allowed"),
        ({"report_timeout": "long"}, "--report-timeout is 'long': allowed are durations"),
        ({"vma": "localhost:9081"}, "the VMA's URL 'localhost:9081' cannot be used"),
        ({"tool": "builtin", "target": "nbd://h/x"}, "builtin copies files to files only"),
    ],
)
def test_wrong_usage_is_told_in_one_line(source: Path, options: dict[str, object], message: str) -> None:
    asked: dict[str, object] = {"source": str(source), "target": "t", "key": "k", **options}
    with pytest.raises(UsageError, match=message) as error:
        copy(**asked)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
