"""What the tools print, as bytes of data."""

from hypothesis import given
from hypothesis import strategies as st

from oma_poller.agent.copier.extent_map import ExtentMap
from oma_poller.agent.copier.tool_meter import BuiltinMeter, NbdcopyMeter, QemuImgMeter, ToolMeter

DATA = 1000


def disk() -> ExtentMap:
    """Return a disk of 10,000 bytes whose data is in its second tenth."""
    extents = ExtentMap(10_000)
    extents.add(1000, DATA)
    return extents


def read_in_pieces(meter: ToolMeter, text: bytes, size: int) -> list[int]:
    """Return what a meter says to output that comes in pieces."""
    read = [meter.read(text[at : at + size]) for at in range(0, len(text), size)]
    return [done for done in read if done is not None]


@given(st.integers(1, 60))
def test_percents_of_qemu_img_are_of_the_data(size: int) -> None:
    text = b"    (0.00/100%)\r    (12.50/100%)\r    (57.29/100%)\r    (100.00/100%)\r\n"
    read = read_in_pieces(QemuImgMeter(disk()), text, size)
    assert set(read) <= {0, 125, 572, 1000}
    assert read[-1] == DATA


@given(st.integers(1, 60))
def test_percents_of_nbdcopy_are_positions_on_the_disk(size: int) -> None:
    text = b"0/100\n5/100\n15/100\n20/100\n99/100\n100/100\n"
    read = read_in_pieces(NbdcopyMeter(disk()), text, size)
    assert set(read) <= {0, 500, 1000}
    assert read[-1] == DATA


def test_of_several_numbers_the_newest_counts() -> None:
    assert NbdcopyMeter(disk()).read(b"1/100\n11/100\n15/100\n1") == 500


def test_the_builtin_tool_prints_bytes() -> None:
    meter = BuiltinMeter(disk())
    assert meter.read(b"10\n52") == 10
    assert meter.read(b"3\n") == 523
    assert meter.read(b"5000\n") == DATA


def test_output_without_a_number_says_nothing() -> None:
    assert QemuImgMeter(disk()).read(b"hello\n" * 100) is None
    assert NbdcopyMeter(disk()).read(b"12/10") is None
