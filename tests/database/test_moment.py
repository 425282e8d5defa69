"""Moments as databases hold them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from oma_poller.database.moment import read_moment

WHOLE = datetime(2025, 9, 5, 16, 24, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2025-09-05 16:24:27",
        "2025-09-05T16:24:27",
        "2025-09-05T16:24:27Z",
        "2025-09-05 16:24:27+00:00",
        "2025-09-05 18:24:27+02:00",
        "2025-09-05T10:54:27-0530",
        "2025-09-05 16:24:27 +0000 UTC",
        "2025-09-05 16:24:27 UTC",
        " 2025-09-05 16:24:27.000 ",
        "2025-09-05T16:24:27.000000000Z",
        "1757089467",
        "1757089467000",
        1757089467,
        1757089467.0,
        1757089467000,
        1757089467000000,
        1757089467000000000,
        WHOLE.replace(tzinfo=None),
        WHOLE.astimezone(timezone(timedelta(hours=5))),
    ],
)
def test_every_form_is_the_same_moment(value: object) -> None:
    read = read_moment(value)
    assert read == WHOLE
    assert read is not None
    assert read.tzinfo is UTC


def test_fractions_are_kept_to_the_microsecond() -> None:
    assert read_moment("2025-09-05 16:24:27.123456789+00:00") == WHOLE.replace(microsecond=123456)


def test_a_day_alone_begins_at_midnight() -> None:
    assert read_moment("2025-09-05") == datetime(2025, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "yesterday",
        "0000-00-00 00:00:00",
        "2025-13-45 99:99:99",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31 23:59:59-10:00",
        "nan",
        "inf",
        0,
        -5,
        True,
        1e300,
        b"2025-09-05",
        date(2025, 9, 5),
    ],
)
def test_what_is_no_moment_is_unknown(value: object) -> None:
    assert read_moment(value) is None
