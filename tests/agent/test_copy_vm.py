"""`oma-poller vma copy --plan` from outside, with the tool of our own: it runs on any machine."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from copier_process import child_of, copy_disk, running_copier
from nbd_exports import MIB, make_disk
from patience import PATIENCE_S, until
from progress_receiver import ProgressReceiver, progress_receiver

BUILTIN = ("--tool", "builtin")


@pytest.fixture
def vma() -> Iterator[ProgressReceiver]:
    """Return a VMA that takes reports."""
    with progress_receiver() as receiver:
        yield receiver


def test_a_plan_is_copied_in_order_under_keys_of_its_own(vma: ProgressReceiver, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, vma.url, "", 'key = "k{n}"')
    assert copy_disk("--plan", plan, *BUILTIN).returncode == 0
    told = vma.statuses()
    assert [key for key, status in told if status == "completed"] == ["k1", "k2", "k3"]
    assert {report["total_bytes"] for report in vma.reports("k2") if "total_bytes" in report} == {2 * MIB}
    assert "disks_total" not in vma.reports("k1")[0]
    assert all((tmp_path / f"t{n}").read_bytes() == (tmp_path / f"s{n}.raw").read_bytes() for n in (1, 2, 3))


def test_a_plan_is_announced_under_its_job_before_anything_is_copied(
    vma: ProgressReceiver, tmp_path: Path
) -> None:
    plan = write_plan(tmp_path, vma.url, 'job_id = "job-1"', 'disk_id = "200{n}"')
    vma.hold = Event()
    with running_copier("--plan", plan, "--rate", "2M", *BUILTIN) as process:
        until(lambda: vma.connections, "the first report")
        vma.hold.set()
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    reports = vma.reports("job-1")
    assert {report["disks_total"] for report in reports} == {3}
    assert len({report["run_id"] for report in reports}) == 1
    first_end = next(n for n, report in enumerate(reports) if report["status"] == "completed")
    assert {report["disk_id"] for report in reports[:first_end]} == {"2001", "2002", "2003"}
    assert "job-1 disk 2002: completed, 2.00 MiB" in out


def test_disks_of_a_plan_can_be_copied_at_once(vma: ProgressReceiver, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, vma.url, "", 'key = "k{n}"')
    with running_copier("--plan", plan, "--rate", "100K", "--parallel", "3", *BUILTIN) as process:
        for key in ("k1", "k2", "k3"):
            assert vma.moving(key)[-1]["status"] == "in_progress"
        assert not [told for told in vma.statuses() if told[1] == "completed"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 1
    assert {key for key, status in vma.statuses() if status == "failed"} == {"k1", "k2", "k3"}


def test_after_a_disk_that_fails_none_is_begun(vma: ProgressReceiver, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, vma.url, "", 'key = "k{n}"')
    with running_copier("--plan", plan, "--rate", "1M", *BUILTIN) as process:
        vma.moving("k1")
        os.kill(child_of(process, "python"), signal.SIGKILL)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert err == (
        "oma-poller: k1 failed: builtin was killed by SIGKILL; k2 failed: not begun, because k1 failed; "
        "k3 failed: not begun, because k1 failed\n"
    )
    assert not (tmp_path / "t2").exists()
    assert vma.reports("k3")[-1]["error_message"] == "not begun, because k1 failed"


def write_plan(folder: Path, url: str, head: str, name: str) -> Path:
    """Write a plan of three disks with 1, 2 and 3 MiB of data."""
    lines = [f'vma = "{url}"', head]
    for number in (1, 2, 3):
        make_disk(folder / f"s{number}.raw", 4 * MIB, {MIB: number * MIB})
        lines += ["[[disk]]", f'source = "s{number}.raw"', f'target = "t{number}"', name.format(n=number)]
    plan = folder / "plan.toml"
    plan.write_text("\n".join(lines))
    return plan


def test_a_wrong_plan_starts_nothing(vma: ProgressReceiver, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, vma.url, "", 'key = "k{n}"')
    (tmp_path / "s3.raw").unlink()
    end = copy_disk("--plan", plan)
    assert (end.returncode, end.stdout) == (2, "")
    assert end.stderr == (
        f"oma-poller: plan {plan}, disk 3: source {tmp_path}/s3.raw does not exist: "
        "allowed are image files and NBD exports\n"
    )
    assert vma.reports() == []
    assert not (tmp_path / "t1").exists()
