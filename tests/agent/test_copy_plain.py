"""The copying program of our own, from inside."""

from pathlib import Path

import pytest
from nbd_exports import MIB, make_disk

from oma_poller.agent.copier import plain_copy
from oma_poller.agent.copier.plain_copy import Pace, copy_file


def test_a_pace_waits_until_the_bytes_are_due() -> None:
    now_s = [100.0]
    waits: list[float] = []
    pace = Pace(1000, lambda: now_s[0], waits.append)
    pace.keep(500)
    now_s[0] = 102.0
    pace.keep(1500)
    assert waits == [0.5]


def test_no_rate_never_waits() -> None:
    waits: list[float] = []
    Pace(0, lambda: 0.0, waits.append).keep(10**12)
    assert waits == []


def test_blocks_of_zeroes_are_not_written(tmp_path: Path) -> None:
    source = make_disk(tmp_path / "source", 4 * MIB, {2 * MIB: MIB})
    with source.open("r+b") as file:
        file.write(bytes(MIB))
    told: list[int] = []
    copy_file(source, tmp_path / "target", 0, told.append)
    assert (tmp_path / "target").read_bytes() == source.read_bytes()
    assert (tmp_path / "target").stat().st_blocks * 512 <= MIB + 4096
    assert told == [MIB, 2 * MIB]


def test_a_source_that_shrinks_meanwhile_is_an_error(tmp_path: Path) -> None:
    source = make_disk(tmp_path / "source", 2 * MIB, {0: 2 * MIB})

    def shrink(_: int) -> None:
        with source.open("r+b") as file:
            file.truncate(MIB)

    with pytest.raises(OSError, match="became shorter"):
        copy_file(source, tmp_path / "target", 0, shrink)


def test_its_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, target = tmp_path / "missing", tmp_path / "target"
    assert plain_copy.main(["plain_copy", str(missing), str(target), "0"]) == 1
    assert capsys.readouterr().err == f"{missing}: No such file or directory\n"
    assert plain_copy.main(["plain_copy"]) == 2
    assert capsys.readouterr().err == "usage: plain_copy SOURCE TARGET RATE\n"
