"""What goes wrong over real NBD, and how it is told."""

import hashlib
import os
import signal
from pathlib import Path

import pytest
from copier_process import child_of, copy_disk, is_gone, running_copier
from nbd_exports import DISK_SIZE, EXPORT, MIB, make_disk, missing_nbd_packages, nbd_server, same_bytes, uri
from patience import PATIENCE_S, until
from progress_receiver import ProgressReceiver

MISSING = missing_nbd_packages()
pytestmark = [pytest.mark.nbd, pytest.mark.skipif(bool(MISSING), reason=MISSING)]


def digest(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def failure(vma: ProgressReceiver, source: Path, target: str, *options: str) -> str:
    """Copy in vain; the reason, which the VMA and the person were told alike, in one line."""
    end = copy_disk(source, target, "--key", EXPORT, "--vma", vma.url, *options)
    assert end.returncode == 1
    last = vma.reports(EXPORT)[-1]
    assert last["status"] == "failed"
    assert end.stderr == f"oma-poller: {EXPORT} failed: {last['error_message']}\n"
    return str(last["error_message"])


def test_a_missing_export_is_told_before_anything_is_copied(
    vma: ProgressReceiver, source: Path, export: str
) -> None:
    reason = failure(vma, source, export.replace(EXPORT, "migration-vol-other"))
    assert reason.startswith("target nbd+unix:///migration-vol-other")
    assert "No such file or directory" in reason
    assert vma.reports(EXPORT)[-1]["stage"] == "PrepareVolumes"


def test_a_server_that_is_not_there_is_told(vma: ProgressReceiver, source: Path, tmp_path: Path) -> None:
    assert "No such file or directory" in failure(vma, source, uri(tmp_path / "none", EXPORT))


def test_a_target_that_is_too_small_is_told_before_anything_is_copied(
    vma: ProgressReceiver, tmp_path: Path, volume: Path, export: str
) -> None:
    source = make_disk(tmp_path / "larger.raw", DISK_SIZE + 512, {0: MIB})
    before = digest(volume)
    reason = failure(vma, source, export)
    assert reason == f"target {export} has {DISK_SIZE} bytes, the source {DISK_SIZE + 512}: it does not fit"
    assert digest(volume) == before


def test_a_read_only_target_is_told_before_anything_is_copied(
    vma: ProgressReceiver, source: Path, volume: Path
) -> None:
    with nbd_server("-r", "file", f"dir={volume.parent}") as socket:
        reason = failure(vma, source, uri(socket, EXPORT))
    assert reason.endswith("is read-only")


@pytest.mark.parametrize("tool", ["nbdcopy", "qemu-img"])
def test_a_full_target_fails_with_the_tools_words(vma: ProgressReceiver, source: Path, tool: str) -> None:
    full = ("--filter=error", "memory", "64M", "error-pwrite=ENOSPC", "error-pwrite-rate=50%")
    with nbd_server(*full) as socket:
        reason = failure(vma, source, uri(socket, ""), "--tool", tool)
    assert reason.startswith(f"{tool} ended with exit status 1: ")
    assert "No space left on device" in reason


def test_a_broken_image_fails_with_the_tools_words(
    vma: ProgressReceiver, tmp_path: Path, export: str
) -> None:
    image = tmp_path / "broken.qcow2"
    image.write_bytes(b"QFI\xfb" + b"\xff" * 512)
    reason = failure(vma, image, export)
    assert reason.startswith(f"source {image}: qemu-img ended with exit status 1: Could not open")
    assert vma.reports(EXPORT)[-1]["stage"] == "Discover"


def test_a_killed_tool_fails_the_copy(vma: ProgressReceiver, source: Path, export: str) -> None:
    arguments = (source, export, "--key", EXPORT, "--vma", vma.url, "--rate", "4M")
    with running_copier(*arguments) as process:
        vma.moving(EXPORT)
        os.kill(child_of(process, "qemu-img"), signal.SIGKILL)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert err == f"oma-poller: {EXPORT} failed: qemu-img was killed by SIGKILL\n"


def test_a_killed_copier_writes_no_more_and_a_new_one_makes_it_whole(
    vma: ProgressReceiver, source: Path, volume: Path, export: str
) -> None:
    arguments = (source, export, "--key", EXPORT, "--vma", vma.url)
    with running_copier(*arguments, "--rate", "4M") as process:
        vma.moving(EXPORT)
        tool = child_of(process, "qemu-img")
        process.kill()
        process.wait(PATIENCE_S)
        until(lambda: is_gone(tool), "the end of the tool")
    assert not same_bytes(volume, source)
    assert copy_disk(*arguments).returncode == 0
    assert same_bytes(volume, source)


def test_an_export_that_is_missing_keeps_the_whole_plan_from_beginning(
    vma: ProgressReceiver, source: Path, volume: Path, export: str, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.toml"
    missing = export.replace(EXPORT, "migration-vol-other")
    plan.write_text(
        f'vma = "{vma.url}"\n[[disk]]\nsource = "{source}"\ntarget = "{export}"\nkey = "k1"\n'
        f'[[disk]]\nsource = "{source}"\ntarget = "{missing}"\nkey = "k2"\n'
    )
    before = digest(volume)
    end = copy_disk("--plan", plan)
    assert end.returncode == 1
    assert (
        "k1 failed: not begun, because k2 failed; k2 failed: target nbd+unix:///migration-vol-other"
        in end.stderr
    )
    assert digest(volume) == before
    assert vma.reports("k1")[-1]["status"] == "failed"
