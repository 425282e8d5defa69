"""Numbers as people read them."""

import pytest

from oma_poller.cli.quantities import human_bytes, human_percent, human_speed, human_time


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (-5, "0 B"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (933_232_640, "890.00 MiB"),
        (2**30 - 1, "1.00 GiB"),
        (42_949_672_960, "40.00 GiB"),
        (2**63 - 1, "8.00 EiB"),
    ],
)
def test_bytes_have_the_unit_that_leaves_few_digits(count: int, text: str) -> None:
    assert human_bytes(count) == text


@pytest.mark.parametrize(("speed", "text"), [(0, "-"), (3_145_728, "3.00 MiB/s")])
def test_no_speed_is_a_dash(speed: int, text: str) -> None:
    assert human_speed(speed) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-3, "0s"),
        (59.9, "59s"),
        (200, "3m20s"),
        (7500, "2h05m"),
        (86_400 * 3 + 4 * 3600, "3d04h"),
    ],
)
def test_a_time_has_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert human_time(seconds) == text


def test_a_percentage_has_two_decimals() -> None:
    assert [human_percent(points) for points in (0, 217, 10_000)] == ["0.00 %", "2.17 %", "100.00 %"]
