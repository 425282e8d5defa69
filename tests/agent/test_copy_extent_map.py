"""The map of a disk's data, and the two tools' output it is read from."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.agent.copier.extent_map import ExtentMap
from oma_poller.agent.copier.map_output import MapOutput
from oma_poller.errors import CopyError

SIZE = 64
DISKS = st.lists(st.booleans(), min_size=SIZE, max_size=SIZE)


def mapped(cells: list[bool]) -> ExtentMap:
    """Return a map in which byte n is data if cell n is set, added byte by byte."""
    extents = ExtentMap(len(cells))
    for position, is_data in enumerate(cells):
        if is_data:
            extents.add(position, 1)
    return extents


@given(DISKS, st.integers(0, SIZE + 5))
def test_the_data_before_a_position_is_what_counting_says(cells: list[bool], position: int) -> None:
    extents = mapped(cells)
    assert extents.data_before(position) == sum(cells[:position])
    assert extents.data_bytes == sum(cells)


@given(DISKS, st.integers(1, SIZE))
def test_the_densest_step_is_the_fullest_piece(cells: list[bool], step: int) -> None:
    pieces = [sum(cells[at : at + step]) for at in range(0, SIZE, step)]
    assert mapped(cells).densest_step(step) == max(pieces)


@given(DISKS)
def test_adjacent_extents_are_one(cells: list[bool]) -> None:
    extents = list(mapped(cells))
    assert all(start + length < after for (start, length), (after, _) in pairwise(extents))


def test_what_lies_past_the_end_of_the_disk_does_not_count() -> None:
    extents = ExtentMap(10)
    extents.add(8, 5)
    extents.add(20, 5)
    assert list(extents) == [(8, 2)]


def test_extents_that_go_back_are_refused() -> None:
    extents = ExtentMap(10)
    extents.add(4, 4)
    with pytest.raises(ValueError, match="begins before 8"):
        extents.add(7, 1)


def test_an_empty_disk_has_no_data() -> None:
    extents = ExtentMap(0)
    assert (extents.data_bytes, extents.data_before(5), extents.densest_step(1)) == (0, 0, 0)


NBDINFO = [
    {"offset": 0, "length": 10, "type": 3, "description": "hole,zero"},
    {"offset": 10, "length": 5, "type": 0, "description": "data"},
    {"offset": 15, "length": 5, "type": 2, "description": "zero"},
    {"offset": 20, "length": 5, "type": 1, "description": "hole"},
]
QEMU = [
    {"start": 0, "length": 10, "depth": 0, "present": False, "zero": True, "data": False},
    {"start": 10, "length": 5, "depth": 0, "present": True, "zero": False, "data": True, "offset": 327680},
    {"start": 15, "length": 5, "depth": 0, "present": True, "zero": True, "data": True, "offset": 7},
    {"start": 20, "length": 5, "depth": 1, "present": True, "zero": False, "data": True, "offset": 9},
]


@pytest.mark.parametrize("document", [NBDINFO, QEMU])
@given(pieces=st.integers(1, 40))
def test_both_tools_maps_are_read_whatever_pieces_they_come_in(
    document: list[dict[str, object]], pieces: int
) -> None:
    text = json.dumps(document, indent=1).encode()
    extents = ExtentMap(30)
    output = MapOutput(extents)
    for at in range(0, len(text), pieces):
        output.take(text[at : at + pieces])
    assert list(extents) == [(10, 5), (20, 5)]


@pytest.mark.parametrize(
    "text", [b'{"length": 5, "type": 0}', b'{"start": 0, "data": true}', b'{"start": "x", "length": 1}']
)
def test_a_map_that_is_not_understood_is_an_error(text: bytes) -> None:
    with pytest.raises(CopyError, match="not understood"):
        MapOutput(ExtentMap(10)).take(text)
