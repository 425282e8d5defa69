"""Plans: what they may say, and how a wrong one is told."""

from pathlib import Path

import pytest

from oma_poller.agent.copier.copy_place import FilePlace
from oma_poller.agent.copier.copy_plan import read_plan
from oma_poller.errors import UsageError

DISK = '[[disk]]\nsource = "a.raw"\ntarget = "t1"\n'
OTHER = '[[disk]]\nsource = "b.raw"\ntarget = "t2"\n'


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Return where a plan can lie, beside two images."""
    for name in ("a.raw", "b.raw"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path / "plan.toml"


def test_disks_have_keys_of_their_own(plan: Path) -> None:
    plan.write_text(f'{DISK}key = "k1"\n{OTHER}key = "k2"\nformat = "raw"\n')
    read = read_plan(plan)
    assert [(order.key, order.disk_id) for order in read.orders] == [("k1", None), ("k2", None)]
    assert read.orders[0].source == FilePlace(plan.parent / "a.raw")
    assert read.vma is None


def test_disks_of_a_job_share_its_key(plan: Path) -> None:
    plan.write_text(f'vma = "http://v"\njob_id = "job-1"\n{DISK}disk_id = "2000"\n{OTHER}disk_id = "2001"\n')
    read = read_plan(plan)
    assert [(order.key, order.disk_id) for order in read.orders] == [("job-1", "2000"), ("job-1", "2001")]
    assert read.vma == "http://v"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[disk]", "is no TOML: .*line 1"),
        ("", "missing required field `disk`"),
        ("disk = []", "has no disk"),
        ("disk = 5", "disk: Expected `array`"),
        ("colour = 1\n" + DISK, "unknown field `colour`"),
        (DISK + "key = 5", "disk 1, key: Expected `str"),
        (
            DISK + 'key = "k"\n' + OTHER + 'key = "l"\nsize = 1',
            "disk 2: Object contains unknown field `size`",
        ),
        (DISK + 'key = "k"\nformat = "vdi"', "disk 1, format: Invalid enum value 'vdi'"),
        (DISK, "disk 1: without a job_id each disk needs a key"),
        (DISK + 'key = "k"\ndisk_id = "1"', "disk 1: without a job_id each disk needs a key, and no disk_id"),
        (
            'job_id = "j"\n' + DISK + 'key = "k"',
            "disk 1: with a job_id each disk needs a disk_id, and no key",
        ),
        ('job_id = "j"\n' + DISK + 'disk_id = ""', "disk 1: disk_id '' cannot be used"),
        (DISK + 'key = "k"\n' + OTHER + 'key = "k"', "disk 2: its key 'k' is that of disk 1 too"),
        (DISK + 'key = "k"\n' + DISK + 'key = "l"', "disk 2: its target is that of disk 1 too"),
        (
            DISK + 'key = "k"\n[[disk]]\nsource = "b.raw"\ntarget = "a.raw"\nkey = "l"',
            "disk 2: it reads what disk 1 writes, or writes what that reads",
        ),
        (
            OTHER + 'key = "k"\n[[disk]]\nsource = "c.raw"\ntarget = "t"\nkey = "l"',
            "disk 2: source .* not exist",
        ),
    ],
)
def test_a_wrong_plan_is_told_in_one_line_that_names_the_place(plan: Path, text: str, message: str) -> None:
    plan.write_text(text)
    with pytest.raises(UsageError, match=message) as error:
        read_plan(plan)
    assert "\n" not in str(error.value)
    assert str(plan) in str(error.value)


def test_a_plan_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_plan(tmp_path / "plan.toml")


def test_a_plan_that_is_no_text_is_told(plan: Path) -> None:
    plan.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is no TOML"):
        read_plan(plan)
