"""Real disks over real NBD: nbdkit serves, nbdcopy and qemu-img copy."""

import socket as sockets
import subprocess
from pathlib import Path

import pytest
from copier_process import copy_disk, events
from nbd_exports import (
    DISK_SIZE,
    EXPORT,
    MIB,
    convert,
    make_disk,
    missing_nbd_packages,
    nbd_server,
    same_bytes,
    same_content,
    uri,
)
from patience import until
from progress_receiver import ProgressReceiver

MISSING = missing_nbd_packages()
pytestmark = [pytest.mark.nbd, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

GIB = 1024 * MIB
TOTAL = 16 * MIB


def check_reports(vma: ProgressReceiver) -> None:
    """The reports go up to the data's size and end with completed."""
    reports = vma.reports(EXPORT)
    done = [report["bytes_transferred"] for report in reports]
    assert done == sorted(done)
    assert {report["total_bytes"] for report in reports if report["stage"] == "Transfer"} == {TOTAL}
    last = reports[-1]
    assert (last["status"], last["bytes_transferred"], last["percent"]) == ("completed", TOTAL, 100)


@pytest.mark.parametrize("tool", ["nbdcopy", "qemu-img", "auto"])
def test_a_raw_disk_reaches_the_export(
    vma: ProgressReceiver, source: Path, volume: Path, export: str, tool: str
) -> None:
    end = copy_disk(source, export, "--key", EXPORT, "--vma", vma.url, "--tool", tool)
    assert (end.returncode, end.stderr) == (0, "")
    assert same_bytes(volume, source)
    check_reports(vma)


@pytest.mark.parametrize("form", ["qcow2", "vmdk"])
def test_an_image_with_a_format_reaches_the_export(
    vma: ProgressReceiver, source: Path, volume: Path, export: str, form: str
) -> None:
    end = copy_disk(convert(source, form), export, "--key", EXPORT, "--vma", vma.url, "--json")
    assert end.returncode == 0
    assert same_bytes(volume, source)
    check_reports(vma)
    prepared = next(event for event in events(end.stdout) if event["event"] == "prepared")
    assert (prepared["format"], prepared["tool"], prepared["size_bytes"]) == (form, "qemu-img", DISK_SIZE)


@pytest.mark.parametrize("form", ["raw", "qcow2", "vmdk"])
def test_any_format_becomes_a_raw_file(
    vma: ProgressReceiver, source: Path, tmp_path: Path, form: str
) -> None:
    image = source if form == "raw" else convert(source, form)
    target = make_disk(tmp_path / "target", DISK_SIZE + MIB, {0: 4 * MIB, DISK_SIZE: MIB}, seed=3)
    assert copy_disk(image, target, "--key", EXPORT, "--vma", vma.url).returncode == 0
    assert same_bytes(target, source)
    check_reports(vma)


@pytest.mark.parametrize("tool", ["nbdcopy", "qemu-img"])
def test_an_export_is_a_source_too(vma: ProgressReceiver, source: Path, tmp_path: Path, tool: str) -> None:
    target = tmp_path / "target"
    with nbd_server("file", source) as socket:
        end = copy_disk(uri(socket, ""), target, "--key", EXPORT, "--vma", vma.url, "--tool", tool)
    assert end.returncode == 0
    assert same_bytes(target, source)
    check_reports(vma)


def test_an_export_whose_server_tells_no_extents_is_all_data(
    vma: ProgressReceiver, source: Path, tmp_path: Path
) -> None:
    with nbd_server("--no-sr", "file", source) as socket:
        end = copy_disk(uri(socket, ""), tmp_path / "target", "--key", EXPORT, "--vma", vma.url)
    assert end.returncode == 0
    assert vma.reports(EXPORT)[-1]["total_bytes"] == DISK_SIZE


def test_an_export_is_reached_over_tcp(vma: ProgressReceiver, source: Path, volume: Path) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = [
        "nbdkit",
        "-f",
        "--exit-with-parent",
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "file",
        f"dir={volume.parent}",
    ]
    with subprocess.Popen(served, stderr=subprocess.DEVNULL) as server:
        address = f"nbd://127.0.0.1:{port}/{EXPORT}"
        until(lambda: is_listening(port), "the NBD server")
        try:
            end = copy_disk(source, address, "--key", EXPORT, "--vma", vma.url, "--rate", "64M")
        finally:
            server.terminate()
    assert end.returncode == 0
    assert same_bytes(volume, source)


def is_listening(port: int) -> bool:
    """Whether something accepts connections on a port."""
    with sockets.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_a_sparse_disk_shows_sensible_percent_at_a_limited_rate(
    vma: ProgressReceiver, tmp_path: Path, form: str
) -> None:
    """20 GiB with 24 MiB of data: if the rate limit counted holes, this would take an hour."""
    source = make_disk(tmp_path / "big.raw", 20 * GIB, {GIB: 12 * MIB, 19 * GIB: 12 * MIB})
    image = source if form == "raw" else convert(source, form)
    volume = make_disk(tmp_path / "volume", 20 * GIB, {3 * GIB: MIB}, seed=2)
    with nbd_server("file", volume) as socket:
        end = copy_disk(image, uri(socket, ""), "--key", EXPORT, "--vma", vma.url, "--rate", "8M")
    assert end.returncode == 0
    assert same_content(source, volume)
    percents = {report["percent"] for report in vma.reports(EXPORT) if "percent" in report}
    assert len([percent for percent in percents if 5 < percent < 95]) > 1
    assert {report["total_bytes"] for report in vma.reports(EXPORT) if report["stage"] == "Transfer"} == {
        24 * MIB
    }


def test_a_disk_without_data_leaves_an_empty_target(
    vma: ProgressReceiver, tmp_path: Path, volume: Path, export: str
) -> None:
    source = make_disk(tmp_path / "empty.raw", DISK_SIZE, {})
    assert copy_disk(source, export, "--key", EXPORT, "--vma", vma.url).returncode == 0
    assert not any(volume.read_bytes())
    last = vma.reports(EXPORT)[-1]
    assert [last[field] for field in ("status", "bytes_transferred", "total_bytes", "percent")] == [
        "completed", 0, 0, 100,
    ]  # fmt: skip


def test_a_machine_of_three_formats_is_copied_by_its_plan(vma: ProgressReceiver, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    disks = [make_disk(tmp_path / f"d{n}.raw", 64 * MIB, {MIB: n * 2 * MIB}, seed=n) for n in (1, 2, 3)]
    images = [disks[0], convert(disks[1], "qcow2"), convert(disks[2], "vmdk")]
    names = [f"migration-vol-{n}" for n in (1, 2, 3)]
    for name in names:
        make_disk(folder / name, 64 * MIB, {0: 8 * MIB}, seed=9)
    with nbd_server("file", f"dir={folder}") as socket:
        plan = tmp_path / "plan.toml"
        plan.write_text(
            f'vma = "{vma.url}"\njob_id = "job-1"\n'
            + "".join(
                f'[[disk]]\nsource = "{image.name}"\ntarget = "{uri(socket, name)}"\ndisk_id = "200{n}"\n'
                for n, (image, name) in enumerate(zip(images, names, strict=True))
            )
        )
        end = copy_disk("--plan", plan, "--parallel", "2")
    assert (end.returncode, end.stderr) == (0, "")
    for disk, name in zip(disks, names, strict=True):
        assert same_bytes(folder / name, disk)
    ends = {report["disk_id"]: report for report in vma.reports("job-1")}
    assert {key: (r["status"], r["bytes_transferred"]) for key, r in ends.items()} == {
        f"200{n}": ("completed", (n + 1) * 2 * MIB) for n in range(3)
    }
